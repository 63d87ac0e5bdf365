"""The life of a deal: every step from every state, allowed and refused; what a review needs; two who act at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django_scopes import scope, scopes_disabled

from core.errors import Invalid
from coupons.domain.deal_checks import DealIncomplete
from coupons.domain.deal_states import (
    DealNotInState,
    approve_deal,
    end_deal,
    end_overdue_deals,
    pause_deal,
    reject_deal,
    reopen_deal,
    resume_deal,
    submit_deal,
    withdraw_deal,
)
from coupons.enums import DEAL_TRANSITIONS, DealState
from coupons.models import Deal, DealReview
from coupons.tests.town import make_town, make_user
from identity.models import AuditEvent
from merchants.enums import StoreState
from merchants.models import Store

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

# The step of each pair of the table.
STEPS = {
    (DealState.DRAFT, DealState.IN_REVIEW): submit_deal,
    (DealState.IN_REVIEW, DealState.ONLINE): approve_deal,
    (DealState.IN_REVIEW, DealState.REJECTED): lambda **kwargs: reject_deal(reason="标题有错字", **kwargs),
    (DealState.IN_REVIEW, DealState.DRAFT): withdraw_deal,
    (DealState.REJECTED, DealState.DRAFT): reopen_deal,
    (DealState.ONLINE, DealState.PAUSED): pause_deal,
    (DealState.PAUSED, DealState.ONLINE): resume_deal,
    (DealState.ONLINE, DealState.ENDED): end_deal,
    (DealState.PAUSED, DealState.ENDED): end_deal,
}
EVENTS = {
    submit_deal: "deal.submit",
    approve_deal: "deal.approve",
    withdraw_deal: "deal.withdraw",
    reopen_deal: "deal.reopen",
    pause_deal: "deal.pause",
    resume_deal: "deal.resume",
    end_deal: "deal.end",
}


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def put(town, state):
    deal = town.make_deal(state=state)
    if state == DealState.IN_REVIEW:
        DealReview.objects.create(merchant=town.merchant, deal=deal, submitted_by=town.owner)
    return deal


def state_of(deal):
    return Deal.objects.values_list("state", flat=True).get(pk=deal.pk)


def test_every_pair_of_the_table_has_its_step():
    assert set(STEPS) == {(state, after) for state, targets in DEAL_TRANSITIONS.items() for after in targets}


@pytest.mark.parametrize(("pair", "step"), STEPS.items(), ids=["-".join(pair) for pair in STEPS])
def test_a_step_of_the_table_is_taken_and_written_down(town, pair, step):
    before, after = pair
    deal = put(town, before)

    step(deal=deal, by=town.owner)

    assert state_of(deal) == after
    event = AuditEvent.objects.get(noun="deal", noun_id=deal.pk)
    assert event.verb == EVENTS.get(step, "deal.reject")
    assert (event.actor_id, event.merchant_id) == (town.owner.pk, town.merchant.pk)


REFUSED = [
    (step, state)
    for step in dict.fromkeys(STEPS.values())
    for state in DealState
    if not any(other is step and state == source for (source, _after), other in STEPS.items())
]


@pytest.mark.parametrize(("step", "state"), REFUSED)
def test_a_step_from_any_other_state_is_refused_and_changes_nothing(town, step, state):
    deal = put(town, state)
    reviews = list(DealReview.objects.order_by("id").values())

    with pytest.raises(DealNotInState) as refused:
        step(deal=deal, by=town.owner)

    assert refused.value.facts == {"state": state}
    assert state_of(deal) == state
    assert not AuditEvent.objects.filter(noun="deal", noun_id=deal.pk).exists()
    assert list(DealReview.objects.order_by("id").values()) == reviews


def test_the_second_of_two_who_decide_is_refused(town):
    deal, operator = put(town, DealState.IN_REVIEW), make_user("平台小陈")
    seen_by_both = Deal.objects.get(pk=deal.pk)

    approve_deal(deal=deal, by=operator)
    with pytest.raises(DealNotInState):
        reject_deal(deal=seen_by_both, reason="太晚了", by=operator)

    review = DealReview.objects.get(deal=deal)
    assert (review.approved, review.reason, review.decided_by) == (True, "", operator)
    assert state_of(deal) == DealState.ONLINE


def test_a_rejection_keeps_its_reason_and_the_next_submission_is_a_review_of_its_own(town):
    deal, operator = put(town, DealState.IN_REVIEW), make_user("平台小陈")

    reject_deal(deal=deal, reason=" 请写明菜品份量 ", by=operator)
    reopen_deal(deal=deal, by=town.owner)
    submit_deal(deal=deal, by=town.owner)

    first, second = DealReview.objects.filter(deal=deal).order_by("id")
    assert (first.approved, first.reason, first.decided_by) == (False, "请写明菜品份量", operator)
    assert (second.approved, second.decided_at, second.submitted_by) == (None, None, town.owner)


@pytest.mark.parametrize(
    ("reason", "why"), [("", "reason_missing"), ("  ", "reason_missing"), ("字" * 401, "reason_too_long")]
)
def test_a_rejection_without_fitting_words_changes_nothing(town, reason, why):
    deal = put(town, DealState.IN_REVIEW)

    with pytest.raises(Invalid) as refused:
        reject_deal(deal=deal, reason=reason, by=town.owner)

    assert refused.value.facts == {"field": "reason", "why": why}
    assert state_of(deal) == DealState.IN_REVIEW
    assert DealReview.objects.get(deal=deal).decided_at is None


def test_a_withdrawn_review_leaves_no_open_one(town):
    deal = town.make_deal(state=DealState.DRAFT)

    submit_deal(deal=deal, by=town.owner)
    withdraw_deal(deal=deal, by=town.owner)

    assert not DealReview.objects.filter(deal=deal).exists()
    submit_deal(deal=deal, by=town.owner)  # the way is free again


def test_an_incomplete_draft_is_not_submitted(town):
    deal = town.make_deal(state=DealState.DRAFT, price_fen=0, all_stores=False)

    with pytest.raises(DealIncomplete) as refused:
        submit_deal(deal=deal, by=town.owner)

    assert {(p.field, p.code) for p in refused.value.problems} == {
        ("price_fen", "price_missing"),
        ("stores", "stores_missing"),
    }
    assert state_of(deal) == DealState.DRAFT
    assert not DealReview.objects.filter(deal=deal).exists()


def test_what_ran_out_while_it_waited_is_not_approved(town):
    deal = put(town, DealState.IN_REVIEW)
    Deal.objects.filter(pk=deal.pk).update(sale_until=AT)

    with pytest.raises(DealIncomplete) as refused:
        approve_deal(deal=deal, by=town.owner, at=AT)

    assert [(p.field, p.code) for p in refused.value.problems] == [("sale_until", "sale_over")]
    assert state_of(deal) == DealState.IN_REVIEW


def test_a_paused_deal_whose_stores_closed_is_not_resumed(town):
    deal = put(town, DealState.PAUSED)
    Store.objects.update(state=StoreState.CLOSED)

    with pytest.raises(DealIncomplete):
        resume_deal(deal=deal, by=town.owner)

    assert state_of(deal) == DealState.PAUSED


def test_deals_whose_sale_is_over_are_ended_by_the_system(town):
    over = town.make_deal(sale_until=AT)
    paused = town.make_deal(state=DealState.PAUSED, sale_until=AT - timedelta(days=1))
    running = town.make_deal(sale_until=AT + timedelta(seconds=1))
    draft = town.make_deal(state=DealState.DRAFT, sale_until=AT)

    assert end_overdue_deals(at=AT) == 2
    assert end_overdue_deals(at=AT) == 0

    assert [state_of(deal) for deal in (over, paused, running, draft)] == [
        DealState.ENDED,
        DealState.ENDED,
        DealState.ONLINE,
        DealState.DRAFT,
    ]
    assert AuditEvent.objects.get(noun="deal", noun_id=over.pk).actor_id is None


def test_steps_work_from_inside_the_merchants_own_scope(town):
    deal = town.make_deal(state=DealState.DRAFT)
    with scope(merchant=town.merchant.pk):
        submit_deal(deal=deal, by=town.owner)
        approve_deal(deal=deal, by=None)
        assert state_of(deal) == DealState.ONLINE
