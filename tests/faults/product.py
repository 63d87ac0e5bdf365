"""The whole product in a data folder of its own, and what one can do to it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings

from core.embedded import DataFolder, Servers
from core.embedded.processes import command_line
from core.embedded.servers import MARK

DONE = "SELECT count(*) FROM core_job WHERE state = 'done'"
DUE = "SELECT count(*) FROM core_job WHERE state = 'ready' AND due_at <= now()"


def wait_for(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Time in which this machine slept does not count."""
    left, before = seconds, time.monotonic()
    while not condition():
        assert left > 0, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)
        now = time.monotonic()
        left, before = left - min(now - before, 1), now


def environment(folder: DataFolder) -> dict[str, str]:
    """For a process that uses the servers of this folder, and not those of the tests."""
    others = {MARK, "DATABASE_URL", "REDIS_URL", "SITE_URL"}
    variables = {name: value for name, value in os.environ.items() if name not in others}
    return variables | {"TONGDAO_DATA": str(folder.path), "PYTHONPATH": os.pathsep.join(sys.path)}


class Street:
    """The trader beside the product (see trader.py)."""

    def __init__(self, folder: DataFolder, history: Path) -> None:
        self.history = history
        self._environment = environment(folder) | Servers(folder).environment()
        self._process: subprocess.Popen[bytes] | None = None

    def open(self, *, orders: int = 1_000_000) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.trader", "trade", str(self.history), str(orders)],
            cwd=settings.ROOT,
            env=self._environment,
        )

    def close(self, *, seconds: float = 60) -> None:
        """Let it finish its round."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(timeout=seconds) == 0
            self._process = None

    def wait(self, *, seconds: float) -> None:
        """Until it has traded what it was opened for."""
        assert self._process is not None
        assert self._process.wait(timeout=seconds) == 0
        self._process = None

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def answers(self) -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in self.history.read_text().splitlines()]
            if self.history.exists()
            else []
        )

    def check(self) -> dict[str, Any]:
        said = subprocess.run(
            [sys.executable, "-m", "tests.faults.trader", "check"],
            cwd=settings.ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)


class Watch:
    """A connection that asks the product's database how much waits, whatever happened to it meanwhile."""

    def __init__(self, folder: DataFolder) -> None:
        self._url = Servers(folder).postgres.url
        self._connection: psycopg.Connection[Any] | None = None

    def ask(self, query: str) -> int | None:
        """One number; None while the database is away."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._url, autocommit=True)
            row = self._connection.execute(query).fetchone()
            return row[0] if row else None
        except psycopg.Error:
            self._connection = None
            return None


class Product:
    """`manage.py run`, as `make run` calls it."""

    def __init__(self, folder: DataFolder, log: Path) -> None:
        self.folder, self.log = folder, log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run", "--without-demo", "--port", "18300"],
                cwd=settings.ROOT,
                env=environment(folder),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.servers = Servers(folder)

    def said(self) -> str:
        return self.log.read_text()

    def wait_until_running(self) -> None:
        wait_for(
            lambda: "Stop with Ctrl-C." in self.said() or self.process.poll() is not None,
            seconds=120,
            what="the product's welcome",
        )
        assert self.process.poll() is None, self.said()

    def site(self) -> str:
        """The address it says it is reached at."""
        return next(
            line.split()[-1].rstrip("/")
            for line in self.said().splitlines()
            if line.startswith("Tongdao is running: ")
        )

    def pids(self, name: str) -> list[int]:
        """The living processes one can kill under this name."""
        match name:
            case "postgres":
                return [pid for pid in [self.servers.postgres.pid()] if pid]
            case "valkey":
                return [pid for pid in [self.servers.valkey.pid()] if pid] if self.servers.valkey else []
            case "web":
                return [pid for pid in _children(self.process.pid) if " gunicorn " in command_line(pid)]
            case "worker child" | "web child":
                return [pid for main in self.pids(name.split()[0]) for pid in _children(main)]
            case _:
                return [pid for pid in _children(self.process.pid) if f" {name} " in f"{command_line(pid)} "]

    def kill(self, name: str) -> int:
        """kill -9; the process that died."""
        wait_for(lambda: self.pids(name), seconds=45, what=f"a living {name}")
        pid = self.pids(name)[0]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    def flush_valkey(self) -> None:
        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(self.servers.valkey.url()).flushall()

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=40) == 0

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)
        print(self.said()[-6000:])
        with contextlib.suppress(FileNotFoundError):  # it never came so far
            print((self.folder.logs / "worker.log").read_text(errors="replace")[-3000:])


def _children(parent: int) -> list[int]:
    pids = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            stat = file.read_text()
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                pids.append(int(stat.split()[0]))
    return sorted(pids)
