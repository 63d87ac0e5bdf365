"""Days of several merchants at once, each in its own zone: the sums of days.py, in one statement however many they are.

Amounts are fen of each merchant's own currency. Whoever calls has asked whose figures he may read.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from django.db import connection

from coupons.insights.domain.days import Redeemed


@dataclass(frozen=True)
class MerchantDay:
    """One day of one merchant: paid for orders that day, and redeemed that day (what was undone left out)."""

    merchant_id: int
    date: date
    sold_fen: int
    redeemed: Redeemed


_DAYS = """
SELECT m.party_id, day.date,
    COALESCE(sold.fen, live_sold.fen, 0),
    COALESCE(used.uses, live_used.uses, 0), COALESCE(used.fen, live_used.fen, 0),
    COALESCE(used.undone, live_used.undone, 0), COALESCE(used.undone_fen, live_used.undone_fen, 0)
FROM merchants_merchant m
CROSS JOIN (SELECT generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day')::date) AS day (date)
LEFT JOIN insights_soldday sold ON sold.merchant_id = m.party_id AND sold.date = day.date
    AND sold.rolled_at IS NOT NULL AND sold.zone = m.zone
LEFT JOIN LATERAL (
    SELECT sum(o.paid_fen) AS fen FROM coupons_order o
    WHERE sold.date IS NULL AND o.merchant_id = m.party_id
      AND o.paid_at >= day.date::timestamp AT TIME ZONE m.zone
      AND o.paid_at < (day.date + 1)::timestamp AT TIME ZONE m.zone) live_sold ON true
LEFT JOIN insights_redeemedday used ON used.merchant_id = m.party_id AND used.date = day.date
    AND used.rolled_at IS NOT NULL
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE x.reversed_at IS NULL) AS uses,
        sum(x.gross_fen) FILTER (WHERE x.reversed_at IS NULL) AS fen,
        count(*) FILTER (WHERE x.reversed_at IS NOT NULL) AS undone,
        sum(x.gross_fen) FILTER (WHERE x.reversed_at IS NOT NULL) AS undone_fen
    FROM coupons_redemption x
    WHERE used.date IS NULL AND x.merchant_id = m.party_id AND x.business_date = day.date) live_used ON true
WHERE m.party_id = ANY(%(merchants)s)
ORDER BY day.date, m.party_id
"""


def sum_days_across(*, merchant_ids: Collection[int], first: date, last: date) -> Iterator[MerchantDay]:
    """Every day from first to last, both included, of each of these merchants; days without trade are zeros."""
    if not merchant_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"merchants": list(merchant_ids), "first": first, "last": last})
        for merchant_id, day, sold, uses, fen, undone, undone_fen in cursor.fetchall():
            yield MerchantDay(
                merchant_id=merchant_id,
                date=day,
                sold_fen=int(sold),
                redeemed=Redeemed(int(uses), int(fen), int(undone), int(undone_fen)),
            )
