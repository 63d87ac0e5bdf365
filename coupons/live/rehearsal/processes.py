"""The rehearsal's own web server, worker, relay and Valkey; only the PostgreSQL is everybody's."""

import os
import secrets
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
from django.conf import settings

from core.embedded import DataFolder, find_data_folder
from core.embedded.valkey import Valkey
from core.supervisor import Child, Supervisor, listen_on_free_port, product_commands

FIRST_PORT = 18600
WEB_START_SECONDS = 90
WEB_PROCESSES, WORKER_PROCESSES = 2, 4  # as core.supervisor.commands starts them


class WebDidNotStart(Exception):
    """The web server gave no answer in time; its log says why."""


def in_lane(url: str, lane: str) -> str:
    """The database's address, with every connection in the lane (see core.models.Job)."""
    option = quote(f"-c tongdao.lane={lane}")
    return f"{url}{'&' if urlsplit(url).query else '?'}options={option}"


def report_folder(lane: str) -> Path:
    """Where a rehearsal keeps its logs and its report."""
    folder: Path = find_data_folder().path / "rehearsals" / lane
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def stop_left_over_valkey(lane: str) -> None:
    """Valkey is a daemon, so it outlives a process that was killed."""
    Valkey(DataFolder(report_folder(lane))).stop()


class OwnProcesses:
    """Start, watch, break, stop. Logs and Valkey's file live in a folder that goes when it stops; the logs stay."""

    def __init__(self, *, lane: str) -> None:
        self.lane = lane
        self.folder = DataFolder(report_folder(lane))
        self.folder.create()
        self.valkey = Valkey(self.folder)
        self._listener = listen_on_free_port(FIRST_PORT)
        self.host = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        environment = self.environment()
        self.supervisor = Supervisor(
            [
                Child(
                    name,
                    argv,
                    log=self.folder.logs / f"{name}.log",
                    keep_open=(self._listener.fileno(),) if name == "web" else (),
                    environment=environment,
                )
                for name, argv in product_commands(listener=self._listener.fileno()).items()
            ]
        )

    def environment(self) -> dict[str, str]:
        """What differs from the installation's own processes."""
        return {
            "DATABASE_URL": in_lane(os.environ["DATABASE_URL"], self.lane),
            "REDIS_URL": self.valkey.url(),
            "SITE_URL": self.host,
            "ALLOWED_HOSTS": "127.0.0.1",
            "HTTPS_ONLY": "0",
            "NUM_PROXIES": "1",  # the generator says which address each customer comes from
            "PAYMENT_PROVIDER": "sandbox",
            "SANDBOX_PAYMENT_SECRET": secrets.token_hex(32),
            "CUSTOMER_SIGN_IN": "sandbox",
            "REHEARSAL": self.lane,
        }

    def start(self) -> None:
        """Everything, until the web server answers. Raises WebDidNotStart."""
        os.chdir(settings.ROOT)
        self.valkey.start()
        self.supervisor.start()
        deadline = time.monotonic() + WEB_START_SECONDS
        while time.monotonic() < deadline:
            self.supervisor.watch()
            try:
                if httpx.get(f"{self.host}/healthz", timeout=5, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise WebDidNotStart(str(self.folder.logs / "web.log"))

    def watch(self) -> None:
        self.supervisor.watch()

    def child(self, name: str) -> Child:
        return next(child for child in self.supervisor.children if child.name == name)

    def pids(self) -> dict[str, int]:
        """The main process of each that lives."""
        found = {child.name: child.pid for child in self.supervisor.children if child.pid}
        valkey = self.valkey.pid()
        return found | ({"valkey": valkey} if valkey else {})

    def kill_worker(self) -> None:
        self.child("worker").kill()

    def kill_valkey(self) -> None:
        pid = self.valkey.pid()
        if pid:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self.supervisor.stop()
        self._listener.close()
        self.valkey.stop()
        shutil.rmtree(self.folder.valkey, ignore_errors=True)

    def log_tail(self, name: str) -> str:
        file = Path(self.folder.logs / f"{name}.log")
        return file.read_text(errors="replace")[-2000:] if file.exists() else ""
