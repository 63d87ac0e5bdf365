"""The product's web server on a free port, started as `make run` starts it."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.cpu import Stopwatch
from core.embedded import find_data_folder
from core.supervisor import Child, web_command

START_SECONDS = 300  # on a machine that is busy with other things; a server that ends is noticed at once
ONE_TRY_SECONDS = 30
STOP_SECONDS = 10


@dataclass(frozen=True)
class Web:
    port: int
    pid: int

    def watch_cpu(self) -> Stopwatch:
        return Stopwatch([self.pid])


@contextmanager
def running_web(application: str = "config.wsgi", **environment: str) -> Iterator[Web]:
    """The web server serving this WSGI module, with this environment on top; waits until it answers.

    Its log goes to bench-….log in the installation's logs. Django's settings module of a child is not ours: a floor
    sets its own.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.set_inheritable(True)
    port = listener.getsockname()[1]
    log = find_data_folder().logs / f"bench-{application.split('.')[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    before = {name: os.environ.get(name) for name in (*environment, "DJANGO_SETTINGS_MODULE", "SITE_URL")}
    child = Child(
        "web",
        web_command(listener=listener.fileno(), application=application),
        log=log,
        keep_open=(listener.fileno(),),
    )
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    os.environ.update({"SITE_URL": f"http://127.0.0.1:{port}", **environment})
    try:
        child.start()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    listener.close()
    try:
        _wait_until_it_answers(child, port)
        if child.pid is None:
            raise RuntimeError("The web server is gone.")
        yield Web(port=port, pid=child.pid)
    finally:
        child.ask_to_stop()
        child.wait_until_stopped(time.monotonic() + STOP_SECONDS)


def _wait_until_it_answers(child: Child, port: int) -> None:
    """Any answer in HTTP will do: a floor has no page for health."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.process is None or child.process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=ONE_TRY_SECONDS) as asked:
                asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if asked.recv(8).startswith(b"HTTP/1.1"):
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The web server did not start:\n{child.log.read_text()[-3000:]}")
