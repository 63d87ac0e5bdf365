"""A session's figures on a small show reckoned by hand."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from coupons.domain.refunds import request_refund
from coupons.live.domain.figures import count_figures, share_bps, sum_sessions
from coupons.live.domain.session_deals import Allotment
from coupons.live.domain.session_states import end_session, go_live
from coupons.live.models import LiveOpening
from coupons.live.tests.test_sessions import buy_live, plan, row_of
from coupons.tests.town import make_town


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


@pytest.fixture
def began():
    return timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=30)


@pytest.fixture
def show(town, began):
    """Two deals live for half an hour."""
    other = town.make_deal(title="代金券", price_fen=8_800, list_price_fen=10_000)
    session = plan(town, deals=(Allotment(town.deal.pk, 30), Allotment(other.pk, 4)))
    go_live(session=session, by=town.owner, at=began)
    session.refresh_from_db()
    session.other = other
    return session


def sell(town, session, deal, *, at, **more):
    order = buy_live(town, session, deal, pay=False, at=at, **more)
    town.pay(order, at=at)
    return order


def test_a_show_is_summed_by_deal_and_by_minute(town, show, began):
    sell(town, show, town.deal, at=began + timedelta(minutes=3), quantity=2)
    sell(town, show, show.other, at=began + timedelta(minutes=3, seconds=40))
    late = sell(town, show, town.deal, at=began + timedelta(minutes=27))
    buy_live(town, show, show.other, pay=False, at=began + timedelta(minutes=28))
    town.redeem(late.coupons.first().code)
    town.pay(town.order(at=began + timedelta(minutes=5)), at=began + timedelta(minutes=5))  # not by a card
    LiveOpening.objects.create(
        merchant=town.merchant, session=show, live_deal=row_of(show, town.deal), minute=began, count=8
    )
    LiveOpening.objects.create(merchant=town.merchant, session=show, live_deal=None, minute=began, count=5)

    figures = count_figures(session=show, at=began + timedelta(minutes=30, seconds=5))

    total = figures.total
    assert (total.orders, total.paid_orders, total.waiting_orders) == (4, 3, 1)
    assert (total.pieces, total.gmv_fen, total.average_fen) == (4, 3 * 12_800 + 8_800, 15_733)
    assert (total.openings, figures.page_openings, total.paid_bps) == (8, 5, 3_750)
    assert (total.coupons, total.redeemed, total.redeemed_bps) == (4, 1, 2_500)
    assert total.recent_fen == 12_800, "paid in the last five minutes"
    hot_pot, voucher = figures.products
    assert (hot_pot.sums.gmv_fen, hot_pot.free, hot_pot.held) == (38_400, 27, 0)
    assert (voucher.sums.gmv_fen, voucher.free, voucher.held, voucher.is_low) == (8_800, 2, 1, True)
    assert (figures.step_minutes, len(figures.points)) == (1, 31)
    sold = {
        (point.at - began).seconds // 60: (point.fen, point.orders) for point in figures.points if point.fen
    }
    assert sold == {3: (34_400, 2), 27: (12_800, 1)}
    assert figures.peak.fen == 34_400
    assert [(source.entrance, source.orders, source.fen) for source in figures.sources] == [
        ("live_card", 3, 47_200),
        ("", 1, 12_800),
    ]


def test_what_is_refunded_stays_sold_and_is_told_apart(town, show, began):
    order = sell(town, show, town.deal, at=began + timedelta(minutes=2))
    request_refund(coupon=order.coupons.first(), by=town.owner)
    assert count_figures(session=show, at=timezone.now()).open_refunds == 1
    run_due_jobs(kinds=["pay_refund"])
    figures = count_figures(session=show, at=timezone.now())
    assert (figures.total.gmv_fen, figures.total.refunded_fen, figures.open_refunds) == (12_800, 12_800, 0)


@pytest.mark.parametrize(
    ("hours", "minutes", "points"), [(1, 1, 61), (3, 2, 91), (8, 5, 97), (24, 15, 97), (71, 60, 72)]
)
def test_a_long_show_has_wider_steps(town, show, began, hours, minutes, points):
    figures = count_figures(session=show, at=began + timedelta(hours=hours))
    assert figures.step_minutes == minutes
    assert abs(len(figures.points) - points) <= 1, "a step may begin before the show"
    assert figures.points[0].at <= began
    assert figures.points[0].at.minute % minutes == 0 or minutes == 60


def test_sessions_are_summed_apart(town, show, began):
    sell(town, show, town.deal, at=began + timedelta(minutes=2))
    end_session(session=show, by=town.owner)
    second = plan(town, pieces=5)
    go_live(session=second, by=town.owner)
    buy_live(town, second, quantity=3)
    sums = sum_sessions(sessions=[show, second])
    assert {key: (one.paid_orders, one.gmv_fen) for key, one in sums.items()} == {
        show.pk: (1, 12_800),
        second.pk: (1, 38_400),
    }
    assert sum_sessions(sessions=[]) == {}


def test_a_session_without_deals_or_orders_has_empty_figures(town):
    session = plan(town, deals=())
    figures = count_figures(session=session, at=timezone.now())
    assert (figures.products, figures.points, figures.sources, figures.peak) == ([], [], [], None)
    assert figures.total.average_fen is None


@pytest.mark.parametrize(("part", "whole", "bps"), [(1, 3, 3_333), (2, 3, 6_667), (0, 5, 0), (3, 0, None)])
def test_shares_are_rounded_half_up(part, whole, bps):
    assert share_bps(part, whole) == bps
