"""Days of a merchant: from their sums where a day is summed, else from the rows themselves; in one statement, so that a
day which changes meanwhile is read one way or the other and never half. Amounts are fen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from merchants.models import Merchant

Stores = Sequence[int] | None  # None: every store


@dataclass(frozen=True)
class Redeemed:
    """Redemptions that stand, and those that were undone."""

    uses: int = 0
    fen: int = 0
    undone: int = 0
    undone_fen: int = 0

    def __add__(self, other: "Redeemed") -> "Redeemed":
        return Redeemed(
            uses=self.uses + other.uses,
            fen=self.fen + other.fen,
            undone=self.undone + other.undone,
            undone_fen=self.undone_fen + other.undone_fen,
        )


_LIVE = """
    SELECT count(*) FILTER (WHERE x.reversed_at IS NULL) AS uses,
        sum(x.gross_fen) FILTER (WHERE x.reversed_at IS NULL) AS fen,
        count(*) FILTER (WHERE x.reversed_at IS NOT NULL) AS undone,
        sum(x.gross_fen) FILTER (WHERE x.reversed_at IS NOT NULL) AS undone_fen
    FROM coupons_redemption x WHERE rolled.date IS NULL AND x.merchant_id = %(merchant)s AND x.business_date = day.date
"""

_REDEEMED = f"""
SELECT day.date, COALESCE(rolled.uses, live.uses, 0), COALESCE(rolled.fen, live.fen, 0),
    COALESCE(rolled.undone, live.undone, 0), COALESCE(rolled.undone_fen, live.undone_fen, 0)
FROM (SELECT generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day')::date) AS day (date)
LEFT JOIN insights_redeemedday rolled
    ON rolled.merchant_id = %(merchant)s AND rolled.date = day.date AND rolled.rolled_at IS NOT NULL
LEFT JOIN LATERAL ({_LIVE}) live ON true
ORDER BY day.date
"""

_REDEEMED_AT_STORES = f"""
SELECT day.date, COALESCE(part.uses, live.uses, 0), COALESCE(part.fen, live.fen, 0),
    COALESCE(part.undone, live.undone, 0), COALESCE(part.undone_fen, live.undone_fen, 0)
FROM (SELECT generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day')::date) AS day (date)
LEFT JOIN insights_redeemedday rolled
    ON rolled.merchant_id = %(merchant)s AND rolled.date = day.date AND rolled.rolled_at IS NOT NULL
LEFT JOIN (
    SELECT s.date, sum(s.uses) AS uses, sum(s.fen) AS fen, sum(s.undone) AS undone, sum(s.undone_fen) AS undone_fen
    FROM insights_redeemedstoreday s
    WHERE s.merchant_id = %(merchant)s AND s.store_id = ANY(%(stores)s) AND s.date BETWEEN %(first)s AND %(last)s
    GROUP BY s.date) part ON part.date = rolled.date
LEFT JOIN LATERAL ({_LIVE} AND x.store_id = ANY(%(stores)s)) live ON true
ORDER BY day.date
"""

_SOLD = """
SELECT day.date, COALESCE(rolled.fen, live.fen, 0)
FROM (SELECT generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day')::date) AS day (date)
LEFT JOIN insights_soldday rolled ON rolled.merchant_id = %(merchant)s AND rolled.date = day.date
    AND rolled.rolled_at IS NOT NULL AND rolled.zone = %(zone)s
LEFT JOIN LATERAL (
    SELECT sum(o.paid_fen) AS fen FROM coupons_order o
    WHERE rolled.date IS NULL AND o.merchant_id = %(merchant)s
      AND o.paid_at >= day.date::timestamp AT TIME ZONE %(zone)s
      AND o.paid_at < (day.date + 1)::timestamp AT TIME ZONE %(zone)s) live ON true
ORDER BY day.date
"""


def sum_redeemed_days(*, merchant: Merchant, stores: Stores, first: date, last: date) -> dict[date, Redeemed]:
    """What was redeemed on each business date from first to last, both included; days without a redemption are zeros."""
    with connection.cursor() as cursor:
        cursor.execute(
            _REDEEMED if stores is None else _REDEEMED_AT_STORES,
            {"merchant": merchant.pk, "first": first, "last": last, "stores": list(stores or ())},
        )
        return {
            day: Redeemed(int(uses), int(fen), int(undone), int(undone_fen))
            for day, uses, fen, undone, undone_fen in cursor.fetchall()
        }


def sum_redeemed(
    *, merchant: Merchant, stores: Stores, first: date | None = None, last: date | None = None
) -> Redeemed:
    """The same as one sum; None: from the first day there is, to the last. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(business_date), max(business_date) FROM coupons_redemption WHERE merchant_id = %s",
            [merchant.pk],
        )
        oldest, newest = cursor.fetchone()
    if oldest is None:
        return Redeemed()
    first, last = max(oldest, first or oldest), min(newest, last or newest)
    days = sum_redeemed_days(merchant=merchant, stores=stores, first=first, last=last)
    return sum(days.values(), start=Redeemed())


def sum_sold_days(*, merchant: Merchant, first: date, last: date) -> dict[date, int]:
    """What was paid on each day of the merchant's zone from first to last, whatever was refunded later."""
    with connection.cursor() as cursor:
        cursor.execute(_SOLD, {"merchant": merchant.pk, "first": first, "last": last, "zone": merchant.zone})
        return {day: int(fen) for day, fen in cursor.fetchall()}
