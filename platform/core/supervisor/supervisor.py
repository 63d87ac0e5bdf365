"""Keeps the children, and the embedded servers where there are any, alive until it is told to stop."""

import time
from collections.abc import Mapping, Sequence

from core.embedded import Servers
from core.embedded.processes import say
from core.enums import JobQueue
from core.supervisor.child import Child
from core.supervisor.watchdog import Watchdog

TICK_SECONDS = 0.25
STOP_SECONDS = 8.0


class Supervisor:
    """Start with `start`, then call `watch` until an exception (Ctrl-C) says stop, then `stop`."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        servers: Servers | None = None,
        watchdog: Watchdog | None = None,
        restarted_when_stuck: Mapping[JobQueue, Sequence[str]] | None = None,
    ) -> None:
        self.children = [*children]
        self.servers = servers
        self.watchdog = watchdog
        self.restarted_when_stuck = restarted_when_stuck or {}

    def start(self) -> None:
        for child in self.children:
            child.start()

    def watch_forever(self) -> None:
        while True:
            self.watch()
            time.sleep(TICK_SECONDS)

    def watch(self) -> None:
        """One look at everything; repairs what it finds broken and says so."""
        if self.servers:
            self._watch_servers(self.servers)
        for child in self.children:
            if child.watch():
                say(f"{child.name} is running again (process {child.pid}).")
        for queue, stuck in (self.watchdog.count_stuck_jobs() if self.watchdog else {}).items():
            names = self.restarted_when_stuck.get(queue, ())
            say(
                f"{stuck} jobs ({queue}) have been due for a minute and none was done: restarting {', '.join(names)}."
            )
            for child in self.children:
                if child.name in names:
                    child.kill()

    def stop(self) -> None:
        """Ask every child to stop, and kill those that have not after `STOP_SECONDS`."""
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.wait_until_stopped(deadline)

    def _watch_servers(self, servers: Servers) -> None:
        for name, server in (("PostgreSQL", servers.postgres), ("Valkey", servers.valkey)):
            if server is None or server.pid() is not None:
                continue
            say(f"{name} is gone; starting it again.")
            try:
                with servers.folder.lock("start"):
                    server.start()
            except SystemExit as failure:
                say(f"{failure}\nTrying again in a moment.")
            else:
                say(f"{name} is running again (process {server.pid()}).")
