"""The command lines of the product's processes: the same under `make run`, in a rehearsal, in a benchmark."""

import sys
from pathlib import Path

from core.enums import JobQueue
from core.tasks import queue_name

CELERY = (sys.executable, "-m", "celery", "--app", "config")


def web_command(*, listener: int, application: str = "config.wsgi") -> list[str]:
    """The web server of a WSGI module on an open listening socket."""
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", f"fd://{listener}", "--no-control-socket",
        "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "5",
        "--access-logfile", "-",
    ]  # fmt: skip


def product_commands(*, listener: int) -> dict[str, list[str]]:
    """Web (on an open listening socket), relay, and the workers of each queue, by name."""
    return {
        "web": web_command(listener=listener),
        "relay": [sys.executable, "manage.py", "relay"],
        "worker": worker_command(JobQueue.INSIDE),
        "outside-worker": worker_command(JobQueue.OUTSIDE),
    }


def worker_command(queue: JobQueue) -> list[str]:
    """The Celery worker of one queue: two processes, so that one long job holds up no other."""
    return [
        *CELERY, "worker", "--queues", queue_name(queue), "--hostname", f"{queue}@%h", "--pool", "prefork",
        "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def beat_command(*, schedule: Path) -> list[str]:
    """Beat, which remembers in `schedule` when it last rang."""
    return [*CELERY, "beat", "--schedule", str(schedule), "--pidfile=", "--loglevel", "INFO"]
