"""`manage.py bench NAME`: measure the product, each benchmark in a process and on a database of its own."""

import json
import os
import signal
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from benchmarks.database import own_database
from benchmarks.figures import show_table
from benchmarks.registry import Bench, Options, find_benches
from core.embedded.processes import say

STOP_SECONDS = 30


class Command(BaseCommand):
    help = "Measures the product on a database of its own; without a name everything, one after another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        defaults = Options()
        known = "; ".join(f"{one.name}: {one.help}" for one in find_benches().values())
        parser.add_argument("name", nargs="?", help=known.replace("%", "%%") or "there are none yet")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        parser.add_argument("--seconds", type=float, default=defaults.seconds, help="length of a round (3)")
        parser.add_argument("--rounds", type=int, default=defaults.rounds, help="rounds of each kind (3)")
        parser.add_argument("--rows", type=int, help="how much there is to work on (each has its default)")
        parser.add_argument("--connections", type=int, default=defaults.connections, help="at a time (8)")
        parser.add_argument(
            "--kills",
            type=int,
            default=defaults.kills,
            help="kill -9 its workers so often meanwhile (0; settle)",
        )
        # Set by this command for the process in which one benchmark runs.
        parser.add_argument("--inside", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        benches = find_benches()
        if name is not None and name not in benches:
            raise CommandError(
                f"There is no benchmark {name}; there are: {', '.join(benches)}.", returncode=2
            )
        if (
            options["seconds"] <= 0
            or options["rounds"] < 1
            or options["connections"] < 1
            or (options["rows"] or 1) < 1
            or options["kills"] < 0
        ):
            raise CommandError(
                "--seconds, --rounds, --rows and --connections are above zero, --kills is not below.",
                returncode=2,
            )
        if options["inside"] and name is not None:
            self._run_here(benches[name], options)
            return
        if name is None and options["json"]:
            raise CommandError("--json wants the name of one benchmark.", returncode=2)
        results = [_run_apart(one, options) for one in ([benches[name]] if name else benches.values())]
        if options["json"]:
            self.stdout.write(json.dumps(results[0]))
        elif results:
            self.stdout.write(show_table(results))

    def _run_here(self, bench: Bench, options: dict[str, Any]) -> None:
        call_command("migrate", verbosity=0, interactive=False, stdout=sys.stderr)
        result = bench.run(
            Options(
                seconds=options["seconds"],
                rounds=options["rounds"],
                rows=options["rows"],
                connections=options["connections"],
                kills=options["kills"],
            )
        )
        if result.more:
            say(f"\n{show_table(list(result.more))}\n")
        self.stdout.write(json.dumps({**result.as_json(), "name": bench.name}))


def _run_apart(bench: Bench, options: dict[str, Any]) -> dict[str, Any]:
    """Run one in a process whose environment names its own database, so that nothing in it can reach ours."""
    say(f"{bench.name}: {bench.help}")
    command = [sys.executable, "manage.py", "bench", bench.name, "--inside"]
    for option in ("seconds", "rounds", "rows", "connections", "kills"):
        if options[option] is not None:
            command += [f"--{option}", str(options[option])]
    previous = signal.signal(signal.SIGTERM, _leave)
    try:
        with (
            own_database(bench.name) as environment,
            subprocess.Popen(
                command,
                cwd=settings.ROOT,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                text=True,
                # Ctrl-C is for us: we end it in order, then drop its database.
                start_new_session=True,
            ) as process,
        ):
            try:
                output, _ = process.communicate()
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                    try:
                        process.wait(STOP_SECONDS)
                    except subprocess.TimeoutExpired:
                        process.kill()
    except KeyboardInterrupt:
        raise CommandError("Stopped; the benchmark's database is gone.", returncode=130) from None
    finally:
        signal.signal(signal.SIGTERM, previous)
    if process.returncode:
        raise CommandError(f"The benchmark {bench.name} failed.", returncode=1)
    return json.loads(output.strip().splitlines()[-1])


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
