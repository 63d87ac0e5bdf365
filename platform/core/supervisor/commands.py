"""The command lines of the product's processes: the same under `make run`, in a rehearsal, in a benchmark."""

import sys
from pathlib import Path

CELERY = (sys.executable, "-m", "celery", "--app", "config")


def web_command(*, listener: int, application: str = "config.wsgi") -> list[str]:
    """The web server of a WSGI module on an open listening socket."""
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", f"fd://{listener}", "--no-control-socket",
        "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "5",
        "--access-logfile", "-",
    ]  # fmt: skip


def product_commands(*, listener: int) -> dict[str, list[str]]:
    """Web (on an open listening socket), relay and worker, by name."""
    return {
        "web": web_command(listener=listener),
        "relay": [sys.executable, "manage.py", "relay"],
        "worker": [
            *CELERY, "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO",
            "--without-gossip", "--without-mingle",
        ],
    }  # fmt: skip


def beat_command(*, schedule: Path) -> list[str]:
    """Beat, which remembers in `schedule` when it last rang."""
    return [*CELERY, "beat", "--schedule", str(schedule), "--pidfile=", "--loglevel", "INFO"]
