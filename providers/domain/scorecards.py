"""How each provider is doing, worked out for all by one statement: what a merchant may know before choosing.

Counted is what happened in the shops it served, while it served them, in the last 90 days; rehearsals' shops never are.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields

from django.db import connection

from providers.models import Provider

DAYS = 90
# Below so many a rate says nothing and is not shown.
LEAST_SOLD = 20
LEAST_ASKED = 5
LEAST_STATEMENTS = 3

# A use sold this week may yet be redeemed: it is not counted, nor is a coupon the merchant itself recalled.
SQL = """
WITH spans AS (
    SELECT e.provider_id, e.merchant_id, e.active_at AS since, COALESCE(e.ended_at, 'infinity') AS until
    FROM providers_engagement e JOIN merchants_merchant m ON m.party_id = e.merchant_id
    WHERE e.active_at IS NOT NULL AND m.shadow_of_id IS NULL AND e.provider_id = ANY(%(providers)s)
), clients AS (
    SELECT provider_id, count(DISTINCT merchant_id) FILTER (WHERE until = 'infinity') AS clients
    FROM spans GROUP BY provider_id
), trade AS (
    SELECT s.provider_id, count(*) AS coupons, sum(c.uses_total) AS sold,
        sum(c.uses_total - c.uses_left) AS redeemed,
        count(*) FILTER (WHERE EXISTS (SELECT FROM coupons_refund r WHERE r.coupon_id = c.id
            AND r.reason IN ('customer', 'after_use') AND r.state NOT IN ('requested', 'rejected'))) AS refunded
    FROM spans s JOIN coupons_coupon c ON c.merchant_id = s.merchant_id
        AND c.issued_at >= s.since AND c.issued_at < s.until
    WHERE c.issued_at >= now() - make_interval(days => %(days)s) AND c.issued_at < now() - interval '7 days'
        AND NOT EXISTS (SELECT FROM coupons_refund r WHERE r.coupon_id = c.id AND r.reason = 'recall')
    GROUP BY s.provider_id
), answers AS (
    SELECT s.provider_id, count(*) AS asked, count(*) FILTER (WHERE r.decided_by_id IS NOT NULL) AS answered,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM
            COALESCE(r.approved_at, r.rejected_at) - r.requested_at)::float8)
            FILTER (WHERE r.decided_by_id IS NOT NULL) AS median_seconds
    FROM spans s JOIN coupons_refund r ON r.merchant_id = s.merchant_id
        AND r.requested_at >= s.since AND r.requested_at < s.until
    WHERE r.review_due_at IS NOT NULL AND r.state <> 'requested'
        AND r.requested_at >= now() - make_interval(days => %(days)s)
    GROUP BY s.provider_id
), bills AS (
    SELECT s.provider_id, count(*) AS statements, count(*) FILTER (WHERE t.dispute_reason <> '') AS disputed
    FROM spans s JOIN settlement_statement t ON t.merchant_id = s.merchant_id
        AND t.sealed_at >= s.since AND t.sealed_at < s.until
    WHERE t.payee_id IN (s.merchant_id, s.provider_id) AND t.sealed_at >= now() - make_interval(days => %(days)s)
    GROUP BY s.provider_id
)
SELECT p.party_id, COALESCE(clients, 0), COALESCE(coupons, 0), COALESCE(sold, 0), COALESCE(redeemed, 0),
    COALESCE(refunded, 0), COALESCE(asked, 0), COALESCE(answered, 0), median_seconds, COALESCE(statements, 0),
    COALESCE(disputed, 0)
FROM providers_provider p
LEFT JOIN clients ON clients.provider_id = p.party_id LEFT JOIN trade ON trade.provider_id = p.party_id
LEFT JOIN answers ON answers.provider_id = p.party_id LEFT JOIN bills ON bills.provider_id = p.party_id
WHERE p.party_id = ANY(%(providers)s)
"""


@dataclass(frozen=True)
class Scorecard:
    """Counts of the last 90 days; the rates are basis points, None where too little happened to say."""

    provider_id: int
    clients: int
    coupons: int
    sold: int
    redeemed: int
    refunded: int
    asked: int
    answered: int
    median_seconds: float | None
    statements: int
    disputed: int

    @property
    def redemption_bps(self) -> int | None:
        """Of the uses sold, redeemed so far."""
        return _rate(self.redeemed, self.sold, LEAST_SOLD)

    @property
    def refund_bps(self) -> int | None:
        """Of the coupons sold, given back to a customer who asked."""
        return _rate(self.refunded, self.coupons, LEAST_SOLD)

    @property
    def response_bps(self) -> int | None:
        """Of the customers who asked for money after use, answered by a person before the clock did."""
        return _rate(self.answered, self.asked, LEAST_ASKED)

    @property
    def response_hours(self) -> float | None:
        """Half of those answers came sooner."""
        if self.median_seconds is None or self.asked < LEAST_ASKED:
            return None
        return round(self.median_seconds / 3_600, 1)

    @property
    def dispute_bps(self) -> int | None:
        """Of the statements sealed, disputed by whom they were for."""
        return _rate(self.disputed, self.statements, LEAST_STATEMENTS)


def get_scorecards(*, providers: Collection[Provider]) -> dict[int, Scorecard]:
    """Provider id -> how it is doing; one statement for all of them, the same rule for each."""
    with connection.cursor() as cursor:
        names = [field.name for field in fields(Scorecard)]  # in the order of the columns
        cursor.execute(SQL, {"providers": [provider.pk for provider in providers], "days": DAYS})
        return {row[0]: Scorecard(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()}


def _rate(part: int, whole: int, least: int) -> int | None:
    return part * 10_000 // whole if whole >= least else None
