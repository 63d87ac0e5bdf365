"""Both embedded servers of one data folder, shared by every process that uses them."""

import fcntl
import os
from typing import IO

from core.embedded.folder import DataFolder
from core.embedded.postgres import Postgres
from core.embedded.valkey import Valkey

# Set beside the URLs, so that child processes know that these servers are ours and not the operator's.
MARK = "TONGDAO_EMBEDDED"


class Servers:
    """The right to use a folder's servers: the first user starts them, the last one out stops them.

    Each user holds a shared lock on one file; whoever can turn it into an exclusive lock is alone. A killed user's
    lock vanishes with it, so its servers are stopped by the next user that ends.
    """

    def __init__(self, folder: DataFolder, *, with_valkey: bool = True, durable: bool = True) -> None:
        self.folder = folder
        self.postgres = Postgres(folder, durable=durable)
        self.valkey = Valkey(folder) if with_valkey else None
        self._usage: IO[str] | None = None

    def start(self) -> bool:
        """Begin to use the servers, starting what is not running. True when something was started. Idempotent."""
        with self.folder.lock("start"):
            if self._usage is None:
                self._usage = (self.folder.path / "users.lock").open("a")
                fcntl.flock(self._usage, fcntl.LOCK_SH)
            started = self.postgres.start()
            if self.valkey:
                started = self.valkey.start() or started
            return started

    def stop(self) -> bool:
        """End the use; stop the servers unless another process uses them. True when they were stopped."""
        if self._usage is None:
            return False
        with self.folder.lock("start"), self._usage as usage:
            self._usage = None
            fcntl.flock(usage, fcntl.LOCK_UN)
            try:
                fcntl.flock(usage, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            Valkey(self.folder).stop()
            self.postgres.stop()
            return True

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use these servers."""
        variables = {
            "DATABASE_URL": self.postgres.url,
            MARK: str(self.folder.path),
            "TONGDAO_DATA": str(self.folder.path),
        }
        if self.valkey:
            variables["REDIS_URL"] = self.valkey.url()
        return variables

    def export(self) -> None:
        """Put them into this process's environment, for Django's settings and for child processes."""
        os.environ.update(self.environment())
