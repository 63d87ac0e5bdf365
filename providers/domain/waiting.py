"""What waits for somebody, and what looks wrong, at all of a provider's clients: one statement however many they are.

Each count asks the engagement itself whether the reader's post may know: a scope not granted is a count not made, and an
engagement for some stores counts those only, or nothing where a count is of the whole shop. Counted up to MOST_COUNTED.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from identity.enums import Role, Scope
from providers.domain.granting import scopes_of_post
from providers.models import Engagement

MOST_COUNTED = 1_000
SOON = timedelta(days=7)


class Kind(TextChoices):
    OFFERS = "offers", pgettext_lazy("waiting", "Their offer to answer")
    REFUNDS = "refunds", pgettext_lazy("waiting", "Refunds to decide")
    STATEMENTS = "statements", pgettext_lazy("waiting", "Statements to confirm")
    REJECTED_DEALS = "rejected_deals", pgettext_lazy("waiting", "Rejected deals")
    CLAIMS = "claims", pgettext_lazy("waiting", "Creators' claims to answer")
    HANDED_IN = "handed_in", pgettext_lazy("waiting", "Creators' work to look at")
    NOTHING_ON_SALE = "nothing_on_sale", pgettext_lazy("waiting", "Nothing on sale")
    SOLD_OUT = "sold_out", pgettext_lazy("waiting", "Deals sold out")
    SALE_ENDS = "sale_ends", pgettext_lazy("waiting", "Deals leaving the shop within 7 days")
    EXPIRING = "expiring", pgettext_lazy("waiting", "Coupons expiring within 7 days")
    FAILED_REFUNDS = "failed_refunds", pgettext_lazy("waiting", "Refunds that failed")


TODOS = (Kind.OFFERS, Kind.REFUNDS, Kind.CLAIMS, Kind.HANDED_IN, Kind.STATEMENTS, Kind.REJECTED_DEALS)
ALERTS = (Kind.FAILED_REFUNDS, Kind.NOTHING_ON_SALE, Kind.SOLD_OUT, Kind.SALE_ENDS, Kind.EXPIRING)
# What somebody must hold at the client to know it; an offer concerns the provider itself.
NEEDS: dict[Kind, Scope | None] = {
    Kind.OFFERS: None,
    Kind.REFUNDS: Scope.REFUNDS,
    Kind.STATEMENTS: Scope.SETTLEMENT,
    Kind.REJECTED_DEALS: Scope.DEALS,
    Kind.CLAIMS: Scope.DEALS,
    Kind.HANDED_IN: Scope.DEALS,
    Kind.NOTHING_ON_SALE: Scope.DEALS,
    Kind.SOLD_OUT: Scope.DEALS,
    Kind.SALE_ENDS: Scope.DEALS,
    Kind.EXPIRING: Scope.REDEMPTIONS,
    Kind.FAILED_REFUNDS: Scope.REFUNDS,
}


@dataclass(frozen=True)
class Waiting:
    """So much of one kind at one client; `due_at` is when the first of them is decided without anybody."""

    engagement_id: int
    kind: Kind
    count: int
    due_at: datetime | None = None


_OF_STORES = "(e.store_ids IS NULL OR (SELECT u.store_id FROM coupons_redemption u WHERE u.id = r.redemption_id) = ANY(e.store_ids))"
_ONLINE = "d.merchant_id = e.merchant_id AND d.state = 'online'"
# Kind -> the rows counted, each with when it is due.
_ROWS: dict[Kind, str] = {
    Kind.OFFERS: """SELECT NULL::timestamptz AS due FROM providers_engagementoffer o
        WHERE o.engagement_id = e.id AND o.state = 'proposed' AND o.proposed_for_id <> e.provider_id""",
    Kind.REFUNDS: f"""SELECT r.review_due_at AS due FROM coupons_refund r
        WHERE r.merchant_id = e.merchant_id AND r.state = 'requested' AND {_OF_STORES}""",
    Kind.FAILED_REFUNDS: f"""SELECT NULL::timestamptz AS due FROM coupons_refund r
        WHERE r.merchant_id = e.merchant_id AND r.state = 'failed' AND {_OF_STORES}""",
    Kind.STATEMENTS: """SELECT NULL::timestamptz AS due FROM settlement_statement s
        WHERE s.merchant_id = e.merchant_id AND s.kind = 'merchant' AND s.state = 'sealed'""",
    Kind.REJECTED_DEALS: """SELECT NULL::timestamptz AS due FROM coupons_deal d
        WHERE d.merchant_id = e.merchant_id AND d.state = 'rejected'""",
    Kind.CLAIMS: """SELECT c.due_at AS due FROM creators_creatortask t JOIN creators_taskclaim c ON c.task_id = t.id
        WHERE t.merchant_id = e.merchant_id AND t.state IN ('open', 'full') AND c.state = 'claimed'""",
    Kind.HANDED_IN: """SELECT c.due_at AS due FROM creators_creatortask t JOIN creators_taskclaim c ON c.task_id = t.id
        WHERE t.merchant_id = e.merchant_id AND c.state = 'submitted'""",
    Kind.NOTHING_ON_SALE: f"""SELECT NULL::timestamptz AS due
        WHERE NOT EXISTS (SELECT 1 FROM coupons_deal d WHERE {_ONLINE})""",
    # As coupons_dealstock has it, without summing up every deal's slots.
    Kind.SOLD_OUT: f"""SELECT NULL::timestamptz AS due FROM coupons_deal d
        JOIN coupons_stockpool p ON p.deal_id = d.id AND p.kind = 'general' AND p.total IS NOT NULL
        WHERE {_ONLINE} AND NOT EXISTS (SELECT FROM coupons_stockslot s WHERE s.pool_id = p.id AND s.free > 0)""",
    Kind.SALE_ENDS: f"""SELECT d.sale_until AS due FROM coupons_deal d
        WHERE {_ONLINE} AND d.sale_until > %(at)s AND d.sale_until <= %(soon)s""",
    Kind.EXPIRING: """SELECT NULL::timestamptz AS due FROM coupons_coupon c WHERE c.merchant_id = e.merchant_id
        AND e.store_ids IS NULL AND c.state = 'issued' AND c.valid_until > %(at)s AND c.valid_until <= %(soon)s""",
}


def list_waiting(*, engagements: Sequence[Engagement], role: Role, at: datetime) -> list[Waiting]:
    """What waits at these clients that somebody of this post may know; kinds without any are left out. One statement."""
    if not engagements:
        return []
    values: dict[str, Any] = {"at": at, "soon": at + SOON}
    parts = []
    for kind in (*TODOS, *ALERTS):
        values[kind.value] = [one.pk for one in engagements if _may_know(kind, one, role)]
        if values[kind.value]:
            parts.append(
                f"""SELECT e.id, '{kind.value}', x.count, x.due FROM providers_engagement e CROSS JOIN LATERAL (
                    SELECT count(*) AS count, min(y.due) AS due FROM ({_ROWS[kind]} LIMIT {MOST_COUNTED}) y) x
                WHERE e.id = ANY(%({kind.value})s) AND x.count > 0"""
            )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return [
            Waiting(engagement_id=key, kind=Kind(kind), count=count, due_at=due)
            for key, kind, count, due in cursor.fetchall()
        ]


def _may_know(kind: Kind, engagement: Engagement, role: Role) -> bool:
    needed = NEEDS[kind]
    return needed is None or needed in scopes_of_post(role=role, scopes=engagement.scopes)
