"""Settlement: what is due becomes lines and journals, set-based, exactly once per redemption.

Driven by job rows; a second worker, a repeated message or a crash changes nothing: rows are claimed under their own lock
(never "id > last seen": commit order is not id order), a line is unique per redemption, and lines, journal and marks commit
together. The rows' own amounts decide; no Python touches a line.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django_scopes import scope

from core.domain.jobs import enqueue_job, job_handler
from core.models import Job
from coupons.settlement.models import SettlementBatch
from identity.domain.platform_party import get_platform_party
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from merchants.models import Merchant


@dataclass(frozen=True)
class _Book:
    """The accounts every booking of a merchant needs."""

    merchant: Merchant
    clearing: int
    prepaid: int


@job_handler("settle")
def settle_by_job(job: Job) -> None:
    settle_merchant(merchant_id=job.payload["merchant_id"])


@transaction.atomic
def settle_merchant(*, merchant_id: int, at: datetime | None = None) -> SettlementBatch | None:
    """Book received payments and paid-out refunds, then settle every redemption that is due at `at` (default: now).

    Exactly one line per redemption, split by the shares frozen into its order, and one journal with the sums (fen). Returns
    the batch, or None where nothing was due.
    """
    merchant = Merchant.objects.get(pk=merchant_id)
    platform = get_platform_party()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(%s, now())", [at])
        moment = cursor.fetchone()[0]
    book = _Book(
        merchant=merchant,
        clearing=open_account(
            merchant_id=merchant.pk,
            kind=AccountKind.PSP_CLEARING,
            owner_id=platform.pk,
            currency=merchant.currency,
        ),
        prepaid=open_account(
            merchant_id=merchant.pk,
            kind=AccountKind.CUSTOMER_PREPAID,
            owner_id=merchant.pk,
            currency=merchant.currency,
        ),
    )
    _book_moved_money(
        book=book, table="coupons_payment", state="succeeded", kind=JournalKind.PAYMENTS, at=moment,
        debit=book.clearing, credit=book.prepaid,
    )  # fmt: skip
    _book_moved_money(
        book=book, table="coupons_refund", state="paid_out", kind=JournalKind.REFUNDS, at=moment,
        debit=book.prepaid, credit=book.clearing,
    )  # fmt: skip
    with scope(merchant=merchant.pk):
        return _settle_due(book=book, at=moment)


def _book_moved_money(
    *, book: _Book, table: str, state: str, kind: JournalKind, at: datetime, debit: int, credit: int
) -> None:
    """One journal for all rows of a kind that were not booked yet; each row remembers its journal."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, amount_fen FROM {table} WHERE merchant_id = %s AND state = %s AND journal_id IS NULL"
            " AND amount_fen > 0 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [book.merchant.pk, state],
        )
        rows = cursor.fetchall()
        if not rows:
            return
        ids = [pk for pk, _ in rows]
        journal = write_journal(
            merchant_id=book.merchant.pk,
            kind=kind,
            source=f"{kind}:{ids[0]}",
            happened_at=at,
            postings=[Posting(debit, credit, sum(amount for _, amount in rows))],
            currency=book.merchant.currency,
        )
        cursor.execute(f"UPDATE {table} SET journal_id = %s WHERE id = ANY(%s)", [journal.pk, ids])


_TAKE_DUE = """
WITH due AS (
    SELECT r.id, r.coupon_id, r.order_id, r.deal_id, r.store_id, r.business_date, r.gross_fen
    FROM coupons_redemption r
    WHERE r.merchant_id = %(merchant)s AND r.reversed_at IS NULL AND r.due_at <= %(at)s
      AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id)
    FOR NO KEY UPDATE OF r SKIP LOCKED),
terms AS (
    SELECT s.order_id,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'platform_fee'), 0) AS platform_fee_bps,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'service_fee'), 0) AS service_fee_bps,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'station_share'), 0) AS station_share_bps,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'commission'), 0) AS commission_bps
    FROM coupons_ordershare s WHERE s.order_id IN (SELECT order_id FROM due) GROUP BY s.order_id),
parts AS (
    SELECT d.*, split_fen(d.gross_fen, ARRAY[COALESCE(t.platform_fee_bps, 0), COALESCE(t.service_fee_bps, 0),
        COALESCE(t.station_share_bps, 0), COALESCE(t.commission_bps, 0)]) AS part
    FROM due d LEFT JOIN terms t ON t.order_id = d.order_id)
INSERT INTO settlement_settlementline (merchant_id, batch_id, redemption_id, coupon_id, deal_id, store_id, business_date,
    gross_fen, platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen, state)
SELECT %(merchant)s, %(batch)s, id, coupon_id, deal_id, store_id, business_date,
    gross_fen, part[1], part[2], part[3], part[4], gross_fen - part[1] - part[2] - part[3] - part[4], 'due'
FROM parts
ON CONFLICT (redemption_id) DO NOTHING
"""

_SUMS = """
SELECT 'merchant_payable', %(merchant)s::bigint, COALESCE(sum(merchant_fen), 0)::bigint
    FROM settlement_settlementline WHERE batch_id = %(batch)s
UNION ALL
SELECT s.kind, s.payee_id, sum(CASE s.kind WHEN 'platform_fee' THEN l.platform_fee_fen WHEN 'service_fee' THEN l.service_fee_fen
        WHEN 'station_share' THEN l.station_share_fen ELSE l.commission_fen END)::bigint
    FROM settlement_settlementline l
    JOIN coupons_redemption r ON r.id = l.redemption_id
    JOIN coupons_ordershare s ON s.order_id = r.order_id
    WHERE l.batch_id = %(batch)s GROUP BY s.kind, s.payee_id
ORDER BY 1, 2  -- accounts are opened in one order by every batch
"""


def _settle_due(*, book: _Book, at: datetime) -> SettlementBatch | None:
    merchant = book.merchant
    with connection.cursor() as cursor:
        cursor.execute("SELECT mint_id()")
        batch_id = cursor.fetchone()[0]
        batch = SettlementBatch.objects.create(id=batch_id, merchant=merchant, lines=0, gross_fen=0)
        cursor.execute(_TAKE_DUE, {"merchant": merchant.pk, "batch": batch_id, "at": at})
        if cursor.rowcount == 0:
            batch.delete()
            return None
        batch.lines = cursor.rowcount
        cursor.execute(_SUMS, {"merchant": merchant.pk, "batch": batch_id})
        sums = [(kind, owner, amount) for kind, owner, amount in cursor.fetchall() if amount]
    batch.gross_fen = sum(amount for _, _, amount in sums)
    if sums:
        batch.journal = write_journal(
            merchant_id=merchant.pk,
            kind=JournalKind.SETTLEMENT,
            source=f"settlement:{batch_id}",
            happened_at=at,
            postings=[
                Posting(
                    debit_account_id=book.prepaid,
                    credit_account_id=open_account(
                        merchant_id=merchant.pk,
                        kind=AccountKind(kind),
                        owner_id=owner,
                        currency=merchant.currency,
                    ),
                    amount_fen=amount,
                )
                for kind, owner, amount in sums
            ],
            currency=merchant.currency,
        )
    batch.save(update_fields=["lines", "gross_fen", "journal"])
    return batch


def enqueue_unsettled() -> int:
    """A job for every merchant with something due that no ready job covers; the number written. The net under the net.

    Where the last job of a merchant died, the next one comes an hour later: an operator sees the dead one meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT merchant_id FROM (
                SELECT r.merchant_id FROM coupons_redemption r
                WHERE r.reversed_at IS NULL AND r.due_at <= now() - interval '2 minutes'
                  AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id)
                UNION ALL
                SELECT merchant_id FROM coupons_payment WHERE state = 'succeeded' AND journal_id IS NULL
                    AND amount_fen > 0 AND succeeded_at <= now() - interval '5 minutes'
                UNION ALL
                SELECT merchant_id FROM coupons_refund WHERE state = 'paid_out' AND journal_id IS NULL
                    AND amount_fen > 0 AND paid_out_at <= now() - interval '5 minutes') open
            WHERE NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'settle' AND j.merchant_id = open.merchant_id
                AND ((j.state = 'ready' AND j.due_at <= now())
                     OR (j.state = 'dead' AND j.created_at > now() - interval '1 hour')))
            """
        )
        merchant_ids = [merchant_id for (merchant_id,) in cursor.fetchall()]
        cursor.execute("SELECT to_char(now(), 'YYYYMMDDHH24MISS')")
        stamp = cursor.fetchone()[0]
    for merchant_id in merchant_ids:
        enqueue_job(
            kind="settle",
            key=f"{merchant_id}:sweep:{stamp}",
            payload={"merchant_id": merchant_id},
            merchant_id=merchant_id,
        )
    return len(merchant_ids)
