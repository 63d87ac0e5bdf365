"""Settlement in slices: bounded transactions, the same lines; and the mark that keeps history out of each run."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from core.models import Job
from coupons.models import Redemption
from coupons.settlement.domain import settlement
from coupons.settlement.domain.progress import advance_progress, read_progress, take_back_progress
from coupons.settlement.domain.settlement import enqueue_unsettled, settle_merchant, settle_slice
from coupons.settlement.models import SettlementBatch, SettlementLine, SettlementProgress
from coupons.tests.town import make_town


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town(platform_fee_bps=250)


def redeem(town, count, *, at=None):
    at = at or timezone.now() - timedelta(days=1)
    for coupon in town.buy(quantity=count, at=at):
        town.redeem(coupon.code, at=at)


def run_settlement_jobs():
    while run_due_jobs(kinds=["settle"]):
        pass


def test_a_large_merchant_is_settled_slice_by_slice_by_its_jobs(town, monkeypatch):
    redeem(town, 10)
    redeem(town, 7)
    monkeypatch.setattr(settlement, "SLICE", 4)
    Job.objects.all().delete()
    assert enqueue_unsettled() == 1

    run_settlement_jobs()

    assert sorted(SettlementBatch.objects.values_list("lines", flat=True)) == [1, 4, 4, 4, 4]
    assert SettlementLine.objects.count() == 17
    assert Job.objects.exclude(state="done").exclude(kind__in=["close_order"]).count() == 0
    assert check_invariants().broken == {}
    assert enqueue_unsettled() == 0


def test_what_was_paid_is_booked_whole_before_a_slice_is_settled(town, monkeypatch):
    for _ in range(5):
        redeem(town, 1)
    monkeypatch.setattr(settlement, "SLICE", 2)

    first = settle_slice(merchant_id=town.merchant.pk, limit=2)

    assert (first.batch, first.more) == (None, True)
    assert SettlementLine.objects.count() == 0
    Job.objects.all().delete()
    enqueue_unsettled()
    run_settlement_jobs()
    assert SettlementLine.objects.count() == 5
    assert check_invariants().broken == {}


def test_the_mark_stays_below_what_waits_and_passes_what_is_settled(town):
    redeem(town, 3)
    (waiting,) = town.buy()
    town.redeem(waiting.code)  # in its window

    settle_merchant(merchant_id=town.merchant.pk)
    advance_progress(merchant_id=town.merchant.pk, progress=read_progress(merchant_id=town.merchant.pk))

    oldest_waiting = Redemption.objects.filter(settlement_line__isnull=True).get().pk
    assert 0 < read_progress(merchant_id=town.merchant.pk) <= oldest_waiting


def test_a_use_told_late_is_found_although_its_day_is_settled(town):
    """A shop that was offline tells it with its own time: the mark is of ids, which are minted when it is written."""
    redeem(town, 3, at=timezone.now() - timedelta(days=2))
    settle_merchant(merchant_id=town.merchant.pk)
    redeem(town, 1, at=timezone.now() - timedelta(days=9))

    assert settle_merchant(merchant_id=town.merchant.pk).lines == 1


def test_a_mark_that_passed_something_is_taken_back_by_night(town):
    redeem(town, 1)
    SettlementProgress.objects.create(merchant=town.merchant, settled_below=2**62)
    assert settle_merchant(merchant_id=town.merchant.pk) is None

    assert take_back_progress() == 1

    assert settle_merchant(merchant_id=town.merchant.pk).lines == 1
    assert take_back_progress() == 0


def test_no_run_reads_the_lines_of_the_past(town):
    """Asked with statistics that call the table empty, as they do after a rush: by index, row by row."""
    redeem(town, 2)
    plan = "\n".join(_explain_settlement(town))
    assert "Seq Scan on settlement_settlementline" not in plan
    assert "redemption_key" in plan


def _explain_settlement(town):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + settlement._SETTLE,
            {"merchant": town.merchant.pk, "batch": 1, "at": timezone.now(), "limit": 10, "above": 0},
        )
        return [line for (line,) in cursor.fetchall()]
