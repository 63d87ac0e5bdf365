"""A session's life through the domain: planned with its pieces, live, ended; every step refused where the table says so."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.errors import Invalid, NotFound
from core.models import Job
from coupons.domain.orders import close_order, place_order
from coupons.domain.refunds import request_refund
from coupons.domain.stock import StockBelowSold, count_pool
from coupons.enums import DealState, OrderCloseReason
from coupons.live.domain.plan import (
    LiveChangedMeanwhile,
    LiveNotInState,
    SessionPlan,
    change_plan,
    plan_session,
)
from coupons.live.domain.session_deals import (
    Allotment,
    AllotmentTooLarge,
    DealLiveElsewhere,
    DealNotInShow,
    SessionOver,
    add_deal,
    change_pieces,
    remove_deal,
)
from coupons.live.domain.session_states import NothingToSell, cancel_session, end_session, go_live
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession, LiveSessionDeal
from coupons.models import Deal, Order, StockPool
from coupons.tests.town import make_customer, make_town
from identity.models import AuditEvent

EVENING = datetime(2026, 12, 1, 11, 0, tzinfo=UTC)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def plan_of(*deals, **more):
    values = {
        "title": "周末火锅节",
        "host_name": "小唐",
        "planned_from": EVENING,
        "planned_until": EVENING + timedelta(hours=3),
        "deals": tuple(Allotment(deal.pk, pieces) for deal, pieces in deals),
    }
    return SessionPlan(**(values | more))


def plan(town, pieces=40, **more):
    return plan_session(merchant=town.merchant, plan=plan_of((town.deal, pieces), **more), by=town.owner)


def left(deal):
    return Deal.objects.select_related("stock").get(pk=deal.pk).stock.left


def row_of(session, deal):
    return LiveSessionDeal.objects.select_related("session", "deal", "pool", "placement").get(
        session=session, deal=deal
    )


def buy_live(town, session, deal=None, *, pay=True, **more):
    row = row_of(session, deal or town.deal)
    order = place_order(
        customer=make_customer(), merchant=town.merchant, deal_id=row.deal_id, quantity=more.pop("quantity", 1),
        placement=row.placement, **more,
    )  # fmt: skip
    if pay:
        town.pay(order)
    return Order.objects.get(pk=order.pk)


def state_of(session):
    return LiveSession.objects.values_list("state", flat=True).get(pk=session.pk)


def test_planning_sets_the_pieces_aside(town):
    session = plan(town, pieces=40)

    row = row_of(session, town.deal)
    assert (session.state, session.version) == (LiveState.PLANNED, 1)
    assert (row.pieces, row.position, row.is_live, row.returned) == (40, 0, False, None)
    assert left(town.deal) == 60
    assert count_pool(pool=row.pool).free == 40
    assert (row.placement.entrance, row.placement.pool_id) == ("live_card", row.pool_id)
    event = AuditEvent.objects.get(verb="live_session.plan", noun_id=session.pk)
    assert event.facts["pieces"] == {str(town.deal.pk): 40}
    job = Job.objects.get(kind="end_live_session")
    assert job.due_at == EVENING + timedelta(hours=6)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "长" * 61}, "title"),
        ({"host_name": ""}, "host_name"),
        ({"planned_until": EVENING}, "planned_until"),
        ({"planned_until": EVENING + timedelta(hours=25)}, "planned_until"),
        ({"goal_fen": 0}, "goal_fen"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(town, more, field):
    with pytest.raises(Invalid) as refused:
        plan(town, **more)
    assert refused.value.facts["field"] == field
    assert not LiveSession.objects.exists()
    assert left(town.deal) == 100


def test_more_pieces_than_are_left_are_refused_whole(town):
    other = town.make_deal(title="四人餐", stock=5)
    with pytest.raises(AllotmentTooLarge) as refused:
        plan_session(merchant=town.merchant, plan=plan_of((town.deal, 10), (other, 6)), by=town.owner)
    assert refused.value.facts == {"deal_id": other.pk, "title": "四人餐", "left": 5}
    assert (left(town.deal), left(other)) == (100, 5)
    assert not LiveSession.objects.exists()


def test_a_deal_that_nobody_can_buy_is_refused(town):
    for deal in (town.make_deal(state=DealState.DRAFT), town.make_deal(state=DealState.ENDED)):
        with pytest.raises(DealNotInShow):
            plan_session(merchant=town.merchant, plan=plan_of((deal, 1)), by=town.owner)


def test_another_merchants_deal_and_colleague_are_unknown(town):
    stranger = make_town(slug="chaguan", name="茶馆")
    with pytest.raises(NotFound):
        plan_session(merchant=town.merchant, plan=plan_of((stranger.deal, 1)), by=town.owner)
    with pytest.raises(Invalid) as refused:
        plan(town, host_id=stranger.clerk.pk)
    assert refused.value.facts["field"] == "host"
    assert left(stranger.deal) == 100


def test_a_colleague_who_hosts_gives_the_name(town):
    session = plan(town, host_id=town.clerk.pk, host_name="")
    assert (session.host_name, session.host_id) == ("李娜", town.clerk.pk)


def test_a_changed_plan_moves_pieces_both_ways(town):
    other, third = town.make_deal(title="四人餐"), town.make_deal(title="代金券", stock=None)
    session = plan_session(merchant=town.merchant, plan=plan_of((town.deal, 40), (other, 30)), by=town.owner)

    change_plan(
        session=session, plan=plan_of((third, 500), (town.deal, 25), title="改期"), version=1, by=town.owner
    )

    rows = list(session.deals.values_list("deal_id", "pieces", "position"))
    assert rows == [(third.pk, 500, 0), (town.deal.pk, 25, 1)]
    assert (left(town.deal), left(other), left(third)) == (75, 100, None)
    stored = LiveSession.objects.get(pk=session.pk)
    assert (stored.title, stored.version) == ("改期", 2)
    assert StockPool.objects.filter(deal=other, kind="session", closed_at__isnull=False).count() == 1


def test_two_editors_the_second_is_told(town):
    session = plan(town)
    change_plan(session=session, plan=plan_of((town.deal, 50)), version=1, by=town.owner)
    with pytest.raises(LiveChangedMeanwhile) as refused:
        change_plan(session=session, plan=plan_of((town.deal, 10)), version=1, by=town.owner)
    assert refused.value.facts["by"] == "老板"
    assert left(town.deal) == 50


def test_live_sells_the_sessions_pieces_and_gives_back_the_rest(town):
    session = plan(town, pieces=40)
    go_live(session=session, by=town.owner)
    paid = buy_live(town, session, quantity=3)
    waiting = buy_live(town, session, quantity=2, pay=False)

    assert (left(town.deal), count_pool(pool=row_of(session, town.deal).pool).free) == (60, 35)
    assert (paid.entrance, paid.placement_id) == ("live_card", row_of(session, town.deal).placement_id)
    assert end_session(session=session, by=town.owner) == 35

    row = row_of(session, town.deal)
    assert (row.is_live, row.returned, state_of(session)) == (False, 35, LiveState.ENDED)
    assert left(town.deal) == 95
    close_order(order_id=waiting.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)
    assert left(town.deal) == 97, "a later give-back goes to everybody"
    request_refund(coupon=paid.coupons.first(), by=town.owner)
    run_due_jobs(kinds=["pay_refund"])
    assert left(town.deal) == 98


def test_the_general_sale_cannot_take_what_was_set_aside(town):
    from coupons.domain.orders import SoldOut

    deal = town.make_deal(stock=10)
    session = plan_session(merchant=town.merchant, plan=plan_of((deal, 10)), by=town.owner)
    with pytest.raises(SoldOut):
        town.order(deal=deal)
    go_live(session=session, by=town.owner)
    buy_live(town, session, deal, quantity=10)
    with pytest.raises(SoldOut):
        buy_live(town, session, deal)


def test_pieces_are_changed_while_live_but_not_below_what_is_sold(town):
    session = plan(town, pieces=10)
    go_live(session=session, by=town.owner)
    buy_live(town, session, quantity=8)
    row = row_of(session, town.deal)

    change_pieces(live_deal=row, pieces=60, by=town.owner)
    assert (left(town.deal), count_pool(pool=row.pool).free) == (40, 52)
    with pytest.raises(StockBelowSold):
        change_pieces(live_deal=row, pieces=7, by=town.owner)
    with pytest.raises(AllotmentTooLarge) as refused:
        change_pieces(live_deal=row, pieces=101, by=town.owner)
    assert refused.value.facts["left"] == 100
    assert row_of(session, town.deal).pieces == 60
    change_pieces(live_deal=row, pieces=8, by=town.owner)
    assert (left(town.deal), count_pool(pool=row.pool).free) == (92, 0)


def test_one_more_deal_while_live(town):
    session = plan(town)
    go_live(session=session, by=town.owner)
    other = town.make_deal(title="四人餐")
    row = add_deal(session=session, allotment=Allotment(other.pk, 5), by=town.owner)
    assert (row_of(session, other).is_live, row.position, left(other)) == (True, 1, 95)
    with pytest.raises(Invalid):
        add_deal(session=session, allotment=Allotment(other.pk, 5), by=town.owner)
    with pytest.raises(Invalid):
        remove_deal(live_deal=row_of(session, other), by=town.owner)


def test_a_deal_leaves_a_planned_session(town):
    session = plan(town, pieces=40)
    assert remove_deal(live_deal=row_of(session, town.deal), by=town.owner) == 40
    assert (left(town.deal), session.deals.count()) == (100, 0)


def test_a_deal_is_in_one_live_session_at_a_time(town):
    first, second = plan(town, pieces=10), plan(town, pieces=10, title="第二场")
    go_live(session=first, by=town.owner)
    with pytest.raises(DealLiveElsewhere) as refused:
        go_live(session=second, by=town.owner)
    assert refused.value.facts["titles"] == ["双人鸳鸯锅套餐"]
    assert state_of(second) == LiveState.PLANNED
    with pytest.raises(IntegrityError), transaction.atomic():
        LiveSessionDeal.objects.filter(session=second).update(is_live=True)
    end_session(session=first, by=town.owner)
    go_live(session=second, by=town.owner)
    assert state_of(second) == LiveState.LIVE


def test_a_session_without_anything_to_sell_does_not_begin(town):
    session = plan_session(merchant=town.merchant, plan=plan_of(), by=town.owner)
    with pytest.raises(NothingToSell):
        go_live(session=session, by=town.owner)
    paused = plan(town)
    Deal.objects.filter(pk=town.deal.pk).update(state=DealState.PAUSED)
    with pytest.raises(NothingToSell):
        go_live(session=paused, by=town.owner)
    assert {state_of(session), state_of(paused)} == {LiveState.PLANNED}


def test_a_cancelled_session_gives_everything_back(town):
    session = plan(town, pieces=40)
    assert cancel_session(session=session, by=town.owner) == 40
    assert (state_of(session), left(town.deal)) == (LiveState.CANCELLED, 100)


def test_what_is_over_is_not_changed_any_more(town):
    session = plan(town)
    row = row_of(session, town.deal)
    cancel_session(session=session, by=town.owner)
    for step in (go_live, end_session, cancel_session):
        with pytest.raises(LiveNotInState):
            step(session=session, by=town.owner)
    with pytest.raises(LiveNotInState):
        change_plan(session=session, plan=plan_of(), version=1, by=town.owner)
    for change in (
        lambda: change_pieces(live_deal=row, pieces=5, by=town.owner),
        lambda: add_deal(session=session, allotment=Allotment(town.make_deal().pk, 1), by=town.owner),
        lambda: remove_deal(live_deal=row, by=town.owner),
    ):
        with pytest.raises(SessionOver):
            change()
    assert left(town.deal) == 100


def overdue(session, **fields):
    """As if the plan had been for yesterday, and its job were due."""
    yesterday = timezone.now() - timedelta(days=1)
    LiveSession.objects.filter(pk=session.pk).update(
        planned_from=yesterday - timedelta(hours=3), planned_until=yesterday, **fields
    )
    Job.objects.filter(kind="end_live_session").update(due_at=timezone.now() - timedelta(minutes=1))


def test_a_session_nobody_ended_is_ended(town):
    session = plan(town, pieces=40)
    go_live(session=session, by=town.owner)
    overdue(session, started_at=timezone.now() - timedelta(days=1, hours=3))
    assert run_due_jobs(kinds=["end_live_session"]) == 1
    assert (state_of(session), left(town.deal)) == (LiveState.ENDED, 100)
    assert AuditEvent.objects.get(verb="live_session.end").actor_id is None


def test_a_session_that_never_began_is_cancelled(town):
    session = plan(town, pieces=40)
    overdue(session)
    run_due_jobs(kinds=["end_live_session"])
    assert (state_of(session), left(town.deal)) == (LiveState.CANCELLED, 100)


def test_the_job_of_an_older_plan_does_nothing(town):
    session = plan(town, pieces=40)
    Job.objects.filter(kind="end_live_session").update(due_at=timezone.now() - timedelta(minutes=1))
    assert run_due_jobs(kinds=["end_live_session"]) == 1
    assert (state_of(session), left(town.deal)) == (LiveState.PLANNED, 60)


def test_a_session_that_began_late_is_looked_at_again(town):
    session = plan(town)
    late = EVENING + timedelta(hours=8)
    go_live(session=session, by=town.owner, at=late)
    dues = set(Job.objects.filter(kind="end_live_session").values_list("due_at", flat=True))
    assert dues == {EVENING + timedelta(hours=6), late + timedelta(hours=3)}
