"""Load over HTTP: `measure_http` starts this module as a process of its own, so that the load's Python is not ours.

Keep-alive connections, each sending its next request when the last was answered (a closed loop). The client is
geventhttpclient, which locust uses.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.figures import Figures
    from benchmarks.web import Web

# Opened at once, all connections go to whichever worker wakes first; opened one after another while the earlier ones are
# busy, a server with several workers shares them out, as it does in life.
SECONDS_BETWEEN_CONNECTIONS = 0.05
# Requests made ready for each second of a round and each connection; what was not sent waits for the next.
MOST_PER_SECOND_AND_CONNECTION = 500


@dataclass(frozen=True)
class Request:
    """`expect` must be in the answer's body; only status 200 counts as an answer unless `status` says otherwise."""

    path: str
    body: str = ""
    headers: dict[str, str] | None = None
    method: str = "POST"
    expect: str = ""
    status: int = 200


class Requests:
    """Requests waiting to be sent, each once."""

    def __init__(self, source: Iterator[Request]) -> None:
        self._source = source
        self._ready: list[Request] = []

    def look(self, count: int) -> list[Request]:
        """The next ones, fewer where there are no more; they stay until they are dropped."""
        self._ready += islice(self._source, max(0, count - len(self._ready)))
        return self._ready[:count]

    def drop(self, count: int) -> None:
        del self._ready[:count]


def measure_http(web: "Web", requests: Requests, *, seconds: float, connections: int = 8) -> "Figures":
    """Send requests for this long, and until one was answered in that time; each once.

    Raises RuntimeError with the answer where one was not what its request expects, or where requests ran out.
    """
    from benchmarks.cpu import postmaster_pid, stopwatch
    from benchmarks.figures import Figures, percentile

    with tempfile.NamedTemporaryFile("w+", suffix=".jsonl", prefix="requests-") as file:
        lasts = seconds + connections * SECONDS_BETWEEN_CONNECTIONS
        for request in requests.look(int(lasts * max(4, connections) * MOST_PER_SECOND_AND_CONNECTION)):
            file.write(json.dumps(asdict(request)) + "\n")
        file.flush()
        order = {"port": web.port, "seconds": seconds, "connections": connections, "file": file.name}
        with subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        ) as sender:
            if sender.stdin is None or sender.stdout is None:
                raise AssertionError("both are pipes")
            sender.stdin.write(json.dumps(order) + "\n")
            sender.stdin.flush()
            sender.stdout.readline()  # every connection is busy: it counts from now on
            with stopwatch(web.pid) as web_cpu, stopwatch(postmaster_pid()) as database_cpu:
                answer = sender.stdout.readline()
        if not answer:
            raise RuntimeError("The load generator died.")
    report = json.loads(answer)
    requests.drop(report["sent"])
    if report["wrong"]:
        raise RuntimeError(f"An answer was wrong: {report['wrong']}")
    if report["ran_out"]:
        raise RuntimeError("Requests ran out: fill more rows (--rows) or measure for fewer --seconds.")
    count, latencies = report["count"], report["milliseconds"]
    return Figures(
        per_s=count / report["seconds"],
        p50_ms=percentile(latencies, 0.50),
        p95_ms=percentile(latencies, 0.95),
        p99_ms=percentile(latencies, 0.99),
        web_cpu_ms=web_cpu.seconds and 1000 * web_cpu.seconds / count,
        db_cpu_ms=database_cpu.seconds and 1000 * database_cpu.seconds / count,
    )


def _send(order: dict[str, Any], requests: Iterable[dict[str, Any]]) -> dict[str, Any]:
    import gevent
    from geventhttpclient import HTTPClient

    client = HTTPClient(
        "127.0.0.1",
        order["port"],
        concurrency=order["connections"],
        network_timeout=30,
        connection_timeout=30,
    )
    waiting = iter(requests)
    milliseconds: list[float] = []
    wrong: list[str] = []
    finished_early: list[bool] = []
    taken = itertools.count()
    begin = time.perf_counter() + order["connections"] * SECONDS_BETWEEN_CONNECTIONS
    end = begin + order["seconds"]

    def visit() -> None:
        while not wrong:
            sent = time.perf_counter()
            if sent >= end and milliseconds:  # none where the machine stood still all the while
                return
            request = next(waiting, None)
            if request is None:
                finished_early.append(True)
                return
            next(taken)
            response = client.request(request["method"], request["path"], request["body"], request["headers"])
            body = response.read()
            if sent >= begin:
                milliseconds.append((time.perf_counter() - sent) * 1000)
            if response.status_code != request["status"] or request["expect"].encode() not in body:
                wrong.append(
                    f"{request['path']}: {response.status_code} {body[:600].decode(errors='replace')}"
                )

    visits = [
        gevent.spawn_later(number * SECONDS_BETWEEN_CONNECTIONS, visit)
        for number in range(order["connections"])
    ]
    gevent.spawn_later(begin - time.perf_counter(), print, "begin", flush=True)
    gevent.joinall(visits, raise_error=True)
    return {
        "sent": next(taken),
        "count": len(milliseconds),
        "seconds": time.perf_counter() - begin,
        "milliseconds": milliseconds,
        "wrong": wrong[:1],
        "ran_out": bool(finished_early),
    }


def main() -> None:
    order = json.loads(sys.stdin.readline())
    requests = []
    with Path(order["file"]).open() as file:
        for line in file:
            request = json.loads(line)
            request["body"] = request["body"].encode()
            requests.append(request)
    print(json.dumps(_send(order, requests)), flush=True)


if __name__ == "__main__":
    main()
