"""Without Redis clerks go on redeeming; when it is back, what is due is settled without anybody's help."""

import threading

import pytest

from core.embedded import Servers
from core.supervisor import Child, Supervisor, product_commands
from core.tests.test_embedded import folder, manage, servers  # noqa: F401 - two fixtures
from tests.faults.product import DUE, Street, Watch, environment, wait_for
from tests.faults.test_kills import check_books

pytestmark = pytest.mark.fault


@pytest.fixture
def supervisor(servers: Servers, tmp_path, monkeypatch):  # noqa: F811
    """Relay and workers, watched as `make run` watches them; the servers are the test's to stop and start."""
    manage("migrate", folder=servers.folder)
    for name, value in (environment(servers.folder) | servers.environment()).items():
        monkeypatch.setenv(name, value)
    commands = product_commands(listener=0)
    names = ("relay", "worker", "outside-worker")
    supervisor = Supervisor([Child(name, commands[name], log=tmp_path / f"{name}.log") for name in names])
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            supervisor.watch()

    watching = threading.Thread(target=watch)
    supervisor.start()
    watching.start()
    yield supervisor
    over.set()
    watching.join()
    supervisor.stop()
    for child in supervisor.children:
        print(child.name, child.log.read_text()[-1500:])


def test_redeeming_goes_on_and_everything_due_is_settled_afterwards(servers: Servers, tmp_path, supervisor):  # noqa: F811
    street, watch = Street(servers.folder, tmp_path / "history"), Watch(servers.folder)
    try:
        wait_for(lambda: "ready" in (tmp_path / "worker.log").read_text(), seconds=60, what="a ready worker")
        servers.valkey.stop()
        street.open(orders=30)
        street.wait(seconds=60)
        assert sum("redeem" in answer for answer in street.answers()) >= 100
        lines = "SELECT count(*) FROM settlement_settlementline"
        assert watch.ask(lines) == 0
        assert watch.ask(DUE) > 100
        servers.valkey.start()
        wait_for(lambda: watch.ask(DUE) == 0, seconds=120, what="everything due done")
        check_books(street)
        # Celery itself sometimes ends when Redis goes (its reconnect fails with an AttributeError); then it was restarted.
        assert all(child.process and child.process.poll() is None for child in supervisor.children)
    finally:
        street.end()
