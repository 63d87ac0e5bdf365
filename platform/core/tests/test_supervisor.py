"""The supervisor restarts what dies and stops everything in the end."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from core.embedded import DataFolder, Servers
from core.embedded.processes import command_line
from core.embedded.servers import MARK
from core.enums import JobQueue, JobState
from core.models import Job
from core.supervisor import Child, Supervisor, listen_on_free_port
from core.supervisor import supervisor as supervisor_module
from core.supervisor.watchdog import Watchdog
from core.tests.test_embedded import folder, servers  # noqa: F401 - fixtures

pytestmark = pytest.mark.fault
MARKS = {  # what the command line of each process of the product says
    "web": "gunicorn",
    "relay": "relay",
    "worker": "tongdao-inside",
    "outside-worker": "tongdao-outside",
    "beat": "beat",
}
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def wait_for(condition: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_a_killed_child_is_started_again(tmp_path, capsys):
    child = Child("sleeper", SLEEP, log=tmp_path / "log")
    supervisor = Supervisor([child])
    supervisor.start()
    try:
        first = child.pid
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: supervisor.watch() or child.pid != first)
        assert command_line(child.pid)
    finally:
        supervisor.stop()
    said = capsys.readouterr().err
    assert "sleeper was killed by SIGKILL; starting it again in 1 s" in said
    assert "sleeper is running again" in said


def test_what_a_killed_child_leaves_behind_is_killed(tmp_path):
    script = f"import subprocess, sys; print(subprocess.Popen({SLEEP!r}).pid, flush=True); input()"
    log = tmp_path / "log"
    child = Child(
        "parent",
        [sys.executable, "-c", f"{script.replace('input()', 'import time; time.sleep(600)')}"],
        log=log,
    )
    supervisor = Supervisor([child])
    supervisor.start()
    try:
        wait_for(lambda: log.read_text().endswith("\n"))
        orphan = int(log.read_text())
        os.kill(child.pid, signal.SIGKILL)
        wait_for(lambda: supervisor.watch() or not command_line(orphan))
    finally:
        supervisor.stop()


def test_a_child_that_dies_again_and_again_is_waited_for_longer(tmp_path, capsys):
    child = Child("broken", [sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "log")
    child.start()
    for _ in range(2):
        wait_for(child.watch)
    wait_for(lambda: child.process.poll() is not None)
    child.watch()
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" (see")[0] for line in said] == [
        f"broken ended with status 3; starting it again in {delay} s" for delay in (1, 2, 4)
    ]


def test_a_child_that_will_not_stop_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor_module, "STOP_SECONDS", 0.3)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    child = Child("deaf", [sys.executable, "-c", deaf], log=tmp_path / "log")
    supervisor = Supervisor([child])
    supervisor.start()
    wait_for(lambda: (tmp_path / "log").read_text())
    pid = child.pid
    supervisor.stop()
    assert command_line(pid) == ""


def test_killed_servers_are_started_again(servers: Servers, capsys):  # noqa: F811
    supervisor = Supervisor([], servers=servers)
    for server in (servers.postgres, servers.valkey):
        os.kill(server.pid(), signal.SIGKILL)
    wait_for(lambda: not (servers.postgres.pid() or servers.valkey.pid()))
    supervisor.watch()
    assert servers.postgres.is_ready()
    assert servers.valkey.is_ready()
    said = capsys.readouterr().err
    assert "PostgreSQL is gone; starting it again." in said
    assert "Valkey is gone; starting it again." in said


def test_a_taken_port_is_passed_over(capsys):
    with listen_on_free_port(18_000) as first, listen_on_free_port(first.getsockname()[1]) as second:
        taken = first.getsockname()[1]
        assert second.getsockname()[1] > taken
        assert f"Port {taken} is taken; using {second.getsockname()[1]}." in capsys.readouterr().err
        with socket.create_connection(second.getsockname(), timeout=5):
            pass


def test_no_free_port_is_said_plainly():
    with listen_on_free_port(18_000) as taken, pytest.raises(SystemExit, match="No free port"):
        listen_on_free_port(taken.getsockname()[1], tries=1)


@pytest.mark.django_db(transaction=True)
class TestWatchdog:
    def job(
        self, key: str, *, due_ago: int, done_ago: int | None = None, queue: JobQueue = JobQueue.INSIDE
    ) -> Job:
        now = timezone.now()
        done = None if done_ago is None else now - timedelta(seconds=done_ago)
        return Job.objects.create(
            kind="test",
            key=key,
            queue=queue,
            due_at=now - timedelta(seconds=due_ago),
            state=JobState.READY if done is None else JobState.DONE,
            done_at=done,
        )

    def look(self) -> dict[JobQueue, int]:
        return Watchdog(_quiet_until=0).count_stuck_jobs()

    def test_jobs_long_due_and_nothing_done(self):
        self.job("a", due_ago=120)
        self.job("b", due_ago=90)
        self.job("fresh", due_ago=5)
        self.job("old", due_ago=600, done_ago=300)
        assert self.look() == {JobQueue.INSIDE: 2}

    def test_something_was_done_lately(self):
        self.job("a", due_ago=120)
        self.job("done", due_ago=120, done_ago=20)
        assert self.look() == {}

    def test_each_queue_is_looked_at_by_itself(self):
        """Workers of the one that do something say nothing of the other's."""
        self.job("a", due_ago=120, queue=JobQueue.OUTSIDE)
        self.job("done", due_ago=120, done_ago=20)
        assert self.look() == {JobQueue.OUTSIDE: 1}

    def test_only_fresh_jobs(self):
        self.job("a", due_ago=5)
        assert self.look() == {}

    def test_after_an_alarm_it_gives_the_restarted_workers_a_minute(self):
        self.job("a", due_ago=120)
        watchdog = Watchdog(_quiet_until=0)
        assert watchdog.count_stuck_jobs() == {JobQueue.INSIDE: 1}
        watchdog._look_at = 0
        assert watchdog.count_stuck_jobs() == {}

    def test_stuck_jobs_restart_their_worker(self, tmp_path):
        self.job("a", due_ago=120)
        names = ("worker", "outside-worker", "web")
        worker, *others = (Child(name, SLEEP, log=tmp_path / name) for name in names)
        supervisor = Supervisor(
            [worker, *others],
            watchdog=Watchdog(_quiet_until=0),
            restarted_when_stuck={JobQueue.INSIDE: ["worker"], JobQueue.OUTSIDE: ["outside-worker"]},
        )
        supervisor.start()
        try:
            pid, pids = worker.pid, [child.pid for child in others]
            wait_for(lambda: supervisor.watch() or worker.pid != pid)
            assert [child.pid for child in others] == pids
        finally:
            supervisor.stop()


def test_the_whole_product_survives_kills_and_stops(folder, tmp_path):  # noqa: F811
    """`manage.py run` as `make run` calls it: killed processes come back, Ctrl-C leaves nothing behind."""
    servers = Servers(folder)  # noqa: F811
    run = Run(folder, tmp_path / "first")
    try:
        address = run.wait_for_welcome()
        children = run.children()
        assert children.keys() == MARKS.keys()
        for pid in (servers.postgres.pid(), servers.valkey.pid(), *children.values()):
            os.kill(pid, signal.SIGKILL)
        restarted = ("PostgreSQL", "Valkey", "web", "relay", "worker", "outside-worker", "beat")
        wait_for(lambda: all(f"{name} is running again" in run.said() for name in restarted))
        wait_for(lambda: _is_ready(address))

        second = Run(folder, tmp_path / "second")
        assert second.process.wait(timeout=60) == 1
        assert "Tongdao already runs from" in second.said()

        children = run.children()
        assert children.keys() == MARKS.keys()
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(timeout=20) == 0
        assert [name for name, pid in children.items() if command_line(pid)] == []
        assert (servers.postgres.pid(), servers.valkey.pid()) == (None, None)
    finally:
        run.end()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_after_a_killed_supervisor_the_next_start_finds_order(folder, tmp_path):  # noqa: F811
    first = Run(folder, tmp_path / "first")
    try:
        first.wait_for_welcome()
        children = first.children()
        first.process.kill()
        first.process.wait()
        wait_for(lambda: not any(command_line(pid) for pid in children.values()))
        assert Servers(folder).postgres.pid()  # left behind, and used by the next start
    finally:
        first.end()
    again = Run(folder, tmp_path / "again")
    try:
        assert _is_ready(again.wait_for_welcome())
        again.process.terminate()
        assert again.process.wait(timeout=20) in (0, 128 + signal.SIGTERM)
        assert (Servers(folder).postgres.pid(), Servers(folder).valkey.pid()) == (None, None)
    finally:
        again.end()


class Run:
    """`manage.py run` as a process of its own, and what it says."""

    def __init__(self, folder: DataFolder, log: Path) -> None:  # noqa: F811
        ours = {MARK, "DATABASE_URL", "REDIS_URL", "SITE_URL"}
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        environment |= {"TONGDAO_DATA": str(folder.path), "PYTHONPATH": os.pathsep.join(sys.path)}
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run", "--without-demo", "--port", "18100"],
                cwd=settings.ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.log.read_text()

    def wait_for_welcome(self) -> str:
        """The address it prints."""
        wait_for(lambda: "Stop with Ctrl-C." in self.said() or self.process.poll() is not None, seconds=120)
        assert self.process.poll() is None, self.said()
        return self.said().partition("Tongdao is running: ")[2].split()[0]

    def children(self) -> dict[str, int]:
        """Name and process of each living child, by what its command line says."""
        pairs = []
        if Path("/proc/self").exists():
            for file in Path("/proc").glob("[0-9]*/stat"):
                with contextlib.suppress(OSError):  # it may end between listing and reading
                    stat = file.read_text()  # "pid (name) state ppid ...", where the name may hold anything
                    pairs.append((int(stat.split()[0]), int(stat.rpartition(")")[2].split()[1])))
        else:
            listed = subprocess.run(
                ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
            )
            pairs = [(int(pid), int(ppid)) for pid, ppid in map(str.split, listed.stdout.splitlines())]
        return {
            name: pid
            for pid, ppid in pairs
            for name, mark in MARKS.items()
            if ppid == self.process.pid and f" {mark} " in f"{command_line(pid)} "
        }

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        print(self.said())


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}readyz", timeout=5).json() == {
            "database": True,
            "migrations": True,
            "redis": True,
        }
    except (httpx.TransportError, ValueError):
        return False
