"""PostgreSQL's own load tool: what the database can do with the very same SQL, without Python."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.db import connection

from benchmarks.cpu import postmaster_pid, stopwatch
from benchmarks.figures import Figures, percentile
from core.embedded.postgres import binaries


def run_pgbench(
    script: str,
    *,
    seconds: float,
    clients: int = 8,
    variables: Mapping[str, int | str] | None = None,
    with_latencies: bool = False,
) -> Figures:
    """Run the script's transaction over and over in prepared mode; transactions per second, database CPU each.

    `script` is in pgbench's language (`:name` variables, \\set, \\gset). Percentiles need `with_latencies`, which logs
    every transaction. Raises RuntimeError with pgbench's words where a statement failed.
    """
    given = connection.get_connection_params()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    for key, name in (("host", "PGHOST"), ("port", "PGPORT"), ("user", "PGUSER"), ("password", "PGPASSWORD")):
        if given.get(key):
            environment[name] = str(given[key])
    with tempfile.TemporaryDirectory(prefix="pgbench-") as folder:
        file = Path(folder, "transaction.sql")
        file.write_text(script)
        command = [_program(), "--no-vacuum", "--protocol=prepared", f"--file={file}", f"--client={clients}"]
        command += ["--jobs=1", f"--time={max(1, round(seconds))}"]
        command += [f"--define={name}={value}" for name, value in (variables or {}).items()]
        if with_latencies:
            command += ["--log", f"--log-prefix={folder}/log"]
        with stopwatch(postmaster_pid()) as database:
            done = subprocess.run(
                [*command, str(given["dbname"])], env=environment, capture_output=True, text=True, check=False
            )
        rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
        count = re.search(r"actually processed: (\d+)", done.stdout)
        if done.returncode or not rate or not count or "aborted" in done.stderr:
            raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
        milliseconds = [
            int(line.split()[2]) / 1000
            for log in Path(folder).glob("log*")
            for line in log.read_text().splitlines()
        ]
    return Figures(
        per_s=float(rate[1]),
        p50_ms=percentile(milliseconds, 0.50) if milliseconds else None,
        p95_ms=percentile(milliseconds, 0.95) if milliseconds else None,
        p99_ms=percentile(milliseconds, 0.99) if milliseconds else None,
        db_cpu_ms=database.seconds and 1000 * database.seconds / max(1, int(count[1])),
    )


def as_pgbench(statement: str) -> str:
    """A statement with psycopg's %(name)s placeholders, in pgbench's language; without a semicolon at its end."""
    return re.sub(r"%\((\w+)\)s", r":\1", statement).replace("%%", "%")


def _program() -> str:
    own = binaries() / "pgbench"
    found = str(own) if own.exists() else shutil.which("pgbench")
    if not found:
        raise RuntimeError("pgbench is not installed.")
    return found
