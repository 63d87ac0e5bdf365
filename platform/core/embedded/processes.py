"""Questions about other processes, and where a wheel keeps its files."""

import contextlib
import importlib.util
import subprocess
import sys
from pathlib import Path


def say(sentence: str) -> None:
    """Tell the person at the terminal, if it is still there; standard output belongs to the command's result."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def package_folder(name: str) -> Path:
    """The folder of an installed package, found without importing it (the wheels' wrappers do too much on import)."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(
            f"The package {name} is not installed: run `make setup`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def command_line(pid: int) -> str:
    """The command line of a living process; empty for a dead one, a zombie or nobody's number."""
    if Path("/proc/self").exists():
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="surrogateescape")
            )
        except OSError:
            return ""
    listed = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return "" if "<defunct>" in listed.stdout else listed.stdout


def dead_pid() -> int:
    """A process number that was alive a moment ago and is certainly dead now."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid
