"""The benchmarks measure what they say, and leave nothing behind."""

import json
import os
import subprocess
import sys
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import Sum
from django.utils import timezone
from django_scopes import scopes_disabled

from benchmarks.board_town import fill_board, pick_users
from benchmarks.database import PREFIX
from benchmarks.figures import Figures, middle, percentile
from benchmarks.filling import fetch_codes, fill_orders_and_coupons, fill_shop
from benchmarks.history import fill_history
from benchmarks.pgbench import as_pgbench
from benchmarks.registry import find_benches, ratio_of_rounds
from benchmarks.traffic import Request, Requests
from core.embedded.folder import DataFolder
from core.embedded.servers import Servers
from core.invariants import check_invariants
from coupons.domain.codes import is_code
from coupons.domain.redemption import redeem_coupons
from coupons.insights.domain.days import sum_redeemed
from coupons.insights.models import RedeemedDay
from coupons.models import Coupon, Redemption
from coupons.settlement.domain.outstanding import sum_waiting
from coupons.settlement.models import SettlementLine
from coupons.tests.town import make_user
from providers.creators.domain.recommending import recommend_tasks
from providers.creators.models import Creator, CreatorTask

KEYS = ["name", "ours_per_s", "limit_per_s", "floor_per_s", "ratio", "p50_ms", "p95_ms", "p99_ms", "web_cpu_ms", "db_cpu_ms"]  # fmt: skip


def test_percentiles_are_values_that_were_measured():
    assert [percentile(list(range(1, 101)), share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert percentile([7.0], 0.99) == 7.0


def test_rounds_become_their_median():
    rounds = [Figures(per_s=10, p50_ms=1), Figures(per_s=30, p50_ms=9), Figures(per_s=20, p50_ms=2)]
    assert middle(rounds) == Figures(per_s=20, p50_ms=2)
    assert ratio_of_rounds(rounds, [Figures(per_s=20), Figures(per_s=30), Figures(per_s=20)]) == 1.0


def test_requests_that_were_not_sent_wait():
    waiting = Requests(Request(path=str(number)) for number in range(5))
    assert [one.path for one in waiting.look(3)] == ["0", "1", "2"]
    waiting.drop(2)
    assert [one.path for one in waiting.look(10)] == ["2", "3", "4"]


def test_placeholders_become_variables_of_pgbench():
    assert as_pgbench("SELECT %(a)s::bigint, 5 %% 2") == "SELECT :a::bigint, 5 % 2"


@pytest.mark.django_db
def test_filled_coupons_can_be_redeemed():
    with scopes_disabled():
        shop = fill_shop()
        fill_orders_and_coupons(shop, count=50, customers=7, first_code=1)
        codes = fetch_codes(first_code=1, count=50)
        assert all(is_code(code) for code in codes)
        assert set(Coupon.objects.values_list("code", flat=True)) == set(codes)
        receipt = redeem_coupons(
            merchant=shop.merchant,
            store=shop.stores[1],
            code=codes[0],
            clerk=make_user(),
            attempt_key="attempt-1",
        )
    assert receipt.gross_fen == 12_800


@pytest.mark.django_db(transaction=True)
def test_a_filled_year_is_true_to_its_sums():
    with scopes_disabled():
        shop = fill_shop()
        fill_history(shop, count=1_000, deals=3)
        fill_history(fill_shop(slug="beside"), count=100, deals=1, prefix="beside")  # the dashboard has two
        call_command("rebuild_roll_ups", shop.merchant.slug, stdout=StringIO())
        redeemed = sum_redeemed(merchant=shop.merchant, stores=None)
        waiting = sum_waiting(merchant=shop.merchant)
        own = {"merchant": shop.merchant}
        stated = SettlementLine.objects.filter(statement__isnull=False, **own).count()
        summed = RedeemedDay.objects.filter(rolled_at__isnull=False, **own).aggregate(uses=Sum("uses"))[
            "uses"
        ]
        today = (
            Redemption.objects.filter(**own)
            .order_by("-business_date")
            .values_list("business_date", flat=True)[0]
        )
    broken = check_invariants().broken
    assert not broken.keys() & {
        "redeemed_days_equal_redemptions",
        "store_days_equal_redemptions",
        "sold_days_equal_orders",
    }
    assert (redeemed.uses, redeemed.undone) == (990, 10)
    assert (redeemed.uses - stated, waiting.gross_fen) == (waiting.uses, 12_800 * waiting.uses)
    assert 980 <= summed < 990
    assert today == timezone.now().astimezone(shop.merchant.tzinfo).date()


@pytest.mark.django_db
def test_a_filled_board_recommends_to_whoever_visits():
    fill_board(creators=200, tasks=3_000, merchants=3)
    users = pick_users(count=50)
    shown = [recommend_tasks(creator=creator) for creator in Creator.objects.filter(user__in=users)]
    assert (len(shown), CreatorTask.objects.count()) == (50, 3_000)
    assert sum(len(page.rows) == 10 for page in shown) > 25
    assert any(row.slot for page in shown for row in page.rows)


@pytest.fixture
def durable_servers(tmp_path):
    """As an installation has them: those of the tests do not wait for the disk, and a benchmark refuses such a server."""
    servers = Servers(DataFolder(tmp_path / "own"))
    servers.start()
    yield servers
    servers.stop()


def test_a_benchmark_answers_in_json_and_drops_its_database(durable_servers):
    environment = {**os.environ, **durable_servers.environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [
            sys.executable,
            "manage.py",
            "bench",
            "redeem",
            "--json",
            "--seconds=0.1",
            "--rounds=1",
            "--rows=2000",
            "--connections=1",
        ],
        cwd=settings.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert list(answer) == KEYS
    assert answer["name"] == "redeem"
    speeds = [key for key in KEYS[1:] if not key.endswith("_cpu_ms")]
    assert all(answer[key] > 0 for key in speeds)
    assert (
        answer["web_cpu_ms"] >= 0 <= answer["db_cpu_ms"]
    )  # processor time is counted in hundredths of a second
    with psycopg.connect(durable_servers.postgres.url) as server:
        found = server.execute("SELECT count(*) FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        assert found.fetchone() == (0,)


def test_an_unknown_benchmark_is_refused_by_name():
    done = subprocess.run(
        [sys.executable, "manage.py", "bench", "rocket"],
        cwd=settings.ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "There is no benchmark rocket" in done.stderr
    assert "redeem" in find_benches()
