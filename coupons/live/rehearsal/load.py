"""The load generator as a child process: told by a file what to do, says each second how it goes."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

STOP_SECONDS = 60


class Load:
    """Start it, read `lines` as they come, stop it; then `final` is its summary (None: it died without one)."""

    def __init__(self, *, orders: dict[str, Any], folder: Path) -> None:
        file = folder / "load.json"
        file.touch(mode=0o600)  # it holds the shadow customers' tokens
        file.write_text(json.dumps(orders))
        self._file = file
        self._log = (folder / "logs" / "generator.log").open("ab")
        self.lines: list[dict[str, Any]] = []
        self.final: dict[str, Any] | None = None
        self.errors: dict[str, int] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "coupons.live.rehearsal.generator", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            # It is another party: it gets no address of the database.
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def second(self) -> float | None:
        """The second of the load; None before it began."""
        return self.lines[-1]["second"] if self.lines else None

    def stop(self) -> None:
        """Let every customer finish what he began."""
        if self.is_alive:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(10)
        self._log.close()
        self._file.unlink(missing_ok=True)

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was opened as a pipe
        for text in self._process.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if "final" in line:
                self.final, self.errors = line["final"], line["errors"]
            else:
                self.lines.append(line)
