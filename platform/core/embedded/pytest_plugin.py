"""Real servers for the tests, started before Django reads its settings (hence a plugin and not a conftest.py).

They live in `.local/test`, apart from those of `make run` (a second run at the same time uses `.local/test2`). With DATABASE_URL set, the tests use that server instead
(Django makes a database of its own on it, named test_...). Workers of pytest-xdist inherit the environment; each has
its own PostgreSQL database and its own Redis database.
"""

import atexit
import contextlib
import itertools
import os
from collections.abc import Generator

import pytest

from core.embedded.command import read_dotenv
from core.embedded.folder import DataFolder, find_data_folder
from core.embedded.servers import MARK, Servers

REDIS_DATABASES = 16


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        _separate_redis(worker)
    else:
        read_dotenv()
        if not os.environ.get("DATABASE_URL"):
            _start()
    return (yield)


def _start() -> None:
    lock = contextlib.ExitStack()
    servers = Servers(_free_folder(lock), with_valkey=not os.environ.get("REDIS_URL"))
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:  # not in a forked child
            servers.stop()
            lock.close()

    # Also reached when pytest ends early over a wrong option or a broken conftest.py.
    atexit.register(stop)
    servers.start()
    servers.export()


def _free_folder(lock: contextlib.ExitStack) -> DataFolder:
    """The first test folder that no other run holds, because Django's test database has a fixed name."""
    for number in itertools.count(1):
        folder = DataFolder(find_data_folder().path / f"test{number if number > 1 else ''}")
        try:
            lock.enter_context(folder.lock("pytest", wait=False))
        except BlockingIOError:
            continue
        return folder
    raise AssertionError


def _separate_redis(worker: str) -> None:
    number = int(worker.removeprefix("gw"))
    url = os.environ.get("REDIS_URL", "")
    if MARK in os.environ and url.endswith("?db=0"):
        os.environ["REDIS_URL"] = f"{url.removesuffix('0')}{1 + number % (REDIS_DATABASES - 1)}"
