"""Settlement: what is due becomes lines and journals, set-based, exactly once per redemption.

Driven by job rows; a second worker, a repeated message or a crash changes nothing: rows are claimed under their own lock
(never "id > last seen": commit order is not id order), a line is unique per redemption, and lines, journal and marks commit
together. The rows' own amounts decide; no Python touches a line.

A job takes at most SLICE rows in one transaction. Where there are more, it writes jobs for the rest: LANES of them after a
merchant's first slice, so that workers share a large merchant, each going on where its own slice ended.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django_scopes import scope

from core.domain.jobs import enqueue_job, job_handler
from core.models import Job
from coupons.settlement.domain.booking import Book, book_moved_money, claim_moved_money, open_book
from coupons.settlement.domain.clawback import book_clawback, write_clawback_lines
from coupons.settlement.domain.parties import Sums, sum_parts
from coupons.settlement.domain.progress import advance_progress, read_progress
from coupons.settlement.models import SettlementBatch
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from merchants.models import Merchant

SLICE = 25_000  # rows in one transaction: about a second of work
LANES = 2


@job_handler("settle")
def settle_by_job(job: Job) -> None:
    merchant_id = job.payload["merchant_id"]
    after = job.payload.get("after")
    settled = settle_slice(merchant_id=merchant_id, limit=SLICE, after=after)
    if not settled.more:
        return
    for lane in range(LANES if after is None else 1):
        enqueue_job(
            kind="settle",
            key=f"{job.pk}:{lane}",
            payload={"merchant_id": merchant_id, "after": settled.last_id},
            merchant_id=merchant_id,
        )


@dataclass(frozen=True)
class SettledSlice:
    """One transaction's work: its batch (None where nothing was due), the last redemption it claimed, whether to go on."""

    batch: SettlementBatch | None
    last_id: int
    more: bool


def settle_merchant(*, merchant_id: int, at: datetime | None = None) -> SettlementBatch | None:
    """Book received payments and paid-out refunds, then settle every redemption that is due at `at` (default: now).

    Exactly one line per redemption, split by the shares frozen into its order, and one journal with the sums (fen). Returns
    the batch, or None where nothing was due. All in one transaction, however much it is: jobs take slices.
    """
    return settle_slice(merchant_id=merchant_id, at=at).batch


@transaction.atomic
def settle_slice(
    *, merchant_id: int, limit: int | None = None, after: int | None = None, at: datetime | None = None
) -> SettledSlice:
    """As settle_merchant, but at most `limit` rows of each kind, and of redemptions only those with an id > `after`."""
    merchant = Merchant.objects.get(pk=merchant_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(%s, now())", [at])
        moment = cursor.fetchone()[0]
        # A table that filled since it was last analysed must not be read whole; and no sort of a slice spills to disk.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL work_mem = '32MB'")
    with scope(merchant=merchant.pk):
        settled = _settle_slice(book=open_book(merchant=merchant), at=moment, limit=limit, after=after)
    with connection.cursor() as cursor:  # the caller's transaction may go on
        cursor.execute("SET LOCAL enable_seqscan = DEFAULT")
        cursor.execute("SET LOCAL work_mem = DEFAULT")
    return settled


def _settle_slice(*, book: Book, at: datetime, limit: int | None, after: int | None) -> SettledSlice:
    """In this order: rows are claimed, lines written, accounts opened, and last the balances locked by the journals."""
    merchant_id = book.merchant.pk
    money = claim_moved_money(book=book, limit=limit)
    if any(len(claim.ids) == limit for claim in money):
        # What is settled must have been booked as paid: first all of it.
        book_moved_money(book=book, claims=money, at=at)
        return SettledSlice(batch=None, last_id=after or 0, more=True)
    progress = read_progress(merchant_id=merchant_id)
    above = max(progress - 1, after or 0)
    batch, sums, claimed, last_id = _write_lines(book=book, at=at, limit=limit, above=above)
    clawback = write_clawback_lines(book=book, limit=limit)
    if batch or clawback:
        # The foreign keys are asked now, before the merchant's balances are locked: another worker waits for those.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    accounts = {
        (kind, owner): open_account(
            merchant_id=merchant_id, kind=AccountKind(kind), owner_id=owner, currency=book.merchant.currency
        )
        for kind, owner in sorted(
            {*sums, *(clawback.sums if clawback else ())}
        )  # by every batch in one order
    }
    book_moved_money(book=book, claims=money, at=at)
    if batch:
        _write_sums(book=book, at=at, batch=batch, sums={accounts[key]: fen for key, fen in sums.items()})
    if clawback:
        book_clawback(book=book, at=at, clawback=clawback, accounts=accounts)
    taken_back = len(clawback.refund_ids) if clawback else 0
    more = limit is not None and limit in (claimed, taken_back)
    if not more:
        advance_progress(merchant_id=merchant_id, progress=progress)
    return SettledSlice(batch=batch, last_id=max(last_id, above), more=more)


# NOT EXISTS as a subquery with OFFSET 0 is asked row by row along the index until there are enough rows; as a join it
# was planned over the whole history.
_SETTLE = """
WITH due AS MATERIALIZED (
    SELECT r.id, r.coupon_id, r.order_id, r.deal_id, r.store_id, r.business_date, r.gross_fen
    FROM coupons_redemption r
    WHERE r.merchant_id = %(merchant)s AND r.id > %(above)s AND r.reversed_at IS NULL AND r.due_at <= %(at)s
      AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id OFFSET 0)
    ORDER BY r.id LIMIT %(limit)s FOR NO KEY UPDATE OF r SKIP LOCKED),
terms AS (
    SELECT s.order_id,
        max(s.bps) FILTER (WHERE s.kind = 'platform_fee') AS platform_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'platform_fee') AS platform,
        max(s.bps) FILTER (WHERE s.kind = 'service_fee') AS service_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'service_fee') AS service,
        max(s.bps) FILTER (WHERE s.kind = 'station_share') AS station_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'station_share') AS station,
        max(s.bps) FILTER (WHERE s.kind = 'commission') AS commission_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'commission') AS creator
    FROM coupons_ordershare s WHERE s.order_id IN (SELECT order_id FROM due) GROUP BY s.order_id),
parts AS MATERIALIZED (
    SELECT d.*, p.*, COALESCE(t.platform_bps, 0) AS platform_bps, COALESCE(t.service_bps, 0) AS service_bps,
        COALESCE(t.station_bps, 0) AS station_bps, COALESCE(t.commission_bps, 0) AS commission_bps,
        t.platform, t.service, t.station, t.creator
    FROM due d LEFT JOIN terms t ON t.order_id = d.order_id
    CROSS JOIN LATERAL split_fen_columns(d.gross_fen, COALESCE(t.platform_bps, 0), COALESCE(t.service_bps, 0),
        COALESCE(t.station_bps, 0), COALESCE(t.commission_bps, 0)) p),
lines AS (
    INSERT INTO settlement_settlementline (merchant_id, batch_id, redemption_id, coupon_id, deal_id, store_id,
        business_date, gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps,
        platform_payee_id, service_payee_id, station_payee_id, commission_payee_id,
        platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen)
    SELECT %(merchant)s, %(batch)s, id, coupon_id, deal_id, store_id, business_date, gross_fen,
        platform_bps, service_bps, station_bps, commission_bps, platform, service, station, creator,
        a_fen, b_fen, c_fen, d_fen, gross_fen - a_fen - b_fen - c_fen - d_fen
    FROM parts
    ON CONFLICT (redemption_id) DO NOTHING
    RETURNING redemption_id)
SELECT (SELECT count(*) FROM due), (SELECT COALESCE(max(id), 0) FROM due), count(*), platform, service, station, creator,
    sum(gross_fen - a_fen - b_fen - c_fen - d_fen)::bigint,
    sum(a_fen)::bigint, sum(b_fen)::bigint, sum(c_fen)::bigint, sum(d_fen)::bigint
FROM lines LEFT JOIN parts ON parts.id = lines.redemption_id
GROUP BY platform, service, station, creator
UNION ALL SELECT count(*), COALESCE(max(id), 0), 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0 FROM due
"""


def _write_lines(
    *, book: Book, at: datetime, limit: int | None, above: int
) -> tuple[SettlementBatch | None, Sums, int, int]:
    """Lines for what is due: their batch (None where there are none), their sums, how many were claimed, the last id."""
    merchant = book.merchant
    with connection.cursor() as cursor:
        cursor.execute("SELECT mint_id()")
        batch = SettlementBatch.objects.create(
            id=cursor.fetchone()[0], merchant=merchant, lines=0, gross_fen=0
        )
        cursor.execute(
            _SETTLE,
            {"merchant": merchant.pk, "batch": batch.pk, "at": at, "limit": limit, "above": above},
        )
        rows = cursor.fetchall()
        claimed, last_id = rows[0][:2]
        batch.lines = sum(row[2] for row in rows)
        if not batch.lines:  # nothing, or all of it was settled by another worker meanwhile
            batch.delete()
            return None, {}, claimed, last_id
    sums = sum_parts(merchant_id=merchant.pk, rows=[row[3:] for row in rows])
    batch.gross_fen = sum(sums.values())
    batch.save(update_fields=["lines", "gross_fen"])
    return batch, sums, claimed, last_id


def _write_sums(*, book: Book, at: datetime, batch: SettlementBatch, sums: dict[int, int]) -> None:
    """The batch's journal: from what customers have paid to each account (by id) what is its own (fen)."""
    if not sums:
        return
    batch.journal = write_journal(
        merchant_id=book.merchant.pk,
        kind=JournalKind.SETTLEMENT,
        source=f"settlement:{batch.pk}",
        happened_at=at,
        postings=[
            Posting(debit_account_id=book.prepaid, credit_account_id=account, amount_fen=amount)
            for account, amount in sums.items()
        ],
        currency=book.merchant.currency,
    )
    batch.save(update_fields=["journal"])


def enqueue_unsettled() -> int:
    """A job for every merchant with something due that no ready job covers; the number written. The net under the net.

    Where the last job of a merchant died, the next one comes an hour later: an operator sees the dead one meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.party_id FROM merchants_merchant m
            LEFT JOIN settlement_settlementprogress p ON p.merchant_id = m.party_id
            WHERE (EXISTS (
                SELECT FROM coupons_redemption r
                WHERE r.merchant_id = m.party_id AND r.id >= COALESCE(p.settled_below, 0)
                  AND r.reversed_at IS NULL AND r.due_at <= now() - interval '2 minutes'
                  AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id OFFSET 0) OFFSET 0)
            OR EXISTS (SELECT FROM coupons_payment y WHERE y.merchant_id = m.party_id AND y.state = 'succeeded'
                  AND y.journal_id IS NULL AND y.amount_fen > 0 AND y.succeeded_at <= now() - interval '5 minutes')
            OR EXISTS (SELECT FROM coupons_refund f WHERE f.merchant_id = m.party_id AND f.state = 'paid_out'
                  AND f.journal_id IS NULL AND f.amount_fen > 0 AND f.paid_out_at <= now() - interval '5 minutes'))
            AND NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'settle' AND j.merchant_id = m.party_id
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
