"""What `manage.py` does around a command: servers before it, a migrated database, servers stopped after it."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from core.embedded.folder import ROOT, find_data_folder
from core.embedded.postgres import binaries
from core.embedded.processes import say
from core.embedded.servers import Servers

# Commands that touch no database.
WITHOUT_SERVERS = {
    "check",
    "collectstatic",
    "compile_translations",
    "compilemessages",
    "diffsettings",
    "evaluate_recommendation",
    "findstatic",
    "help",
    "makemessages",
    "spectacular",
    "startapp",
    "version",
}
FLOORS = ("platform", "merchants", "coupons", "providers", "benchmarks")


@contextmanager
def serve_command(argv: Sequence[str]) -> Iterator[None]:
    """Let a `manage.py` command find its database.

    With DATABASE_URL set (in the environment or in `.env`) nothing is embedded. Otherwise the embedded servers run
    while the command runs; a command of this product also finds every migration applied.
    """
    read_dotenv()
    command = argv[1] if len(argv) > 1 else "help"
    asks_for_help = command.startswith("-") or {"-h", "--help", "--version"} & set(argv[2:])
    if os.environ.get("DATABASE_URL") or asks_for_help or command in WITHOUT_SERVERS:
        yield
        return
    servers = Servers(find_data_folder(), with_valkey=not os.environ.get("REDIS_URL"))
    with _ending_in_order():
        try:
            if command == "run":
                say("Starting PostgreSQL and Valkey ...")
            servers.start()
            servers.export()
            if command == "dbshell":
                _help_psql(servers)
            if is_product_command(command):
                with servers.folder.lock("migrate"):
                    apply_migrations()
            yield
        finally:
            servers.stop()


def read_dotenv() -> None:
    """Take over `.env`, as the settings do, without overriding the environment."""
    import environ

    if (ROOT / ".env").exists():
        environ.Env.read_env(ROOT / ".env")


def is_product_command(command: str) -> bool:
    """Whether one of the floors, or the benchmarks above them, defines the command."""
    return any(
        file.is_file()
        for floor in FLOORS
        for file in (ROOT / floor).glob(f"**/management/commands/{command}.py")
    )


def apply_migrations() -> None:
    """Bring the database of the settings up to date; says so only where there is something to do."""
    import django
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    executor = MigrationExecutor(connections["default"])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Applying migrations ...")
        call_command("migrate", verbosity=0, interactive=False, stdout=sys.stderr)
    connections.close_all()


def _help_psql(servers: Servers) -> None:
    """Django's dbshell calls `psql` from the path and does not pass a socket folder on."""
    os.environ["PGHOST"] = str(servers.folder.sockets)
    if shutil.which("psql") is None:
        os.environ["PATH"] = f"{os.environ.get('PATH', '')}{os.pathsep}{binaries()}"


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """SIGTERM and a closed terminal end the command like Ctrl-C, so that the servers it started are stopped."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # Not where somebody ignores them on purpose, as nohup does.
    taken = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    for one in taken:
        signal.signal(one, leave)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)
