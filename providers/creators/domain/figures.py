"""What came by the links of claims, from order to commission: counted from the rows, never kept.

Written by hand: sums of orders, of their uses and of the lines of these would multiply each other in one plain query.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from coupons.enums import Entrance
from providers.creators.domain.links import rule_of
from providers.creators.models import TaskClaim


@dataclass(frozen=True)
class Brought:
    """Sums over paid orders; amounts are fen.

    `commission_fen` is what settled uses brought less what refunds after use took back; of that `stated_fen` stands in a
    statement. `expected_fen` is what uses not settled yet will bring, to the fen below.
    """

    orders: int = 0
    pieces: int = 0
    sold_fen: int = 0
    refunded_fen: int = 0
    uses: int = 0
    redeemed_fen: int = 0
    expected_fen: int = 0
    commission_fen: int = 0
    stated_fen: int = 0

    @property
    def earned_fen(self) -> int:
        """Settled and to be settled."""
        return self.commission_fen + self.expected_fen


@dataclass(frozen=True)
class BroughtOrder:
    """One paid order, without a word about its customer; `bps` is the commission frozen into it."""

    order_id: int
    placed_at: datetime
    entrance: Entrance
    bps: int
    sums: Brought


SQL = """
WITH link AS (
    SELECT id, rule FROM coupons_placement WHERE payee_id = ANY(%(payees)s) AND rule = ANY(%(rules)s)),
brought AS (
    SELECT o.id, l.rule, o.placed_at, o.entrance, o.quantity, o.paid_fen, o.refunded_fen, COALESCE(s.bps, 0) AS bps
    FROM link l JOIN coupons_order o ON o.placement_id = l.id
    LEFT JOIN coupons_ordershare s ON s.order_id = o.id AND s.kind = 'commission'
    WHERE o.paid_at IS NOT NULL {newest}),
sold AS (
    SELECT {key} AS key, count(*) AS orders, sum(b.quantity) AS pieces, sum(b.paid_fen) AS sold_fen,
        sum(b.refunded_fen) AS refunded_fen
    FROM brought b GROUP BY 1),
used AS (
    SELECT {key} AS key, count(*) AS uses, sum(r.gross_fen) AS redeemed_fen,
        sum(r.gross_fen * b.bps / 10000) FILTER (WHERE t.id IS NULL) AS expected_fen
    FROM brought b JOIN coupons_redemption r ON r.order_id = b.id AND r.reversed_at IS NULL
    LEFT JOIN settlement_settlementline t ON t.redemption_id = r.id GROUP BY 1),
settled AS (
    SELECT {key} AS key, sum(t.commission_fen) AS commission_fen,
        sum(t.commission_fen) FILTER (WHERE t.commission_statement_id IS NOT NULL) AS stated_fen
    FROM brought b JOIN coupons_coupon c ON c.order_id = b.id
    JOIN settlement_settlementline t ON t.coupon_id = c.id GROUP BY 1)
SELECT key, {more} orders, pieces, sold_fen, sold.refunded_fen, COALESCE(uses, 0), COALESCE(redeemed_fen, 0),
    COALESCE(expected_fen, 0), COALESCE(commission_fen, 0), COALESCE(stated_fen, 0)
FROM sold LEFT JOIN used USING (key) LEFT JOIN settled USING (key) {join}
"""
BY_CLAIM = SQL.format(key="b.rule", newest="", more="", join="")
BY_ORDER = SQL.format(
    key="b.id",
    newest="ORDER BY o.placed_at DESC LIMIT %(most)s",
    more="brought.placed_at, brought.entrance, brought.bps,",
    join="JOIN brought ON brought.id = key ORDER BY brought.placed_at DESC, key DESC",
)


def count_claims(*, claims: Collection[TaskClaim]) -> dict[int, Brought]:
    """The sums of each of these claims by its id, in one statement however many they are."""
    keys = {rule_of(claim_id=claim.pk): claim.pk for claim in claims}
    found = {claim.pk: Brought() for claim in claims}
    for rule, *sums in _fetch(BY_CLAIM, claims):
        found[keys[rule]] = Brought(*map(int, sums))
    return found


def count_claim(*, claim: TaskClaim) -> Brought:
    """The sums of one claim."""
    return count_claims(claims=[claim])[claim.pk]


def newest_orders(*, claim: TaskClaim, most: int = 50) -> list[BroughtOrder]:
    """The claim's newest paid orders with what became of each."""
    return [
        BroughtOrder(order_id, placed_at, Entrance(entrance), bps, Brought(*map(int, sums)))
        for order_id, placed_at, entrance, bps, *sums in _fetch(BY_ORDER, [claim], most=most)
    ]


def _fetch(sql: str, claims: Collection[TaskClaim], **more: int) -> list[tuple[Any, ...]]:
    if not claims:
        return []
    with connection.cursor() as cursor:
        rules = [rule_of(claim_id=claim.pk) for claim in claims]
        cursor.execute(sql, {"payees": list({claim.creator_id for claim in claims}), "rules": rules, **more})
        return cursor.fetchall()
