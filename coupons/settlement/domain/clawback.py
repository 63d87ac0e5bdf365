"""Refunds after use: what every party gives back of what it got, as negative lines that net into the next statements.

The parts are those of the refunded amount by the terms of the use's own line. No party gives back more than that line gave
it; the merchant takes the rest, as it does when an amount is split. So a use refunded whole leaves nothing to anybody.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from coupons.settlement.domain.booking import Book
from coupons.settlement.domain.parties import Sums, sum_parts
from coupons.settlement.models import SettlementBatch
from ledger.domain.journals import Posting, write_journal
from ledger.enums import JournalKind

# A refund whose use has no line yet waits for it. The day of a line is the local day on which the money went back.
_WRITE_LINES = """
WITH due AS MATERIALIZED (
    SELECT f.id, f.amount_fen, (f.paid_out_at AT TIME ZONE %(zone)s)::date AS day, u.coupon_id, u.deal_id, u.store_id,
        u.platform_fee_bps, u.service_fee_bps, u.station_share_bps, u.commission_bps,
        u.platform_payee_id, u.service_payee_id, u.station_payee_id, u.commission_payee_id,
        u.platform_fee_fen, u.service_fee_fen, u.station_share_fen, u.commission_fen
    FROM coupons_refund f JOIN settlement_settlementline u ON u.redemption_id = f.redemption_id
    WHERE f.merchant_id = %(merchant)s AND f.state = 'paid_out' AND f.journal_id IS NULL AND f.amount_fen > 0
    ORDER BY f.id LIMIT %(limit)s FOR NO KEY UPDATE OF f SKIP LOCKED),
parts AS (
    SELECT d.*, LEAST(p.a_fen, d.platform_fee_fen) AS a, LEAST(p.b_fen, d.service_fee_fen) AS b,
        LEAST(p.c_fen, d.station_share_fen) AS c, LEAST(p.d_fen, d.commission_fen) AS d
    FROM due d CROSS JOIN LATERAL split_fen_columns(d.amount_fen, d.platform_fee_bps, d.service_fee_bps,
        d.station_share_bps, d.commission_bps) p),
lines AS (
    INSERT INTO settlement_settlementline (merchant_id, batch_id, refund_id, coupon_id, deal_id, store_id, business_date,
        gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps,
        platform_payee_id, service_payee_id, station_payee_id, commission_payee_id,
        platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen)
    SELECT %(merchant)s, %(batch)s, id, coupon_id, deal_id, store_id, day, -amount_fen,
        platform_fee_bps, service_fee_bps, station_share_bps, commission_bps,
        platform_payee_id, service_payee_id, station_payee_id, commission_payee_id,
        -a, -b, -c, -d, a + b + c + d - amount_fen
    FROM parts)
SELECT array_agg(id ORDER BY id), platform_payee_id, service_payee_id, station_payee_id, commission_payee_id,
    sum(amount_fen - a - b - c - d)::bigint, sum(a)::bigint, sum(b)::bigint, sum(c)::bigint, sum(d)::bigint
FROM parts GROUP BY 2, 3, 4, 5
"""


@dataclass(frozen=True)
class Clawback:
    """What was written: its batch, the refunds it took, what each party gives back (fen)."""

    batch: SettlementBatch
    refund_ids: list[int]
    sums: Sums


def write_clawback_lines(*, book: Book, limit: int | None) -> Clawback | None:
    """A negative line for each refund after use that was paid out and has none, at most `limit`; None where there is none.

    Exactly once per refund: its row is locked and a line is unique per refund.
    """
    merchant = book.merchant
    with connection.cursor() as cursor:
        cursor.execute("SELECT mint_id()")
        batch = SettlementBatch(id=cursor.fetchone()[0], merchant=merchant)
        values = {"merchant": merchant.pk, "batch": batch.pk, "zone": merchant.zone, "limit": limit}
        cursor.execute(_WRITE_LINES, values)
        rows = cursor.fetchall()
    if not rows:
        return None
    refund_ids = sorted(pk for ids, *_ in rows for pk in ids)
    sums = sum_parts(merchant_id=merchant.pk, rows=[row[1:] for row in rows])
    batch.lines, batch.gross_fen = len(refund_ids), -sum(sums.values())
    batch.save(force_insert=True)
    return Clawback(batch=batch, refund_ids=refund_ids, sums=sums)


def book_clawback(
    *, book: Book, at: datetime, clawback: Clawback, accounts: dict[tuple[str, int], int]
) -> None:
    """The journal: from each party's account back to where customers' money comes from; every refund remembers it."""
    journal = write_journal(
        merchant_id=book.merchant.pk,
        kind=JournalKind.CLAWBACK,
        source=f"clawback:{clawback.batch.pk}",
        happened_at=at,
        postings=[
            Posting(debit_account_id=accounts[party], credit_account_id=book.clearing, amount_fen=fen)
            for party, fen in clawback.sums.items()
        ],
        currency=book.merchant.currency,
    )
    clawback.batch.journal = journal
    clawback.batch.save(update_fields=["journal"])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE coupons_refund SET journal_id = %s WHERE id = ANY(%s)", [journal.pk, clawback.refund_ids]
        )
