"""The dashboard's figures on a small shop reckoned by hand, Wednesday 2026-11-18 at noon in Shanghai."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django_scopes import scope, scopes_disabled

from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.enums import DealState
from coupons.insights.domain.figures import (
    Compared,
    check_first_steps,
    count_todos,
    list_last_redemptions,
    rank_stores,
    sum_redeemed_days,
    sum_sold_days,
    sum_today,
)
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town
from merchants.enums import ShareKind
from merchants.models import Merchant
from merchants.tests.agreeing import propose

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
LAST_WEEK = NOON - timedelta(days=7)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def use(town, at, *, deal=None, quantity=1, **more):
    """Bought ten minutes before, used at this moment."""
    coupons = town.buy(deal=deal, quantity=quantity, at=at - timedelta(minutes=10))
    return town.redeem(coupons[0].code, at=at, count=quantity, **more)


def test_a_minute_before_and_after_midnight_are_two_days(town):
    use(town, datetime(2026, 11, 17, 23, 59, tzinfo=SHANGHAI))
    use(town, datetime(2026, 11, 18, 0, 1, tzinfo=SHANGHAI), quantity=2)

    today = sum_today(merchant=town.merchant, stores=None, at=NOON)
    days = sum_redeemed_days(merchant=town.merchant, stores=None, at=NOON)

    assert today.redeemed_fen == Compared(now=25_600, before=0)
    assert today.redeemed_count == Compared(now=2, before=0)
    assert [(day.date, day.fen) for day in days[-2:]] == [
        (date(2026, 11, 17), 12_800),
        (date(2026, 11, 18), 25_600),
    ]


def test_the_same_moment_is_another_day_in_new_york(town):
    Merchant.objects.filter(pk=town.merchant.pk).update(zone="America/New_York")
    town.merchant.refresh_from_db()
    use(town, datetime(2026, 11, 18, 12, 30, tzinfo=SHANGHAI))  # 23:30 of the day before in New York

    days = sum_redeemed_days(merchant=town.merchant, stores=None, at=NOON + timedelta(hours=6))

    assert [(day.date, day.fen) for day in days[-2:]] == [
        (date(2026, 11, 17), 12_800),
        (date(2026, 11, 18), 0),
    ]


def test_today_is_compared_with_the_same_weekday_until_the_same_time(town):
    use(town, NOON - timedelta(hours=1), quantity=3)
    use(town, LAST_WEEK - timedelta(hours=2), quantity=2)
    use(town, LAST_WEEK + timedelta(minutes=1))  # after noon: not compared with
    use(town, NOON - timedelta(days=6))  # another weekday

    today = sum_today(merchant=town.merchant, stores=None, at=NOON)

    assert today.redeemed_fen == Compared(now=38_400, before=25_600)
    assert today.redeemed_fen.change_bps == 5_000
    assert today.redeemed_count == Compared(now=3, before=2)
    assert today.sold_fen == Compared(now=38_400, before=38_400)  # the third was paid at 11:51
    assert today.sold_fen.change_bps == 0


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [(0, 0, None), (5, 0, None), (0, 5, -10_000), (2, 3, -3_333), (5, 3, 6_667), (1_000_001, 1_000_000, 0)],
)
def test_change_is_rounded_and_needs_something_to_compare_with(now, before, change):
    assert Compared(now=now, before=before).change_bps == change


def test_an_undone_redemption_counts_nowhere_but_in_the_list(town):
    receipt = use(town, NOON - timedelta(minutes=30))
    reverse_redemptions(
        merchant=town.merchant,
        redemption_ids=[receipt.redemptions[0].id],
        by=town.clerk,
        at=NOON - timedelta(minutes=20),
    )

    assert sum_today(merchant=town.merchant, stores=None, at=NOON).redeemed_fen == Compared(0, 0)
    assert sum(day.fen for day in sum_redeemed_days(merchant=town.merchant, stores=None, at=NOON)) == 0
    (row,) = list_last_redemptions(merchant=town.merchant, stores=None)
    assert row.reversed_at == NOON - timedelta(minutes=20)


def test_fourteen_days_stand_beside_the_fourteen_before(town):
    use(town, NOON - timedelta(days=13))
    use(town, NOON - timedelta(days=14), quantity=2)
    use(town, NOON - timedelta(days=27), quantity=3)
    use(town, NOON - timedelta(days=28), quantity=4)

    days = sum_redeemed_days(merchant=town.merchant, stores=None, at=NOON)
    sold = sum_sold_days(merchant=town.merchant, at=NOON)

    assert len(days) == len(sold) == 14
    assert (days[0].date, days[-1].date) == (date(2026, 11, 5), date(2026, 11, 18))
    assert (days[0].fen, days[0].fen_before) == (12_800, 38_400)  # the 5th, and 14 days earlier
    assert (days[-1].fen, days[-1].fen_before) == (0, 25_600)
    assert sum(day.fen + day.fen_before for day in days) == 76_800  # nothing of 28 days ago
    assert [(day.fen, day.fen_before) for day in sold] == [(day.fen, day.fen_before) for day in days]


def test_sold_is_counted_by_the_day_of_payment(town):
    town.buy(at=datetime(2026, 11, 17, 23, 59, tzinfo=SHANGHAI))
    town.buy(at=datetime(2026, 11, 18, 0, 1, tzinfo=SHANGHAI), quantity=2)
    town.order(at=NOON - timedelta(minutes=5))  # not paid

    assert sum_today(merchant=town.merchant, stores=None, at=NOON).sold_fen == Compared(now=25_600, before=0)
    assert [day.fen for day in sum_sold_days(merchant=town.merchant, at=NOON)][-2:] == [12_800, 25_600]


def test_stores_are_ranked_and_idle_ones_follow(town):
    use(town, NOON - timedelta(hours=1))
    use(town, NOON - timedelta(days=1), store=town.other_store, quantity=5)

    rows = rank_stores(merchant=town.merchant, stores=None, at=NOON)

    assert [(row.store_id, row.fen, row.count) for row in rows] == [
        (town.store.pk, 12_800, 1),
        (town.other_store.pk, 0, 0),
    ]


def test_bound_to_a_store_nothing_else_is_counted(town):
    use(town, NOON - timedelta(hours=1))
    use(town, NOON - timedelta(hours=2), store=town.other_store, quantity=2)
    bound = [town.other_store.pk]

    assert sum_today(merchant=town.merchant, stores=bound, at=NOON).redeemed_fen.now == 25_600
    assert sum_redeemed_days(merchant=town.merchant, stores=bound, at=NOON)[-1].fen == 25_600
    assert [row.store_id for row in rank_stores(merchant=town.merchant, stores=bound, at=NOON)] == bound
    assert {row.store_id for row in list_last_redemptions(merchant=town.merchant, stores=bound)} == set(bound)


def test_another_merchant_is_never_counted(town):
    other = make_town(slug="other", name="别家")
    use(other, NOON - timedelta(hours=1), quantity=4)

    assert sum_today(merchant=town.merchant, stores=None, at=NOON).redeemed_fen.now == 0
    assert sum_today(merchant=town.merchant, stores=None, at=NOON).sold_fen.now == 0
    assert sum(day.fen for day in sum_redeemed_days(merchant=town.merchant, stores=None, at=NOON)) == 0
    assert list_last_redemptions(merchant=town.merchant, stores=None) == []
    assert count_todos(merchant=town.merchant, at=NOON).statements == 0


def test_todos_count_what_waits(town):
    town.make_deal(state=DealState.REJECTED)
    town.make_deal(state=DealState.IN_REVIEW)
    town.make_deal(state=DealState.IN_REVIEW)
    soon = town.make_deal(valid_days=7)
    later = town.make_deal(valid_days=8)
    (expiring,) = town.buy(deal=soon, at=NOON)
    town.buy(deal=later, at=NOON)
    (refunded,) = town.buy(at=NOON)
    request_refund(coupon=refunded, by=town.customer.user)
    use(town, NOON - timedelta(days=3))
    settle_merchant(merchant_id=town.merchant.pk, at=NOON)
    seal_statements(merchant=town.merchant, until_date=NOON.date())

    propose(town.merchant, ShareKind.PLATFORM_FEE, 300)
    todos = count_todos(merchant=town.merchant, at=expiring.valid_until - timedelta(days=7))

    assert (todos.statements, todos.rejected_deals, todos.deals_in_review) == (1, 1, 2)
    assert (todos.expiring_coupons, todos.refunds, todos.terms) == (1, 1, 1)


def test_first_steps_are_ticked_by_what_is_there(town):
    steps = check_first_steps(merchant=town.merchant)
    assert (steps.store, steps.deal, steps.clerk, steps.redemption, steps.done) == (
        True, True, True, False, False,
    )  # fmt: skip

    use(town, NOON)

    assert check_first_steps(merchant=town.merchant).done


def test_long_history_is_not_read(town, django_assert_num_queries):
    """Each figure is a literal number of statements, whatever the shop holds."""
    use(town, NOON - timedelta(hours=1))
    with scope(merchant=town.merchant.pk):
        with django_assert_num_queries(2):
            sum_today(merchant=town.merchant, stores=None, at=NOON)
        with django_assert_num_queries(1):
            sum_redeemed_days(merchant=town.merchant, stores=None, at=NOON)
        with django_assert_num_queries(1):
            sum_sold_days(merchant=town.merchant, at=NOON)
        with django_assert_num_queries(6):
            count_todos(merchant=town.merchant, at=NOON)
        with django_assert_num_queries(2):
            rank_stores(merchant=town.merchant, stores=None, at=NOON)
        with django_assert_num_queries(1):
            list_last_redemptions(merchant=town.merchant, stores=None)
