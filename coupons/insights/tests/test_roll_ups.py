"""Summed days against their rows: what changes a day late opens it, whoever runs beside it is waited for."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants, load_catalogue
from core.models import Job
from coupons.domain.reversal import reverse_redemptions
from coupons.insights.domain import days
from coupons.insights.domain.days import Redeemed
from coupons.insights.domain.roll_ups import enqueue_roll_ups, fence_days, roll_up_days
from coupons.insights.models import RedeemedDay, RedeemedStoreDay, SoldDay
from coupons.models import Order, Redemption
from coupons.tests.town import make_town
from merchants.models import Merchant

pytestmark = pytest.mark.django_db(transaction=True)
PIECE = 12_800


@pytest.fixture
def town():
    with scopes_disabled():
        yield make_town()


@pytest.fixture
def noon(town):
    """Noon of three days ago: that day is over."""
    today = timezone.now().astimezone(town.merchant.tzinfo)
    return today.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)


def use(town, at: datetime, **more):
    (coupon,) = town.buy(at=at - timedelta(minutes=10))
    return town.redeem(coupon.code, at=at, **more).redemptions[0].id


def roll_up(town) -> int:
    fence_days(merchant_id=town.merchant.pk)
    return roll_up_days(merchant_id=town.merchant.pk)


def redeemed(town, day, stores=None) -> Redeemed:
    return days.sum_redeemed_days(merchant=town.merchant, stores=stores, first=day.date(), last=day.date())[
        day.date()
    ]


def sold(town, day) -> int:
    return days.sum_sold_days(merchant=town.merchant, first=day.date(), last=day.date())[day.date()]


def is_rolled(model, day) -> bool:
    return model.objects.filter(date=day.date(), rolled_at__isnull=False).exists()


def test_a_day_that_is_over_is_summed_by_store_and_today_is_not(town, noon):
    use(town, noon)
    use(town, noon, store=town.other_store)
    use(town, timezone.now())

    # Three days of each kind are over: that one and the two empty ones after it.
    assert roll_up(town) == 6

    assert RedeemedDay.objects.filter(rolled_at__isnull=False).count() == 3
    day = RedeemedDay.objects.get(date=noon.date())
    assert (day.uses, day.fen, day.undone) == (2, 2 * PIECE, 0)
    assert set(RedeemedStoreDay.objects.values_list("store_id", "uses", "fen")) == {
        (town.store.pk, 1, PIECE), (town.other_store.pk, 1, PIECE),
    }  # fmt: skip
    assert SoldDay.objects.get(date=noon.date()).fen == 2 * PIECE
    assert redeemed(town, timezone.localtime()) == Redeemed(uses=1, fen=PIECE)


def test_the_page_reads_the_sum_and_not_the_rows(town, noon):
    """The negative of all that follows: a sum falsified by hand is what is shown."""
    use(town, noon)
    roll_up(town)
    RedeemedDay.objects.filter(date=noon.date()).update(fen=1)
    RedeemedStoreDay.objects.update(fen=2)
    SoldDay.objects.filter(date=noon.date()).update(fen=3)

    assert redeemed(town, noon).fen == 1
    assert redeemed(town, noon, [town.store.pk]).fen == 2
    assert redeemed(town, noon, [town.other_store.pk]).fen == 0
    assert sold(town, noon) == 3


def test_a_late_redemption_opens_its_day_in_its_own_transaction(town, noon):
    use(town, noon)
    roll_up(town)

    use(town, noon + timedelta(minutes=1), store=town.other_store)

    assert not is_rolled(RedeemedDay, noon)
    assert not is_rolled(SoldDay, noon)
    assert redeemed(town, noon) == Redeemed(uses=2, fen=2 * PIECE)
    assert redeemed(town, noon, [town.other_store.pk]) == Redeemed(uses=1, fen=PIECE)
    assert sold(town, noon) == 2 * PIECE
    assert roll_up(town) == 2
    assert is_rolled(RedeemedDay, noon)
    assert redeemed(town, noon) == Redeemed(uses=2, fen=2 * PIECE)


def test_an_undo_opens_its_day(town, noon):
    use(town, noon)
    undone = use(town, noon)
    roll_up(town)

    reverse_redemptions(
        merchant=town.merchant, redemption_ids=[undone], by=town.owner, at=noon + timedelta(minutes=1)
    )

    expected = Redeemed(uses=1, fen=PIECE, undone=1, undone_fen=PIECE)
    assert redeemed(town, noon) == expected
    roll_up(town)
    assert is_rolled(RedeemedDay, noon)
    assert redeemed(town, noon) == redeemed(town, noon, [town.store.pk]) == expected


def test_more_money_for_an_old_order_opens_the_day_it_was_paid(town, noon):
    town.buy(at=noon)
    roll_up(town)

    Order.objects.update(paid_fen=20_000)

    assert sold(town, noon) == 20_000
    roll_up(town)
    assert is_rolled(SoldDay, noon)
    assert sold(town, noon) == 20_000


def test_rows_moved_or_lost_by_hand_open_their_days_too(town, noon):
    use(town, noon)
    use(town, noon)
    roll_up(town)
    first = Redemption.objects.order_by("pk").first()

    Redemption.objects.filter(pk=first.pk).update(business_date=noon.date() + timedelta(days=1))
    assert redeemed(town, noon).uses == redeemed(town, noon + timedelta(days=1)).uses == 1
    roll_up(town)

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM coupons_redemption WHERE id = %s", [first.pk])
    assert redeemed(town, noon + timedelta(days=1)).uses == 0


def test_live_selling_and_redeeming_touch_no_day(town):
    use(town, timezone.now())
    assert not RedeemedDay.objects.exists()
    town.buy(at=timezone.now())
    assert not SoldDay.objects.exists()


def test_who_wrote_before_the_fence_is_waited_for(town, noon):
    """A live redemption that commits very late: it called no trigger, so the sum must wait until it is there."""
    use(town, noon)
    roll_up(town)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("ALTER TABLE coupons_redemption DISABLE TRIGGER insights_late_redemption")
            cursor.execute("COMMIT; BEGIN")
            cursor.execute(
                "INSERT INTO coupons_redemption (merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device,"
                " attempt_key, attempt_no, use_no, gross_fen, redeemed_at, business_date, due_at)"
                " SELECT merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device, 'slow', attempt_no, 2,"
                " gross_fen, redeemed_at, business_date + 1, due_at FROM coupons_redemption"
            )
            RedeemedDay.objects.update(rolled_at=None, fence=None)

            assert fence_days(merchant_id=town.merchant.pk) == 3
            assert roll_up_days(merchant_id=town.merchant.pk) == 0
            cursor.execute("COMMIT")
            assert roll_up_days(merchant_id=town.merchant.pk) == 3
    finally:
        with other.cursor() as cursor:
            cursor.execute("ALTER TABLE coupons_redemption ENABLE TRIGGER insights_late_redemption")
        other.close()
    assert is_rolled(RedeemedDay, noon + timedelta(days=1))
    assert redeemed(town, noon + timedelta(days=1)) == Redeemed(uses=1, fen=PIECE)


def test_a_day_somebody_changes_late_just_now_is_left_alone(town, noon):
    use(town, noon)
    fence_days(merchant_id=town.merchant.pk)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE coupons_redemption SET gross_fen = gross_fen + 1")
            roll_up_days(merchant_id=town.merchant.pk)
            assert not is_rolled(RedeemedDay, noon)
            cursor.execute("COMMIT")
    finally:
        other.close()
    assert redeemed(town, noon).fen == PIECE + 1
    roll_up_days(merchant_id=town.merchant.pk)
    assert not is_rolled(RedeemedDay, noon)  # it needs a new fence
    roll_up(town)
    assert RedeemedDay.objects.get(date=noon.date()).fen == PIECE + 1


def test_a_change_taken_back_leaves_the_sum(town, noon):
    use(town, noon)
    roll_up(town)
    with transaction.atomic():
        Redemption.objects.update(gross_fen=1)
        transaction.set_rollback(True)
    assert is_rolled(RedeemedDay, noon)
    assert redeemed(town, noon).fen == PIECE


def test_sold_days_of_another_zone_are_not_trusted(town, noon):
    evening = noon.replace(hour=5)
    town.buy(at=evening)  # 5:00 in Shanghai is the day before in New York
    roll_up(town)

    Merchant.objects.filter(pk=town.merchant.pk).update(zone="America/New_York")
    town.merchant.refresh_from_db()
    assert (sold(town, noon - timedelta(days=1)), sold(town, noon)) == (PIECE, 0)

    town.buy(at=evening)  # late: opens what was summed in Shanghai as well
    roll_up(town)
    assert is_rolled(SoldDay, noon)
    assert (sold(town, noon - timedelta(days=1)), sold(town, noon)) == (2 * PIECE, 0)


def test_jobs_sum_what_an_old_installation_holds(town, noon):
    use(town, noon - timedelta(days=40))
    with connection.cursor() as cursor:  # as after the migration: nothing is known yet
        cursor.execute("DELETE FROM insights_redeemedday; DELETE FROM insights_soldday")

    assert enqueue_roll_ups() == 1
    assert enqueue_roll_ups() == 0  # one is ready
    for _ in range(4):
        run_due_jobs(kinds=["roll_up"])
        Job.objects.filter(kind="roll_up").update(due_at=timezone.now())

    assert not Job.objects.filter(kind="roll_up", state="dead").exists()
    assert RedeemedDay.objects.filter(rolled_at__isnull=False).count() == 43
    assert SoldDay.objects.filter(rolled_at__isnull=False).count() == 43
    assert enqueue_roll_ups() == 0  # nothing is left
    assert days.sum_redeemed(merchant=town.merchant, stores=None) == Redeemed(uses=1, fen=PIECE)


def test_a_rebuild_sums_from_the_rows_as_often_as_it_is_asked(town, noon):
    use(town, noon)
    roll_up(town)
    RedeemedDay.objects.update(fen=1)
    for _ in range(2):
        out = StringIO()
        call_command("rebuild_roll_ups", town.merchant.slug, stdout=out)
        assert out.getvalue() == "6 days summed.\n"
        assert RedeemedDay.objects.get(date=noon.date()).fen == PIECE
        assert RedeemedStoreDay.objects.count() == 1
    with pytest.raises(CommandError, match="There is no merchant nobody"):
        call_command("rebuild_roll_ups", "nobody")


def test_another_merchants_days_are_his(town, noon):
    other = make_town(slug="other", name="别家")
    use(other, noon)
    use(town, noon)
    roll_up(town)

    assert not RedeemedDay.objects.filter(merchant=other.merchant, rolled_at__isnull=False).exists()
    assert redeemed(other, noon) == redeemed(town, noon) == Redeemed(uses=1, fen=PIECE)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE insights_redeemedday SET uses = uses + 1", {"redeemed_days_equal_redemptions"}),
        ("UPDATE insights_redeemedday SET undone_fen = 1", {"redeemed_days_equal_redemptions"}),
        ("UPDATE insights_redeemedstoreday SET fen = fen + 1", {"store_days_equal_redemptions"}),
        ("DELETE FROM insights_redeemedstoreday", {"store_days_equal_redemptions"}),
        ("UPDATE insights_soldday SET fen = fen - 1", {"sold_days_equal_orders"}),
        ("UPDATE insights_soldday SET zone = 'UTC', fen = fen - 1", set()),  # nobody reads it
        (
            "SET session_replication_role = replica; UPDATE coupons_redemption SET reversed_at = now();"
            "SET session_replication_role = origin",
            {"redeemed_days_equal_redemptions", "store_days_equal_redemptions"},
        ),
    ],
)
def test_a_wrong_sum_is_found(town, noon, statement, broken):
    use(town, noon)
    roll_up(town)
    mine = {name for name, invariant in load_catalogue().items() if invariant.area.key == "figures"}

    def found() -> set[str]:
        return {name for name, rows in check_invariants().broken.items() if name in mine and rows}

    assert found() == set()
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert found() == broken
