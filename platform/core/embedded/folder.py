"""Where the embedded servers keep their files, and the short folder of their sockets."""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# A unix socket's path holds at most 107 bytes on Linux and 103 on macOS; PostgreSQL's socket name takes 20 of them.
SOCKET_FOLDER_LIMIT = 80
# The folder's name goes into URLs and into PostgreSQL's comma-separated setting, so only plain characters will do.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


def find_data_folder() -> "DataFolder":
    """The folder named by TONGDAO_DATA, else `.local` in the clone."""
    return DataFolder(Path(os.environ.get("TONGDAO_DATA") or ROOT / ".local").expanduser().resolve())


@dataclass(frozen=True)
class DataFolder:
    """One independent installation's files; two folders never touch each other."""

    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def sockets(self) -> Path:
        """`run` inside the folder, or a private folder under the system's temporary one when that path is too long."""
        inside = self.path / "run"
        if _can_hold_sockets(inside):
            return inside
        name = f"tongdao-{os.geteuid()}-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]}"
        # /tmp comes first so that processes with different TMPDIR agree.
        for temporary in (Path("/tmp"), Path(tempfile.gettempdir())):  # noqa: S108 - the folder is checked to be ours
            if temporary.is_dir() and _can_hold_sockets(temporary / name):
                return temporary / name
        raise SystemExit(
            f"No folder is short enough for the sockets of {self.path}: choose a shorter TONGDAO_DATA."
        )

    def create(self) -> None:
        """Make the folder and its parts, readable by their owner only."""
        for place in (self.path, self.logs, self.sockets):
            try:
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise SystemExit(f"The data folder {place} cannot be made: {error.strerror}.") from None
        status = self.sockets.lstat()
        # Somebody else could have made the folder in /tmp first and wait there for our connections.
        if self.sockets.is_symlink() or status.st_uid not in (os.geteuid(), 65534) or status.st_mode & 0o022:
            raise SystemExit(
                f"{self.sockets} belongs to somebody else: remove it or choose another TONGDAO_DATA."
            )

    @contextmanager
    def lock(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """Hold an exclusive lock between processes; the system frees it when its holder dies.

        Raises BlockingIOError where another process holds it and `wait` is off.
        """
        self.create()
        with (self.path / f"{name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield


def _can_hold_sockets(place: Path) -> bool:
    return len(os.fsencode(place)) <= SOCKET_FOLDER_LIMIT and PLAIN_PATH.fullmatch(str(place)) is not None
