"""Placing orders over HTTP: everybody wants one deal, or everybody another; and whether two million sold cost anything."""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from django.db import connection
from django_scopes import scope, scopes_disabled

from benchmarks.database import settle_down
from benchmarks.figures import Figures, measure_rounds, middle
from benchmarks.filling import Shop, fill_customers, fill_orders_and_coupons, fill_shop
from benchmarks.pgbench import as_pgbench, run_pgbench
from benchmarks.registry import Options, Result, bench, ratio_of_rounds
from benchmarks.traffic import Request, Requests, measure_http
from benchmarks.web import running_web
from core.embedded.processes import say
from coupons.domain.deal_terms import deal_terms
from coupons.domain.offered_deal import FETCH_SQL
from coupons.domain.orders import WRITE_SQL
from coupons.domain.stock import SLOTS, open_stock
from coupons.enums import DealState
from coupons.models import Deal, StockPool
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, give_token
from identity.models import Customer

# The API takes 60 orders a minute of one customer: with so many, each stays below it at any speed reached here.
CUSTOMERS = 2_000
LIMIT_CUSTOMERS = 100_000
SPREAD_DEALS = 200
STOCK = 50_000_000
SOLD = 2_000_000


@bench(
    "order-hot",
    help="orders of one deal by the API (bar: 80 % of order-spread; flat from 0 to 2,000,000 sold)",
)
def run_hot(options: Options) -> Result:
    return _run(options, ours="hot")


@bench("order-spread", help=f"orders of {SPREAD_DEALS} deals by the API, beside those of one")
def run_spread(options: Options) -> Result:
    return _run(options, ours="spread")


def _run(options: Options, *, ours: str) -> Result:
    """Both ways in turns in one run, since the bar is their quotient; then again after so many were sold."""
    sold = SOLD if options.rows is None else options.rows
    shop = fill_shop()
    deals = {
        "hot": [_fill_deal(shop, "hot")],
        "spread": [_fill_deal(shop, f"{n}") for n in range(SPREAD_DEALS)],
    }
    tokens = _sign_in(fill_customers(count=CUSTOMERS))
    strangers = fill_customers(count=LIMIT_CUSTOMERS, prefix="limit")
    more, rounds = [], {}
    for already in dict.fromkeys((0, sold)):
        if already:
            say(f"  selling {already:,} pieces of the hot deal and as many of the others ...")
            fill_orders_and_coupons(
                replace(shop, deal=deals["hot"][0]), count=already, customers=5000, first_code=1
            )
            each = already // SPREAD_DEALS
            for number, deal in enumerate(deals["spread"]):
                one = replace(shop, deal=deal)
                fill_orders_and_coupons(one, count=each, first_code=already + 1 + number * each)
        settle_down()
        rounds = _measure(options, shop=shop, deals=deals, tokens=tokens, strangers=strangers)
        more += [
            {"sold before": already, "what": name, **asdict(middle(figures))}
            for name, figures in rounds.items()
        ]
        more.append(
            {
                "sold before": already,
                "what": "hot / spread",
                "per_s": ratio_of_rounds(rounds["hot"], rounds["spread"]),
            }
        )
    limit = f"limit {ours}"
    result = Result.of_rounds({**rounds, "limit": rounds[limit]}, ratio=("hot", "spread"), ours=ours)
    return replace(result, more=more)


def _measure(
    options: Options, *, shop: Shop, deals: dict[str, list[Deal]], tokens: list[str], strangers: list[int]
) -> dict[str, list[Figures]]:
    limits = {name: _Limit(shop, chosen, strangers) for name, chosen in deals.items()}
    requests = {name: Requests(_requests(shop, chosen, tokens)) for name, chosen in deals.items()}
    # The gate is asked as ever, but lets all of them through: one address that orders as fast as it can is no customer.
    wide = {
        "ADMISSION_IN_FLIGHT": "1000",
        "ADMISSION_TRIES_PER_ADDRESS": "0",
        "ADMISSION_TRIES_PER_CUSTOMER": "0",
    }
    with running_web(**wide) as web:

        def send(name: str) -> Callable[[float], Figures]:
            return lambda seconds: measure_http(
                web, requests[name], seconds=seconds, connections=options.connections
            )

        def bench_database(name: str) -> Callable[[float], Figures]:
            limit = limits[name]
            return lambda seconds: run_pgbench(
                limit.script, seconds=seconds, clients=options.connections, variables=limit.variables
            )

        return measure_rounds(
            options,
            {name: send(name) for name in deals} | {f"limit {name}": bench_database(name) for name in deals},
        )


def _requests(shop: Shop, deals: list[Deal], tokens: list[str]) -> Iterator[Request]:
    """What a mini-program sends; every customer with a token of his own."""
    for deal, token in zip(itertools.cycle(deals), itertools.cycle(tokens), strict=False):
        yield Request(
            path="/api/v1/orders/",
            body=f'{{"merchant": "{shop.merchant.slug}", "deal_id": "{deal.pk}", "quantity": 1}}',
            headers={
                "Authorization": f"Token {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": uuid.uuid4().hex,
            },
            expect='"state":"created"',
            status=201,
        )


class _Limit:
    """pgbench with the domain's transaction: the two statements with all their values."""

    def __init__(self, shop: Shop, deals: list[Deal], customers: list[int]) -> None:
        with scopes_disabled():
            terms = json.dumps(deal_terms(deal=deals[0]))
            pools = dict(StockPool.objects.filter(deal__in=deals).values_list("deal_id", "id"))
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS bench_customer (n serial PRIMARY KEY, id bigint)")
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS bench_deal (hot boolean, n int, id bigint, pool bigint)"
            )
            cursor.execute("SELECT count(*) FROM bench_customer")
            if not cursor.fetchone()[0]:
                cursor.execute("INSERT INTO bench_customer (id) SELECT unnest(%s::bigint[])", [customers])
            cursor.execute("DELETE FROM bench_deal WHERE hot = %s", [len(deals) == 1])
            cursor.executemany(
                "INSERT INTO bench_deal VALUES (%s, %s, %s, %s)",
                [(len(deals) == 1, number, deal.pk, pools[deal.pk]) for number, deal in enumerate(deals)],
            )
        self.variables: dict[str, int | str] = {
            "merchant": shop.merchant.pk,
            "quantity": 1,
            "count": 1,
            "slots": SLOTS,
            "price": shop.deal.price_fen,
            "total": shop.deal.price_fen,
        }
        write = (
            WRITE_SQL.replace("%(terms)s", f"'{terms}'")
            .replace("%(currency)s", "'CNY'")
            .replace("%(source)s", "'shop'")
            .replace("%(entrance)s", "''")
            .replace("%(limit)s", "NULL")
            .replace("%(slot)s", "NULL")
            .replace("%(placement)s", "NULL")
            .replace("%(at)s", "now()")
            .replace("%(until)s", "now() + interval '15 minutes'")
        )
        fetch = FETCH_SQL.replace("%(placement)s", "NULL")
        picks = [
            f"\\set start random(0, {SLOTS - 1})",
            f"\\set one random(1, {len(customers)})",
            f"\\set which random(0, {len(deals) - 1})",
            f"SELECT c.id AS customer, d.id AS deal, d.pool FROM bench_customer c, bench_deal d"
            f" WHERE c.n = :one AND d.n = :which AND d.hot = {len(deals) == 1} \\gset",
        ]
        self.script = "\n".join(
            [*picks, "BEGIN;", as_pgbench(fetch) + ";", as_pgbench(write) + ";", "COMMIT;"]
        )


def _fill_deal(shop: Shop, title: str) -> Deal:
    with scope(merchant=shop.merchant.pk):
        deal = Deal.objects.create(
            merchant=shop.merchant,
            title=title,
            price_fen=12_800,
            list_price_fen=21_600,
            state=DealState.ONLINE,
        )
        open_stock(deal=deal, total=STOCK)
    return deal


def _sign_in(customer_ids: list[int]) -> list[str]:
    customers = Customer.objects.filter(pk__in=customer_ids).select_related("user")
    return [give_token(user=customer.user, life=CUSTOMER_TOKEN_LIFE)[0] for customer in customers]
