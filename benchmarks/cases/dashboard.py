"""The merchant's first page over HTTP: a shop with a long history beside one with a short one, in the same database."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict, replace

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command
from django_scopes import scope

from benchmarks.database import settle_down
from benchmarks.figures import Figures, measure_rounds, middle
from benchmarks.filling import Shop, fill_shop
from benchmarks.history import fill_history
from benchmarks.registry import Options, Result, bench, ratio_of_rounds
from benchmarks.traffic import Request, Requests, measure_http
from benchmarks.web import Web, running_web
from core.embedded.processes import say
from identity.enums import Role
from identity.models import User
from identity.sessions import SessionStore
from merchants.domain.memberships import set_membership

ROWS = 5_000_000
FEW = 10_000
STORES = 500
# The home page for everybody and for somebody bound to two stores, and the lists that stand on a long history.
PAGES = {
    "home": "",
    "home, sold": "?metric=sold",
    "home, two stores": "",
    "records": "redemptions/",
    "records, undone": "redemptions/?state=reversed",
    "coupons": "coupons/",
    "statements": "statements/",
}


@bench(
    "dashboard",
    help=(
        "the merchant's home at 5,000,000 redemptions (--rows) of 500 stores beside one at 10,000, one visitor at a time;"
        " ours_per_s is the long history's, limit_per_s the short one's, ratio its time over the short one's"
        " (bar: at most 1.5)"
    ),
)
def run(options: Options) -> Result:
    rows = options.rows or ROWS
    few = _fill("short", FEW)
    many = _fill("long", rows)
    settle_down()
    return measure(options, many=many, rows=rows, few=few)


def measure(options: Options, *, many: Shop, rows: int, few: Shop) -> Result:
    """Home in rounds, the other pages once each."""
    with running_web() as web:
        measured = {
            f"{page} at {size:,}": _measure(web, shop, page)
            for page in PAGES
            for size, shop in ((rows, many), (FEW, few))
        }
        home = {"ours": measured.pop(f"home at {rows:,}"), "limit": measured.pop(f"home at {FEW:,}")}
        rounds = measure_rounds(options, home)
        others = measure_rounds(replace(options, rounds=1), measured, warm_up_seconds=0.5)
    result = Result.of_rounds(rounds, ratio=("limit", "ours"))
    more = [
        {"page": f"home at {size:,}", "times": None, **asdict(middle(rounds[name]))}
        for name, size in (("ours", rows), ("limit", FEW))
    ]
    more[0]["times"] = result.ratio
    for page in list(PAGES)[1:]:
        pair = [others[f"{page} at {size:,}"] for size in (rows, FEW)]
        for size, figures in zip((rows, FEW), pair, strict=True):
            times = ratio_of_rounds(pair[1], pair[0]) if size == rows else None
            more.append({"page": f"{page} at {size:,}", "times": times, **asdict(middle(figures))})
    return replace(result, more=more)


def _fill(slug: str, count: int) -> Shop:
    say(f"  filling {count:,} redemptions of {STORES} stores ...")
    begin = time.monotonic()
    shop = fill_shop(slug=slug, stores=STORES)
    fill_history(shop, count=count, prefix=slug)
    filled = time.monotonic()
    call_command("rebuild_roll_ups", slug)
    say(f"  filled in {filled - begin:.0f} s, days summed in {time.monotonic() - filled:.1f} s")
    return shop


def _measure(web: Web, shop: Shop, page: str) -> "Measured":
    reader = shop.owner
    if "two stores" in page:
        reader = User.objects.create_user(name="店长")
        with scope(merchant=shop.merchant.pk):
            set_membership(
                merchant=shop.merchant, user=reader, role=Role.MANAGER, stores=shop.stores[:2], by=shop.owner
            )
    return Measured(web, path=f"/m/{shop.merchant.slug}/{PAGES[page]}", reader=reader)


class Measured:
    """One page as its reader asks for it again and again, one request at a time."""

    def __init__(self, web: Web, *, path: str, reader: User) -> None:
        self._web = web
        self._requests = Requests(_visits(path, reader))

    def __call__(self, seconds: float) -> Figures:
        return measure_http(self._web, self._requests, seconds=seconds, connections=1)


def _visits(path: str, reader: User) -> Iterator[Request]:
    session = SessionStore()
    session[SESSION_KEY] = str(reader.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = reader.get_session_auth_hash()
    session.save()
    cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.LANGUAGE_COOKIE_NAME}=zh-hans"
    one = Request(path=path, method="GET", headers={"Cookie": cookie}, expect="山城老灶火锅")
    return itertools.repeat(one)
