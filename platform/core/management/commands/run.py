"""`make run`: everything of Tongdao on one machine, until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError

from core.embedded import DataFolder, Servers, find_data_folder
from core.embedded.processes import say
from core.embedded.servers import MARK
from core.enums import JobQueue
from core.supervisor import Child, Supervisor, beat_command, listen_on_free_port, product_commands
from core.supervisor.watchdog import Watchdog

WEB_START_SECONDS = 60


class Command(BaseCommand):
    help = "Runs Tongdao: database, web, relay, Celery workers and beat, with a demonstration town. Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="first port to try (8000)"
        )
        parser.add_argument("--without-demo", action="store_true", help="build no demonstration town")

    def handle(self, *args: Any, port: int, without_demo: bool, **options: Any) -> None:
        folder = find_data_folder()
        # A shell that starts us with & has SIGINT ignored; whoever sends it means it all the same.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with folder.lock("run", wait=False):
                self._run(folder, port=port, without_demo=without_demo)
        except BlockingIOError:
            raise CommandError(
                f"Tongdao already runs from {folder.path}; a second one needs a folder of its own: make run DATA=..."
            ) from None
        except KeyboardInterrupt:
            return

    def _run(self, folder: DataFolder, *, port: int, without_demo: bool) -> None:
        listener = listen_on_free_port(port)
        port = listener.getsockname()[1]
        site = os.environ.setdefault("SITE_URL", f"http://127.0.0.1:{port}")
        embedded = MARK in os.environ
        if embedded:
            say(f"PostgreSQL{' and Valkey are' if _valkey_is_ours() else ' is'} running in {folder.path}.")
        supervisor = Supervisor(
            _children(folder.logs, folder.path / "beat", listener.fileno()),
            servers=Servers(folder, with_valkey=_valkey_is_ours()) if embedded else None,
            watchdog=Watchdog(),
            restarted_when_stuck={
                JobQueue.INSIDE: ("worker", "relay"),
                JobQueue.OUTSIDE: ("outside-worker", "relay"),
            },
        )
        try:
            _compile_translations()
            town = {} if without_demo else _build_demonstration_town()
            say("Starting web, relay, workers and beat ...")
            supervisor.start()
            _wait_for_web(supervisor, port)
            self.stdout.write(_welcome(site, town, folder.logs))
            self.stdout.flush()
            supervisor.watch_forever()
        finally:
            say("\nStopping ...")
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                # An impatient second Ctrl-C must not leave children behind.
                signal.signal(number, signal.SIG_IGN)
            supervisor.stop()
            listener.close()


def _valkey_is_ours() -> bool:
    return str(find_data_folder().sockets) in settings.REDIS_URL


def _compile_translations() -> None:
    if "compile_translations" in get_commands():
        subprocess.run(
            [sys.executable, "manage.py", "compile_translations"], cwd=settings.ROOT, stdout=2, check=True
        )


def _build_demonstration_town() -> dict[str, Any]:
    """Run `manage.py demo`, which builds what is missing and describes the town; its progress goes to the terminal."""
    if "demo" not in get_commands():
        return {}
    say("Building the demonstration town ...")
    built = subprocess.run(
        [sys.executable, "manage.py", "demo", "--json"],
        cwd=settings.ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if built.returncode:
        say("The demonstration town could not be built; going on without it.")
        return {}
    return json.loads(built.stdout.splitlines()[-1])


def _children(logs: Path, beat: Path, listener: int) -> list[Child]:
    beat.mkdir(mode=0o700, exist_ok=True)
    return [
        Child(name, argv, log=logs / f"{name}.log", keep_open=(listener,) if name == "web" else ())
        for name, argv in (
            product_commands(listener=listener) | {"beat": beat_command(schedule=beat / "schedule")}
        ).items()
    ]


def _wait_for_web(supervisor: Supervisor, port: int) -> None:
    deadline = time.monotonic() + WEB_START_SECONDS
    while time.monotonic() < deadline:
        supervisor.watch()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    say("The web server does not answer yet; its log says why.")


def _welcome(site: str, town: dict[str, Any], logs: Path) -> str:
    lines = ["", f"Tongdao is running: {urljoin(site, '/')}", ""]
    rows = [
        (sign_in["role"], sign_in["login"], sign_in["password"], urljoin(site, sign_in["url"]))
        for sign_in in town.get("sign_ins", [])
    ]
    if rows:
        rows.insert(0, ("WHO", "SIGN IN AS", "PASSWORD", "PAGE"))
        widths = [max(len(str(row[column])) for row in rows) for column in range(4)]
        lines += [
            "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        lines += [""]
    if town.get("coupon_codes"):
        lines += ["Coupons ready to redeem: " + " · ".join(town["coupon_codes"][:3]), ""]
    lines += [f"Logs: {logs}", "Stop with Ctrl-C.", ""]
    return "\n".join(lines)
