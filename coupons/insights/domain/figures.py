"""What the dashboard shows. Days that are over come from their sums (days.py), today and what changed late from the rows.

Redeemed: what stands (not undone) on a day of the merchant's zone. Sold: what was paid on a day, whatever was refunded
later; a sale has no store, so it is always the whole shop's. Comparisons go to the same weekday a week ago, up to the
same time of day. Amounts are fen of the merchant's currency. Call inside the merchant's scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import connection
from django.db.models import Count, Q
from django.db.models.expressions import RawSQL
from django_scopes import scope

from coupons.enums import CouponState, DealState, RefundState
from coupons.insights.domain import days
from coupons.insights.domain.days import Stores
from coupons.models import Coupon, Deal, Redemption, Refund
from coupons.settlement.enums import PayeeKind, StatementState
from coupons.settlement.models import Statement
from merchants.enums import StoreState, TermsState
from merchants.models import Membership, Merchant, Store, Terms

TREND_DAYS = 14
EXPIRING_DAYS = 7
RANKED_STORES = 10
LAST_REDEMPTIONS = 8
MOST_COUNTED = 1_000  # what waits is counted up to here: more is "more than 999", and costs no more


@dataclass(frozen=True)
class Todos:
    """What waits for somebody."""

    statements: int
    rejected_deals: int
    deals_in_review: int
    expiring_coupons: int
    refunds: int
    refund_requests: int
    terms: int


@dataclass(frozen=True)
class Compared:
    """A number of today, and the same weekday's up to the same time of day a week ago."""

    now: int
    before: int

    @property
    def change_bps(self) -> int | None:
        """The change in basis points, rounded half away from zero; None where there is nothing to compare with."""
        if not self.before:
            return None
        change = abs(self.now - self.before) * 10_000
        rounded = (2 * change + self.before) // (2 * self.before)
        return rounded if self.now >= self.before else -rounded


@dataclass(frozen=True)
class Today:
    redeemed_fen: Compared
    redeemed_count: Compared
    sold_fen: Compared


@dataclass(frozen=True)
class Day:
    date: date
    fen: int
    fen_before: int  # of the day 14 days earlier


@dataclass(frozen=True)
class StoreToday:
    store_id: int
    name: str
    fen: int
    count: int


@dataclass(frozen=True)
class FirstSteps:
    """What a new shop has done so far."""

    store: bool
    deal: bool
    clerk: bool
    redemption: bool

    @property
    def done(self) -> bool:
        return self.redemption


def count_todos(*, merchant: Merchant, at: datetime) -> Todos:
    """What waits, in six statements; coupons and refunds up to MOST_COUNTED."""
    with scope(merchant=merchant.pk):
        deals = Deal.objects.aggregate(
            rejected=Count("pk", filter=Q(state=DealState.REJECTED)),
            in_review=Count("pk", filter=Q(state=DealState.IN_REVIEW)),
        )
        return Todos(
            statements=Statement.objects.filter(kind=PayeeKind.MERCHANT, state=StatementState.SEALED).count(),
            rejected_deals=deals["rejected"],
            deals_in_review=deals["in_review"],
            expiring_coupons=Coupon.objects.filter(
                merchant=merchant,
                state=CouponState.ISSUED,
                valid_until__gt=at,
                valid_until__lte=at + timedelta(days=EXPIRING_DAYS),
            )[:MOST_COUNTED].count(),
            refunds=Refund.objects.filter(
                merchant=merchant,
                state__in=[RefundState.APPROVED, RefundState.FAILED],
            )[:MOST_COUNTED].count(),
            refund_requests=Refund.objects.filter(merchant=merchant, state=RefundState.REQUESTED)[
                :MOST_COUNTED
            ].count(),
            terms=Terms.objects.filter(merchant=merchant, state=TermsState.PROPOSED)
            .exclude(proposed_for_id=merchant.pk)
            .count(),
        )


# Two ranges of one index each, read from the index alone.
_REDEEMED_TODAY = """
SELECT t.fen, t.uses, b.fen, b.uses
FROM (SELECT COALESCE(sum(r.gross_fen), 0) AS fen, count(*) AS uses FROM coupons_redemption r
      WHERE r.merchant_id = %(merchant)s AND r.business_date = %(today)s AND r.reversed_at IS NULL
        AND r.redeemed_at <= %(at)s {stores}) t,
     (SELECT COALESCE(sum(r.gross_fen), 0) AS fen, count(*) AS uses FROM coupons_redemption r
      WHERE r.merchant_id = %(merchant)s AND r.business_date = %(then)s AND r.reversed_at IS NULL
        AND r.redeemed_at <= %(before)s {stores}) b
"""
_SOLD_TODAY = """
SELECT (SELECT COALESCE(sum(o.paid_fen), 0) FROM coupons_order o
        WHERE o.merchant_id = %(merchant)s AND o.paid_at BETWEEN %(midnight)s AND %(at)s),
    (SELECT COALESCE(sum(o.paid_fen), 0) FROM coupons_order o
     WHERE o.merchant_id = %(merchant)s AND o.paid_at BETWEEN %(midnight_then)s AND %(before)s)
"""


def sum_today(*, merchant: Merchant, stores: Stores, at: datetime) -> Today:
    """Today until `at`, each number with a week ago until the same time of day; two statements."""
    local = at.astimezone(merchant.tzinfo)
    before = local - timedelta(
        days=7
    )  # wall time: the same time of day on the other side of a clock change too
    values = {
        "merchant": merchant.pk,
        "stores": list(stores or ()),
        "today": local.date(),
        "at": at,
        "midnight": _midnight(local),
        "then": before.date(),
        "before": before,
        "midnight_then": _midnight(before),
    }
    at_stores = "" if stores is None else "AND r.store_id = ANY(%(stores)s)"
    with connection.cursor() as cursor:
        cursor.execute(_REDEEMED_TODAY.format(stores=at_stores), values)
        fen, uses, fen_before, uses_before = cursor.fetchone()
        cursor.execute(_SOLD_TODAY, values)
        sold, sold_before = cursor.fetchone()
    return Today(
        redeemed_fen=Compared(int(fen), int(fen_before)),
        redeemed_count=Compared(uses, uses_before),
        sold_fen=Compared(int(sold), int(sold_before)),
    )


def sum_redeemed_days(*, merchant: Merchant, stores: Stores, at: datetime) -> list[Day]:
    """Redeemed on each of the last 14 days, oldest first, beside the 14 before them; one statement."""
    today = at.astimezone(merchant.tzinfo).date()
    sums = days.sum_redeemed_days(
        merchant=merchant, stores=stores, first=today - timedelta(days=2 * TREND_DAYS - 1), last=today
    )
    return _days(today, {day: redeemed.fen for day, redeemed in sums.items()})


def sum_sold_days(*, merchant: Merchant, at: datetime) -> list[Day]:
    """Sold on each of the last 14 days, oldest first, beside the 14 before them; one statement."""
    today = at.astimezone(merchant.tzinfo).date()
    return _days(
        today,
        days.sum_sold_days(merchant=merchant, first=today - timedelta(days=2 * TREND_DAYS - 1), last=today),
    )


# Sums first and names afterwards, of ten stores instead of every redemption's.
_RANK = """
SELECT t.store_id, s.name, t.fen, t.uses
FROM (SELECT r.store_id, sum(r.gross_fen) AS fen, count(*) AS uses FROM coupons_redemption r
      WHERE r.merchant_id = %(merchant)s AND r.business_date = %(today)s AND r.reversed_at IS NULL
        AND (%(stores)s::bigint[] IS NULL OR r.store_id = ANY(%(stores)s))
      GROUP BY r.store_id ORDER BY fen DESC, uses DESC, r.store_id LIMIT %(most)s) t
JOIN merchants_store s ON s.id = t.store_id
ORDER BY t.fen DESC, t.uses DESC, t.store_id
"""


def rank_stores(*, merchant: Merchant, stores: Stores, at: datetime) -> list[StoreToday]:
    """Today's ten best stores; open ones without a redemption fill the list up. Two statements."""
    today = at.astimezone(merchant.tzinfo).date()
    with scope(merchant=merchant.pk):
        with connection.cursor() as cursor:
            cursor.execute(
                _RANK,
                {
                    "merchant": merchant.pk,
                    "today": today,
                    "stores": None if stores is None else list(stores),
                    "most": RANKED_STORES,
                },
            )
            best = [
                StoreToday(store_id=store_id, name=name, fen=int(fen), count=count)
                for store_id, name, fen, count in cursor.fetchall()
            ]
        others = Store.objects.filter(state=StoreState.OPEN).exclude(pk__in=[row.store_id for row in best])
        if stores is not None:
            others = others.filter(pk__in=stores)
        idle = others.order_by("city", "name", "pk").values_list("pk", "name")[: RANKED_STORES - len(best)]
        return best + [StoreToday(store_id=pk, name=name, fen=0, count=0) for pk, name in idle]


def list_last_redemptions(*, merchant: Merchant, stores: Stores) -> list[Redemption]:
    """The last eight, undone ones too, with coupon, deal, store and clerk; one statement."""
    with scope(merchant=merchant.pk):
        redemptions = Redemption.objects.filter(merchant=merchant)
        if stores is not None:
            redemptions = redemptions.filter(pk__in=_last_of_each(merchant, stores))
        return list(
            redemptions.select_related("coupon", "deal", "store", "clerk").order_by("-redeemed_at", "-pk")[
                :LAST_REDEMPTIONS
            ]
        )


def check_first_steps(*, merchant: Merchant) -> FirstSteps:
    """What a new shop has done: one statement once anything was redeemed, four before."""
    with scope(merchant=merchant.pk):
        if Redemption.objects.exists():
            return FirstSteps(store=True, deal=True, clerk=True, redemption=True)
        return FirstSteps(
            store=Store.objects.exists(),
            deal=Deal.objects.exists(),
            clerk=Membership.objects.filter(is_active=True, role="clerk").exists(),
            redemption=False,
        )


def _last_of_each(merchant: Merchant, stores: Sequence[int]) -> RawSQL:
    """The last eight of each store: a store that was idle for a year must not make the index by time be read for a year."""
    return RawSQL(
        """
        SELECT last.id FROM unnest(%s::bigint[]) AS s (id) CROSS JOIN LATERAL (
            SELECT r.id FROM coupons_redemption r WHERE r.store_id = s.id AND r.merchant_id = %s
            ORDER BY r.redeemed_at DESC LIMIT %s) last
        """,
        [list(stores), merchant.pk, LAST_REDEMPTIONS],
    )


def _days(today: date, fen_by_day: dict[date, int]) -> list[Day]:
    dates = [today - timedelta(days=back) for back in range(TREND_DAYS - 1, -1, -1)]
    return [
        Day(
            date=day,
            fen=fen_by_day.get(day, 0),
            fen_before=fen_by_day.get(day - timedelta(days=TREND_DAYS), 0),
        )
        for day in dates
    ]


def _midnight(local: datetime) -> datetime:
    return datetime.combine(local.date(), time.min, tzinfo=local.tzinfo)
