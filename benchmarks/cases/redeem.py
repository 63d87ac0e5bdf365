"""Redeeming at the counter over HTTP: the clerk's page and the API, beside a bare Django view and pgbench."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core import signing
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils import timezone

from benchmarks.database import settle_down
from benchmarks.figures import Figures, measure_rounds, middle
from benchmarks.filling import (
    Shop,
    fetch_codes,
    fill_clerks,
    fill_orders_and_coupons,
    fill_redemptions,
    fill_shop,
)
from benchmarks.pgbench import as_pgbench, run_pgbench
from benchmarks.registry import Options, Result, bench, ratio_of_rounds
from benchmarks.traffic import Request, Requests, measure_http
from benchmarks.web import running_web
from core.embedded.processes import say
from coupons.domain.counter_coupon import FETCH_SQL, WRONG_TRIES_SECONDS
from coupons.domain.redemption import WRITE_SQL
from coupons.views.counter import DEVICE_COOKIE, STORE_COOKIE
from identity.api.authentication import STAFF_TOKEN_LIFE, give_token
from identity.models import User
from identity.sessions import SessionStore

# The API admits 240 redemptions a minute of one user: so many clerks stay far below it at any speed reached here.
CLERKS = 600
LIMIT_PER_SECOND = 12_000  # coupons laid by for pgbench, which runs for a second at least …
LIMIT_PER_SECOND_AND_CLIENT = 5_000  # … or so many where it has one client or two
HTTP_COUPONS = 40_000
# A shop that has redeemed before: statements are planned once per connection, and not for tables known to be empty.
HISTORY = 20_000
HTTP_PER_SECOND = 4_500  # over all three


@bench(
    "redeem",
    help="redemptions at the counter, by the clerk's page and by the API (bar: each 60 % of the floor)",
)
def run(options: Options) -> Result:
    busy = options.seconds * options.rounds + 1
    for_http = options.rows or int(HTTP_COUPONS + HTTP_PER_SECOND * busy)
    each_second = min(LIMIT_PER_SECOND, LIMIT_PER_SECOND_AND_CLIENT * options.connections)
    for_limit = int(each_second * (max(1, options.seconds) * options.rounds + 1))
    history = min(HISTORY, for_http)
    say(f"  filling {for_http + for_limit:,} coupons ...")
    shop = fill_shop()
    clerks = fill_clerks(shop, count=min(CLERKS, 1 + for_http // 10))
    fill_orders_and_coupons(shop, count=history, first_code=for_http + 1)
    fill_redemptions(shop, clerk=clerks[0])
    fill_orders_and_coupons(shop, count=for_limit, plain_codes=True)
    fill_orders_and_coupons(shop, count=for_http, first_code=1)
    codes = iter(fetch_codes(first_code=1, count=for_http))
    page = Requests(page_requests(shop, clerks, codes))
    api = Requests(api_requests(shop, clerks, codes))
    bare = Requests(bare_requests(shop, clerks, codes))
    limit = Limit(shop, clerks[0], coupons=for_limit, runs=options.rounds + 1, clients=options.connections)
    for waiting in (page, api):
        waiting.look(1)  # makes the sessions and the tokens
    settle_down()
    with running_web() as ours, running_web("benchmarks.floor.wsgi") as floor:
        rounds = measure_rounds(
            options,
            {
                "page": lambda seconds: measure_http(
                    ours, page, seconds=seconds, connections=options.connections
                ),
                "floor": lambda seconds: measure_http(
                    floor, bare, seconds=seconds, connections=options.connections
                ),
                "api": lambda seconds: measure_http(
                    ours, api, seconds=seconds, connections=options.connections
                ),
                "limit": limit.measure,
            },
        )
    ratios = {name: ratio_of_rounds(rounds[name], rounds["floor"]) for name in ("page", "api")}
    slower = min(ratios, key=lambda name: ratios[name])
    more = [
        {"what": name, "of floor": ratios.get(name), **asdict(middle(figures))}
        for name, figures in rounds.items()
    ]
    return replace(Result.of_rounds(rounds, ratio=(slower, "floor"), ours=slower), more=more)


def page_requests(shop: Shop, clerks: list[User], codes: Iterator[str]) -> Iterator[Request]:
    """What htmx sends when a clerk confirms; every clerk with a session and a device of his own."""
    headers = [_page_headers(shop, clerk, store_id) for clerk, store_id in _posts(shop, clerks)]
    for code, own in zip(codes, itertools.cycle(headers), strict=False):
        body = urlencode({"code": code, "attempt_key": uuid.uuid4().hex, "count": "1"})
        yield Request(path="/clerk/redeem/", body=body, headers=own, expect='data-answer="done"')


def api_requests(shop: Shop, clerks: list[User], codes: Iterator[str]) -> Iterator[Request]:
    """What a till sends; every clerk with a token of his own."""
    tills = [
        (
            f'"merchant": "{shop.merchant.slug}", "store_id": "{store_id}"',
            give_token(user=clerk, life=STAFF_TOKEN_LIFE)[0],
        )
        for clerk, store_id in _posts(shop, clerks)
    ]
    for code, (place, token) in zip(codes, itertools.cycle(tills), strict=False):
        headers = {
            "Authorization": f"Token {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        body = f'{{{place}, "code": "{code}", "device": "till-1"}}'
        yield Request(path="/api/v1/redemption/", body=body, headers=headers, expect='"replayed":false')


def bare_requests(shop: Shop, clerks: list[User], codes: Iterator[str]) -> Iterator[Request]:
    """The floor is told everything it needs."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for code, (clerk, store_id) in zip(codes, itertools.cycle(_posts(shop, clerks)), strict=False):
        body = urlencode(
            {
                "merchant": shop.merchant.pk,
                "store": store_id,
                "clerk": clerk.pk,
                "code": code,
                "attempt_key": uuid.uuid4().hex,
            }
        )
        yield Request(path="/redeem/", body=body, headers=headers, expect='"redemption"')


class Limit:
    """pgbench with the domain's transaction; every run and every client of it has coupons of its own."""

    def __init__(self, shop: Shop, clerk: User, *, coupons: int, runs: int, clients: int) -> None:
        self.clients = clients
        self._run = itertools.count()
        self._each = coupons // runs // clients
        moment = timezone.now() + timedelta(hours=1)
        self._variables: dict[str, int | str] = {
            "merchant": shop.merchant.pk,
            "store": shop.stores[0].pk,
            "clerk": clerk.pk,
            "window": WRONG_TRIES_SECONDS,
            "device": "till-1",
            "day": moment.date().isoformat(),
            "due": moment.isoformat(),
            "bell": moment.isoformat(),
            "job": f"{shop.merchant.pk}:limit",
            "turn": 0,
        }
        write = as_pgbench(
            WRITE_SQL.replace("%(coupons)s", "ARRAY[:c_id]")
            .replace("%(numbers)s", "ARRAY[1]")
            .replace("%(gross)s", "ARRAY[:c_price_fen]")
            .replace("%(attempts)s", "ARRAY[1]")
            .replace("%(order)s", ":c_order_id")
            .replace("%(deal)s", ":c_deal_id")
            .replace("%(at)s", ":c_now")
        )
        self._script = f"""
\\set code 100000000000000 + permute((:run * {clients} + :client_id) * {self._each} + :turn, {coupons}, 1)
\\set turn :turn + 1
\\set attempt :code
BEGIN;
{as_pgbench(FETCH_SQL)} FOR NO KEY UPDATE OF c \\gset c_
{write};
COMMIT;
"""

    def measure(self, seconds: float) -> Figures:
        variables = {**self._variables, "run": next(self._run)}
        return run_pgbench(self._script, seconds=seconds, clients=self.clients, variables=variables)


def _posts(shop: Shop, clerks: list[User]) -> list[tuple[User, int]]:
    return [(clerk, shop.stores[number % len(shop.stores)].pk) for number, clerk in enumerate(clerks)]


def _page_headers(shop: Shop, clerk: User, store_id: int) -> dict[str, str]:
    session = SessionStore()
    session[SESSION_KEY] = str(clerk.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = clerk.get_session_auth_hash()
    session.save()
    loaded = HttpRequest()
    token = get_token(loaded)
    device = uuid.uuid4().hex
    cookies = {
        settings.SESSION_COOKIE_NAME: session.session_key or "",
        settings.CSRF_COOKIE_NAME: loaded.META["CSRF_COOKIE"],
        settings.LANGUAGE_COOKIE_NAME: "zh-hans",
        STORE_COOKIE: signing.get_cookie_signer(salt=STORE_COOKIE).sign(
            f"{shop.merchant.slug}:{store_id}:{device}"
        ),
        DEVICE_COOKIE: signing.get_cookie_signer(salt=DEVICE_COOKIE).sign(device),
    }
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "HX-Request": "true",
        "HX-Target": "answer",
        "X-CSRFToken": token,
    }
