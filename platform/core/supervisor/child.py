"""One process under supervision."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.embedded.processes import say

LONGEST_DELAY_SECONDS = 30.0
PROVEN_SECONDS = 60.0
LOG_BYTES = 10_000_000


class Child:
    """A process and its descendants, its log file, and how long to wait before the next restart.

    The wait doubles with each death (1 s to 30 s) and starts anew once the process has lived for a minute.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        keep_open: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to this process's own."""
        self.environment = environment or {}
        self.name = name
        self.argv = [*argv]
        self.log = log
        self.keep_open = tuple(keep_open)
        self.process: subprocess.Popen[bytes] | None = None
        self._delay = 1.0
        self._started_at = 0.0
        self._due_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.argv,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=self.keep_open,
                # A group of its own: Ctrl-C reaches the supervisor, which then stops the group in order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._started_at = time.monotonic()
        self._due_at = None

    def watch(self) -> bool:
        """Notice a death, and restart when the wait is over. True when it was restarted."""
        if self.process is None:
            return False
        if self._due_at is None:
            status = self.process.poll()
            if status is None:
                return False
            self._signal_group(signal.SIGKILL)  # descendants that outlived it
            if time.monotonic() - self._started_at > PROVEN_SECONDS:
                self._delay = 1.0
            say(
                f"{self.name} {_describe(status)}; starting it again in {self._delay:.0f} s (see {self.log})."
            )
            self._due_at = time.monotonic() + self._delay
            self._delay = min(2 * self._delay, LONGEST_DELAY_SECONDS)
        if time.monotonic() < self._due_at:
            return False
        self.start()
        return True

    def kill(self) -> None:
        """End it at once; `watch` then restarts it."""
        self._signal_group(signal.SIGKILL)

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait_until_stopped(self, deadline: float) -> None:
        """Wait until `deadline` (of time.monotonic), then kill what is left of it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{self.name} did not stop in time and is killed.")
        self._signal_group(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _signal_group(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            return


def _describe(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _die_with_parent() -> None:
    """Linux ends the child when its supervisor is killed, so that nothing keeps the port and the queue."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
