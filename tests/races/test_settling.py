"""Settlement against itself, against undoing, and against redeeming."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from core.domain import jobs
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.reversal import AlreadySettled, ReversalTooLate, reverse_redemptions
from coupons.models import Coupon, Redemption
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant, settle_slice
from coupons.settlement.models import SettlementBatch, SettlementLine, Statement
from coupons.tests.town import Town
from tests.races.racing import Held, Interleaving, Side, count_codes, hold_against, race, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def redeem_yesterday(town: Town, count: int) -> list[Redemption]:
    """So many redemptions whose window is over."""
    at = timezone.now() - timedelta(days=1)
    for _ in range(0, count, 10):
        for coupon in town.buy(quantity=10, at=at - timedelta(days=1)):
            town.redeem(coupon.code, at=at)
    return list(Redemption.objects.order_by("id"))


def settle(town: Town) -> object:
    return settle_merchant(merchant_id=town.merchant.pk)


def undo(town: Town, *redemptions: Redemption, **more: object) -> object:
    ids = [redemption.pk for redemption in redemptions]
    return partial(reverse_redemptions, merchant=town.merchant, redemption_ids=ids, by=town.clerk, **more)


def test_four_settlements_of_one_merchant_at_once_make_one_line_each(town: Town) -> None:
    for expected in (30, 60):
        redeem_yesterday(town, 30)
        race_once(*[partial(settle, town)] * 4)
        settle(town)  # a run may have passed over a row that another one held and then left
        assert SettlementLine.objects.count() == expected
        assert check_invariants().broken == {}
    assert sum(SettlementBatch.objects.values_list("lines", flat=True)) == 60


def test_a_settlement_held_open_leaves_nothing_for_the_second(town: Town) -> None:
    redeem_yesterday(town, 10)
    result = hold_against(partial(settle, town), partial(settle, town))
    assert (result.first.lines, result.second) == (10, None)
    assert SettlementLine.objects.count() == 10
    assert check_invariants().broken == {}


def test_settling_while_clerks_redeem_misses_nothing(town: Town) -> None:
    """Commit order is not id order: a late commit with an early id is settled by a later run."""
    at = timezone.now() - timedelta(days=1)
    coupons = [coupon for _ in range(4) for coupon in town.buy(quantity=10, at=at)]
    lanes = [[partial(town.redeem, coupon.code, at=at) for coupon in coupons[lane::4]] for lane in range(4)]
    answers = race(*lanes, [partial(settle, town)] * 10)
    assert count_codes(answer for lane in answers[:4] for answer in lane) == {"done": 40}
    settle(town)
    assert SettlementLine.objects.count() == 40
    assert check_invariants().broken == {}


class TestAtTheEndOfTheWindow:
    """The clerk undoes in the last second, settlement comes in the next: never both."""

    def interleave(self, town: Town, *, settle_first: bool) -> Interleaving:
        (redemption, *_) = redeem_yesterday(town, 1)
        last_moment = undo(town, redemption, at=redemption.due_at - timedelta(seconds=1))
        pair = (partial(settle, town), last_moment)
        return hold_against(*pair) if settle_first else hold_against(*reversed(pair))

    def test_settlement_is_first(self, town: Town) -> None:
        result = self.interleave(town, settle_first=True)
        assert result.second_waited
        assert isinstance(result.second, AlreadySettled)
        assert SettlementLine.objects.count() == 10
        assert Redemption.objects.filter(reversed_at__isnull=False).count() == 0
        assert check_invariants().broken == {}

    def test_undoing_is_first(self, town: Town) -> None:
        result = self.interleave(town, settle_first=False)
        assert (result.first, result.second.lines) == (1, 9)
        assert settle(town) is None
        assert SettlementLine.objects.filter(redemption__reversed_at__isnull=False).count() == 0
        assert Coupon.objects.filter(state="issued").count() == 1
        assert check_invariants().broken == {}

    def test_both_at_once(self, town: Town) -> None:
        redemptions = redeem_yesterday(town, 20)
        undone, _ = race(
            [undo(town, use, at=use.due_at - timedelta(seconds=1)) for use in redemptions],
            [partial(settle, town)] * 20,
        )
        settle(town)
        codes = count_codes(undone)
        assert codes["done"] + codes["already_settled"] == 20
        assert Redemption.objects.filter(reversed_at__isnull=False).count() == codes["done"]
        assert SettlementLine.objects.count() == codes["already_settled"]
        assert check_invariants().broken == {}


def test_undoing_too_late_does_not_break_the_settlement(town: Town) -> None:
    """Undoing holds the coupons while it waits for its redemptions; settlement, which has one, must not wait for coupons."""
    one, two, *_ = redeem_yesterday(town, 10)
    with Held(lambda: list(Redemption.objects.select_for_update().filter(pk=one.pk))):
        undoing = Side(undo(town, one, two))
        assert undoing.waits_for_a_lock()
        settling = Side(partial(settle, town))
        assert not settling.waits_for_a_lock()
    assert isinstance(undoing.result(), ReversalTooLate)
    assert settling.result().lines == 9
    assert settle(town).lines == 1


def test_sealing_does_not_keep_clerks_waiting(town: Town) -> None:
    redeem_yesterday(town, 10)
    settle(town)
    (coupon,) = town.buy()
    result = hold_against(partial(seal_statements, merchant=town.merchant), partial(town.redeem, coupon.code))
    assert len(result.first) == 1
    assert not result.second_waited


def test_statements_sealed_at_once_take_each_line_once(town: Town) -> None:
    redeem_yesterday(town, 20)
    settle(town)
    sealed = race_once(*[partial(seal_statements, merchant=town.merchant)] * 4)
    assert sorted(len(statements) for statements in sealed) == [0, 0, 0, 1]
    assert Statement.objects.get().lines_count == 20
    assert SettlementLine.objects.filter(statement__isnull=True).count() == 0
    assert check_invariants().broken == {}


def test_a_job_rung_for_eight_times_at_once_is_done_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs._handlers, "buy_one", lambda job: town.order())
    jobs.enqueue_job(kind="buy_one", key="1")
    jobs.enqueue_job(kind="buy_one", key="1")
    job = Job.objects.get(kind="buy_one")
    assert sorted(race_once(*[partial(jobs.run_job, job_id=job.pk)] * 8)) == [False] * 7 + [True]
    job.refresh_from_db()
    assert job.state == "done"
    assert town.deal.orders.count() == 1


def test_a_job_claimed_by_two_workers_is_done_by_one(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are past the claim, as after a message delivered twice, before either begins."""
    monkeypatch.setitem(jobs._handlers, "buy_one", lambda job: town.order())
    jobs.enqueue_job(kind="buy_one", key="1")
    job = Job.objects.get(kind="buy_one")
    claim, both_claimed, in_turn = jobs._claim, threading.Barrier(2, timeout=30), threading.Lock()

    def claim_and_meet(job_id: int) -> Job | None:
        with in_turn:
            claimed = claim(job_id)
        both_claimed.wait()
        return claimed

    monkeypatch.setattr(jobs, "_claim", claim_and_meet)
    assert sorted(race_once(*[partial(jobs.run_job, job_id=job.pk)] * 2)) == [False, True]
    assert town.deal.orders.count() == 1
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)


def test_two_workers_share_a_large_merchant_slice_by_slice(town: Town) -> None:
    """Each skips what the other holds; both see everything settled in the end, once."""
    redeem_yesterday(town, 60)
    settle_slice(merchant_id=town.merchant.pk, limit=1)  # books what was paid
    slices = [partial(settle_slice, merchant_id=town.merchant.pk, limit=7)] * 6
    answers = race(slices, slices)
    while settle_slice(merchant_id=town.merchant.pk, limit=7).more:
        pass
    assert all(answer.more for answer in answers[0][:2] + answers[1][:2])
    assert SettlementLine.objects.count() == 60
    assert sum(SettlementBatch.objects.values_list("lines", flat=True)) == 60
    assert max(SettlementBatch.objects.values_list("lines", flat=True)) <= 7
    assert check_invariants().broken == {}


def test_the_mark_never_passes_a_redemption_whose_commit_is_late(town: Town) -> None:
    """Its id was minted before the mark moved; it commits after. The begin of its transaction holds the mark back."""
    (late,) = town.buy(at=timezone.now() - timedelta(days=2))
    at = timezone.now() - timedelta(days=1, hours=5)
    redeem_yesterday(town, 10)
    with Held(partial(town.redeem, late.code, at=at)):
        assert settle_merchant(merchant_id=town.merchant.pk).lines == 10
    assert settle_merchant(merchant_id=town.merchant.pk).lines == 1
    assert check_invariants().broken == {}
