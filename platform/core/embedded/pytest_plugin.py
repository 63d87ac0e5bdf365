"""Real servers for the tests, started before Django reads its settings (hence a plugin and not a conftest.py).

They live in `.local/test`, apart from those of `make run` (whoever comes while it is taken uses `.local/test2`, and so on).
With DATABASE_URL set, the tests use that server instead (Django makes a database of its own on it, named test_...).

Each worker of pytest-xdist has servers of its own: transaction numbers and snapshots are the whole server's, so a long
transaction of one worker would be waited for by the other's tests. They write without waiting for the disk: a test may
kill a server, never the machine.
"""

import atexit
import contextlib
import itertools
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from core.embedded.command import read_dotenv
from core.embedded.folder import DataFolder, find_data_folder
from core.embedded.migrated import prepare_migrated
from core.embedded.servers import MARK, Servers
from core.embedded.valkey import Valkey

FIRST_WORKER = "gw0"
MIGRATED = "TONGDAO_TESTS_MIGRATED"  # the database that those of the tests are copied from; empty: none


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        read_dotenv()
        if not os.environ.get("DATABASE_URL"):
            _start(find_data_folder(), with_valkey=not os.environ.get("REDIS_URL"))
    elif worker != FIRST_WORKER and MARK in os.environ:  # the first uses what it inherited
        first = DataFolder(Path(os.environ[MARK]))
        _start(DataFolder(first.path.parent), with_valkey=os.environ.get("REDIS_URL") == Valkey(first).url())
    return (yield)


def _start(parent: DataFolder, *, with_valkey: bool) -> None:
    lock = contextlib.ExitStack()
    servers = Servers(_free_folder(parent, lock), with_valkey=with_valkey, durable=False)
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:  # not in a forked child
            servers.stop()
            lock.close()

    # Also reached when pytest ends early over a wrong option or a broken conftest.py.
    atexit.register(stop)
    servers.start()
    servers.export()
    os.environ[MIGRATED] = prepare_migrated(servers)


def _free_folder(parent: DataFolder, lock: contextlib.ExitStack) -> DataFolder:
    """The first test folder that no other run holds, because Django's test database has a fixed name."""
    for number in itertools.count(1):
        folder = DataFolder(parent.path / f"test{number if number > 1 else ''}")
        try:
            lock.enter_context(folder.lock("pytest", wait=False))
        except BlockingIOError:
            continue
        return folder
    raise AssertionError
