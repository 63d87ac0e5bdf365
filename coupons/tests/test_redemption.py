"""Redeeming: exactly once, refusals by name, undo inside the window."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import NotFound
from core.models import Job
from coupons.domain import redemption_refusals, reversal
from coupons.domain.codes import new_code
from coupons.domain.redemption import check_coupon
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.enums import CouponState, DealKind, ValidityKind
from coupons.models import Coupon, Redemption, RedemptionRefusal
from coupons.tests.town import make_town

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def refusals():
    return list(RedemptionRefusal.objects.order_by("id").values_list("code", flat=True))


def assert_refused(town, error, code, **more):
    before = list(Coupon.objects.order_by("id").values_list("state", "uses_left"))
    kept = RedemptionRefusal.objects.count()
    with pytest.raises(error) as raised:
        town.redeem(code, **more)
    assert list(Coupon.objects.order_by("id").values_list("state", "uses_left")) == before
    assert RedemptionRefusal.objects.count() == kept + 1
    assert RedemptionRefusal.objects.latest("id").code == error.code
    return raised.value.facts


def test_redeem_uses_the_coupon_and_rings_for_settlement(town):
    (coupon,) = town.buy()

    receipt = town.redeem(coupon.code)

    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses_left) == (CouponState.REDEEMED, 0)
    use = Redemption.objects.get()
    assert (use.pk, use.gross_fen, use.use_no, use.store) == (
        receipt.redemptions[0].id,
        12_800,
        1,
        town.store,
    )
    assert use.due_at - use.redeemed_at == timedelta(hours=1)
    bell = Job.objects.get(kind="settle", key__regex=r"^\d+:\d{12}$")
    assert use.due_at <= bell.due_at <= use.due_at + timedelta(minutes=1)
    assert not receipt.replayed


def test_redeem_stays_inside_its_statement_budget(town, django_assert_max_num_queries):
    (coupon,) = town.buy()
    with CaptureQueriesContext(connection) as statements:
        town.redeem(coupon.code)
    assert len(statements) == 4  # (savepoint here, BEGIN in life), lock, write, release (COMMIT)


def test_a_repeat_of_the_attempt_gets_the_first_receipt(town):
    (coupon,) = town.buy()
    first = town.redeem(coupon.code, attempt_key="phone-1")

    again = town.redeem(coupon.code, attempt_key="phone-1")

    assert again.redemptions == first.redemptions
    assert again.replayed
    assert Redemption.objects.count() == 1
    assert refusals() == []


def test_an_attempt_key_of_another_coupon_is_refused(town):
    (one,), (two,) = town.buy(), town.buy()
    town.redeem(one.code, attempt_key="phone-1")
    assert_refused(town, redemption_refusals.AttemptKeyReused, two.code, attempt_key="phone-1")


def test_a_used_coupon_says_when_where_and_who(town):
    (coupon,) = town.buy()
    receipt = town.redeem(coupon.code)

    facts = assert_refused(town, redemption_refusals.CouponAlreadyUsed, coupon.code)

    assert facts == {
        "redeemed_at": receipt.redeemed_at.isoformat(),
        "store": "山城老灶火锅(解放碑店)",
        "clerk": "李娜",
    }


def test_a_count_takes_the_siblings_of_the_order(town):
    coupons = town.buy(quantity=3)

    receipt = town.redeem(coupons[1].code, count=2)

    assert [use.code for use in receipt.redemptions] == [coupons[1].code, coupons[0].code]
    assert assert_refused(town, redemption_refusals.CountTooLarge, coupons[2].code, count=2) == {"usable": 1}
    assert_refused(town, redemption_refusals.CountTooLarge, coupons[2].code, count=0)


def test_a_times_card_splits_its_price_over_its_uses(town):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000)
    (card,) = town.buy(deal=deal)

    town.redeem(card.code)
    town.redeem(card.code, count=2)

    assert list(Redemption.objects.order_by("use_no").values_list("use_no", "gross_fen")) == [
        (1, 3_333),
        (2, 3_333),
        (3, 3_334),
    ]
    assert_refused(town, redemption_refusals.CouponAlreadyUsed, card.code)


def test_a_use_given_back_leaves_a_gap_that_is_filled(town):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000)
    (card,) = town.buy(deal=deal)
    first = town.redeem(card.code)
    town.redeem(card.code)
    reverse_redemptions(merchant=town.merchant, redemption_ids=[first.redemptions[0].id], by=town.clerk)

    again = town.redeem(card.code)

    assert again.redemptions[0].use_no == 1
    card.refresh_from_db()
    assert card.uses_left == 1


def test_unknown_codes_lock_the_clerk_for_a_while(town):
    (coupon,) = town.buy()
    for _ in range(5):
        assert_refused(town, redemption_refusals.CouponUnknown, new_code())

    facts = assert_refused(town, redemption_refusals.TooManyTries, coupon.code)

    assert 0 < facts["seconds"] <= 31
    assert_refused(town, redemption_refusals.TooManyTries, new_code())
    assert town.redeem(coupon.code, clerk=town.owner)  # another person is not locked


def test_a_mistyped_code_is_unknown(town):
    (coupon,) = town.buy()
    wrong_check = str((int(coupon.code[-1]) + 1) % 10)
    assert_refused(town, redemption_refusals.CouponUnknown, coupon.code[:-1] + wrong_check)
    assert (
        RedemptionRefusal.objects.get().masked_code
        == f"{coupon.code[:4]} **** {coupon.code[-4:-1]}{wrong_check}"
    )
    assert town.redeem("  " + "\uff10".join([""]) + coupon.code[:8] + " " + coupon.code[8:])


def test_a_coupon_of_another_merchant_is_told_apart_and_left_alone(town):
    other = make_town(slug="tea", name="奶茶")
    (coupon,) = other.buy()
    assert_refused(town, redemption_refusals.CouponOfOtherMerchant, coupon.code)


def test_a_wrong_store_names_the_right_ones(town):
    deal = town.make_deal(all_stores=False)
    deal.stores.set([town.other_store])
    (coupon,) = town.buy(deal=deal)

    assert assert_refused(town, redemption_refusals.CouponOfOtherStore, coupon.code) == {
        "stores": ["山城老灶火锅(观音桥店)"]
    }
    assert town.redeem(coupon.code, store=town.other_store)


def test_a_closed_store_redeems_nothing(town):
    (coupon,) = town.buy()
    town.store.state = "closed"
    assert_refused(town, redemption_refusals.StoreClosed, coupon.code)


def test_validity_begins_and_ends_at_local_midnight(town):
    deal = town.make_deal(
        validity_kind=ValidityKind.FIXED,
        valid_days=None,
        valid_from_date=date(2030, 1, 1),
        valid_until_date=date(2030, 1, 31),
    )
    (coupon,) = town.buy(deal=deal)
    moment = datetime(2030, 1, 1, tzinfo=SHANGHAI)
    assert_refused(town, redemption_refusals.CouponNotYetValid, coupon.code, at=moment - timedelta(seconds=1))
    assert_refused(
        town, redemption_refusals.CouponExpired, coupon.code, at=datetime(2030, 2, 1, tzinfo=SHANGHAI)
    )
    assert town.redeem(coupon.code, at=datetime(2030, 1, 31, 23, 59, 59, tzinfo=SHANGHAI))
    assert Redemption.objects.get().business_date == date(2030, 1, 31)


@pytest.mark.parametrize(
    ("moment", "usable"),
    [
        ((2030, 1, 4, 23, 0), True),  # Friday night
        ((2030, 1, 5, 1, 59), True),  # runs past midnight: still Friday's span
        ((2030, 1, 5, 2, 0), False),
        ((2030, 1, 5, 23, 0), False),  # Saturday is not usable
        ((2030, 1, 11, 23, 0), False),  # a blackout Friday
        ((2030, 1, 12, 1, 0), False),
        ((2030, 1, 4, 12, 0), False),
    ],
)
def test_usable_days_and_hours(town, moment, usable):
    deal = town.make_deal(
        usable_weekdays=[4],
        usable_hours=[["22:00", "02:00"]],
        blackout_dates=[date(2030, 1, 11)],
        valid_days=3650,
    )
    (coupon,) = town.buy(deal=deal)
    at = datetime(*moment, tzinfo=SHANGHAI)
    if usable:
        assert town.redeem(coupon.code, at=at)
    else:
        assert (
            "22:00–02:00"
            in assert_refused(town, redemption_refusals.CouponUnusableDay, coupon.code, at=at)["rule"]
        )


def test_a_refund_locks_the_coupon_and_then_ends_it(town):
    (coupon,) = town.buy()
    request_refund(coupon=coupon, by=town.customer.user)
    assert_refused(town, redemption_refusals.CouponRefundLocked, coupon.code)
    Coupon.objects.update(state=CouponState.REFUNDED)
    assert_refused(town, redemption_refusals.CouponRefunded, coupon.code)
    Coupon.objects.update(state=CouponState.VOIDED)
    assert_refused(town, redemption_refusals.CouponVoided, coupon.code)
    Coupon.objects.update(state=CouponState.EXPIRED)
    assert_refused(town, redemption_refusals.CouponExpired, coupon.code)


def test_check_changes_nothing_and_counts_what_can_be_used(town):
    coupons = town.buy(quantity=2)

    look = check_coupon(merchant=town.merchant, store=town.store, code=coupons[0].code, clerk=town.clerk)

    assert (look.usable_count, look.price_fen, look.list_price_fen, look.customer_tail) == (
        2,
        12_800,
        21_600,
        "8821",
    )
    assert Redemption.objects.count() == 0
    assert refusals() == []


def test_undo_gives_the_use_back_and_redeeming_again_is_possible(town):
    (coupon,) = town.buy()
    receipt = town.redeem(coupon.code)

    reverse_redemptions(
        merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk, reason="点错了"
    )

    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses_left) == (CouponState.ISSUED, 1)
    with pytest.raises(reversal.AlreadyReversed):
        reverse_redemptions(merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk)
    assert town.redeem(coupon.code).redemptions[0].use_no == 1


def test_undo_ends_with_the_window(town):
    (coupon,) = town.buy(at=timezone.now() - timedelta(days=2))
    receipt = town.redeem(coupon.code, at=timezone.now() - timedelta(hours=1))
    with pytest.raises(reversal.ReversalTooLate):
        reverse_redemptions(merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk)
    coupon.refresh_from_db()
    assert coupon.state == CouponState.REDEEMED


def test_undo_of_another_merchants_redemption_is_not_found(town):
    other = make_town(slug="tea", name="奶茶")
    (coupon,) = other.buy()
    receipt = other.redeem(coupon.code)
    with scope(merchant=town.merchant.pk), pytest.raises(NotFound):
        reverse_redemptions(merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk)
    with pytest.raises(NotFound):
        reverse_redemptions(merchant=town.merchant, redemption_ids=[], by=town.clerk)
