"""The product's relay and its Celery workers, as `make run` starts them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from config.celery import app
from core.embedded import find_data_folder
from core.supervisor import Child, product_commands

START_SECONDS = 300  # on a machine that is busy with other things
STOP_SECONDS = 20
KILL_EVERY_SECONDS = 3


@contextmanager
def running_workers() -> Iterator[dict[str, Child]]:
    """By name. They work on the database and the Redis of this process's environment; waits until the workers answer."""
    commands = product_commands(listener=0)
    logs = find_data_folder().logs
    logs.mkdir(parents=True, exist_ok=True)
    children = {
        name: Child(name, commands[name], log=logs / f"bench-{name}.log")
        for name in ("relay", "worker", "outside-worker")
    }
    try:
        for child in children.values():
            child.start()
        deadline = time.monotonic() + START_SECONDS
        while len(app.control.ping(timeout=1) or ()) < 2:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"The workers did not start:\n{children['worker'].log.read_text()[-3000:]}"
                )
        yield children
    finally:
        for child in children.values():
            child.ask_to_stop()
        for child in children.values():
            child.wait_until_stopped(time.monotonic() + STOP_SECONDS)


class Killer:
    """kill -9 a child and all its processes so often, and start it again each time; `tick` is called while one waits.

    In the thread that started it: the system ends a child with the thread that made it.
    """

    def __init__(self, child: Child, *, times: int) -> None:
        self.child = child
        self.left = times
        self._next = time.monotonic() + KILL_EVERY_SECONDS

    def tick(self) -> None:
        if self.left and time.monotonic() >= self._next:
            self.left -= 1
            self.child.kill()
            self._next = time.monotonic() + KILL_EVERY_SECONDS
        self.child.watch()
