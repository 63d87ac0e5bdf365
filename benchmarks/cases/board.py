"""The first page of recommendations over HTTP, for creators all over a country of many tasks."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from benchmarks.board_town import fill_board, pick_users
from benchmarks.database import settle_down
from benchmarks.figures import Figures, measure_rounds
from benchmarks.registry import Options, Result, bench
from benchmarks.traffic import Request, Requests, measure_http
from benchmarks.web import running_web
from core.embedded.processes import say
from identity.models import User
from identity.sessions import SessionStore
from providers.creators.domain.board_records import count_records
from providers.creators.models import CreatorTask, DealRecord, Impression

TASKS = 100_000
CREATORS = 50_000
VISITORS = 1_000


@bench(
    "board",
    help=(
        "the first page of the creators' board: 100,000 open tasks (--rows), 50,000 creators, 1,000 of them visiting in turn;"
        " ours_per_s and the times are one visitor at a time (bar: p95 at most 150 ms), limit_per_s is --connections at a time"
    ),
)
def run(options: Options) -> Result:
    tasks = options.rows or TASKS
    say(f"  filling {CREATORS:,} creators and {tasks:,} tasks ...")
    begin = time.monotonic()
    fill_board(creators=CREATORS, tasks=tasks)
    say(f"  filled in {time.monotonic() - begin:.0f} s: {CreatorTask.objects.count():,} open tasks")
    begin = time.monotonic()
    records = list(DealRecord.objects.all())
    count_records()  # learns what goes with what; here nothing was sold, so the filled records stay
    DealRecord.objects.bulk_create(records)
    say(f"  learned in {time.monotonic() - begin:.1f} s")
    settle_down()
    requests = Requests(_visits(pick_users(count=VISITORS)))
    with running_web() as web:

        def visit(connections: int) -> Callable[[float], Figures]:
            return lambda seconds: measure_http(web, requests, seconds=seconds, connections=connections)

        rounds = measure_rounds(options, {"ours": visit(1), "limit": visit(options.connections)})
    shown = Impression.objects.count()
    if not shown:
        raise RuntimeError("The board logged nothing.")
    say(f"  {shown:,} rows logged as shown")
    return Result.of_rounds(rounds, ratio=("ours", "limit"))


def _visits(users: Sequence[int]) -> Iterator[Request]:
    made = []
    for user in User.objects.filter(pk__in=users):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookie = (
            f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.LANGUAGE_COOKIE_NAME}=zh-hans"
        )
        made.append(Request(path="/c/", method="GET", headers={"Cookie": cookie}, expect="任务广场"))
    return cycle(made)
