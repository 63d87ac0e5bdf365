"""Summing days that are over: what was redeemed by business date and store, what was sold by day. Written in sets.

A day is summed in two steps, each a commit of its own. First a fence: the next transaction number of the database, taken
when the day is over for longer than LIVE_SECONDS and the undo window. A transaction behind the fence that changes the day is
late, so the triggers (migration 0002) make it open the day again; the ones before the fence are waited for, and then
everything there is to see is seen. So a sum is exact whatever runs beside it, and live selling pays nothing for it.
"""

from dataclasses import dataclass

from django.db import connection, transaction

from core.domain.jobs import enqueue_job, job_handler
from core.models import Job

# What is younger is written without asking whether its day was summed; 15 minutes, as in migration 0002.
LIVE_SECONDS = 900
DAYS_AT_ONCE = 30
AGAIN_SECONDS = 5


@dataclass(frozen=True)
class _Kind:
    """One table of days and the statements that fill it; `rolled` means summed and still true."""

    table: str
    first: str
    stale: str
    fill: tuple[str, ...]


# The last day that is over for longer than LIVE_SECONDS and the undo window, in the merchant's zone.
_LAST = """(SELECT ((now() - make_interval(secs => m.reversal_window_seconds + %(live)s)) AT TIME ZONE m.zone)::date - 1
    FROM merchants_merchant m WHERE m.party_id = %(merchant)s)"""

_REDEEMED = _Kind(
    table="insights_redeemedday",
    first="SELECT min(business_date) FROM coupons_redemption WHERE merchant_id = %(merchant)s",
    stale="false",
    fill=(
        "DELETE FROM insights_redeemedstoreday WHERE merchant_id = %(merchant)s AND date = ANY(%(days)s)",
        """
        INSERT INTO insights_redeemedstoreday (merchant_id, date, store_id, uses, fen, undone, undone_fen)
        SELECT %(merchant)s, business_date, store_id,
            count(*) FILTER (WHERE reversed_at IS NULL),
            COALESCE(sum(gross_fen) FILTER (WHERE reversed_at IS NULL), 0),
            count(*) FILTER (WHERE reversed_at IS NOT NULL),
            COALESCE(sum(gross_fen) FILTER (WHERE reversed_at IS NOT NULL), 0)
        FROM coupons_redemption WHERE merchant_id = %(merchant)s AND business_date = ANY(%(days)s)
        GROUP BY business_date, store_id
        """,
        """
        UPDATE insights_redeemedday d SET rolled_at = now(), touched_by = NULL,
            uses = s.uses, fen = s.fen, undone = s.undone, undone_fen = s.undone_fen
        FROM (
            SELECT day.date, COALESCE(sum(uses), 0) AS uses, COALESCE(sum(fen), 0) AS fen,
                COALESCE(sum(undone), 0) AS undone, COALESCE(sum(undone_fen), 0) AS undone_fen
            FROM unnest(%(days)s::date[]) AS day (date)
            LEFT JOIN insights_redeemedstoreday s ON s.merchant_id = %(merchant)s AND s.date = day.date
            GROUP BY day.date) s
        WHERE d.merchant_id = %(merchant)s AND d.date = s.date
        """,
    ),
)

_SOLD = _Kind(
    table="insights_soldday",
    first="""
        SELECT (min(o.paid_at) AT TIME ZONE (SELECT zone FROM merchants_merchant WHERE party_id = %(merchant)s))::date
        FROM coupons_order o WHERE o.merchant_id = %(merchant)s AND o.paid_at IS NOT NULL
        """,
    stale="zone <> (SELECT zone FROM merchants_merchant WHERE party_id = %(merchant)s)",
    fill=(
        """
        UPDATE insights_soldday d SET rolled_at = now(), touched_by = NULL, zone = m.zone,
            (uses, fen) = (
                SELECT count(*), COALESCE(sum(o.paid_fen), 0) FROM coupons_order o
                WHERE o.merchant_id = d.merchant_id AND o.paid_at >= d.date::timestamp AT TIME ZONE m.zone
                  AND o.paid_at < (d.date + 1)::timestamp AT TIME ZONE m.zone)
        FROM merchants_merchant m
        WHERE d.merchant_id = %(merchant)s AND d.date = ANY(%(days)s) AND m.party_id = d.merchant_id
        """,
    ),
)

KINDS = (_REDEEMED, _SOLD)


@job_handler("roll_up")
def roll_up_by_job(job: Job) -> None:
    """Sum what may be summed, fence what is over, and come back in five seconds while something is left."""
    merchant_id = job.payload["merchant_id"]
    roll_up_days(merchant_id=merchant_id)
    if fence_days(merchant_id=merchant_id):
        enqueue_job(
            kind="roll_up",
            key=f"{merchant_id}:after:{job.pk}",
            payload={"merchant_id": merchant_id},
            merchant_id=merchant_id,
            due_in_seconds=AGAIN_SECONDS,
        )


@transaction.atomic
def fence_days(*, merchant_id: int) -> int:
    """Fence every day of the merchant that is over and not summed; how many now wait for roll_up_days. Commit before that."""
    values = {"merchant": merchant_id, "live": LIVE_SECONDS}
    waiting = 0
    with connection.cursor() as cursor:
        for kind in KINDS:
            cursor.execute(
                f"""
                INSERT INTO {kind.table} (merchant_id, date)
                SELECT %(merchant)s, day::date FROM generate_series(({kind.first})::timestamp, {_LAST}::timestamp,
                    interval '1 day') AS day
                WHERE NOT EXISTS (SELECT FROM {kind.table} d WHERE d.merchant_id = %(merchant)s AND d.date = day::date)
                ON CONFLICT (merchant_id, date) DO NOTHING
                """,
                values,
            )
            cursor.execute(
                f"""
                UPDATE {kind.table} SET rolled_at = NULL, fence = NULL
                WHERE merchant_id = %(merchant)s AND rolled_at IS NOT NULL AND {kind.stale}
                """,
                values,
            )
            cursor.execute(
                f"""
                UPDATE {kind.table} SET fence = pg_snapshot_xmax(pg_current_snapshot())::text::bigint
                WHERE id IN (SELECT id FROM {kind.table} WHERE merchant_id = %(merchant)s AND rolled_at IS NULL
                             AND fence IS NULL AND date <= {_LAST} FOR UPDATE SKIP LOCKED)
                """,
                values,
            )
            cursor.execute(
                f"SELECT count(*) FROM {kind.table} WHERE merchant_id = %(merchant)s AND rolled_at IS NULL"
                f" AND date <= {_LAST}",
                values,
            )
            waiting += cursor.fetchone()[0]
    return waiting


@transaction.atomic
def roll_up_days(*, merchant_id: int) -> int:
    """Sum up to 30 fenced days of each kind whose fence everybody has passed; the number summed. Safe to repeat."""
    values = {"merchant": merchant_id, "most": DAYS_AT_ONCE}
    summed = 0
    with connection.cursor() as cursor:
        for kind in KINDS:
            cursor.execute(
                f"""
                SELECT date FROM {kind.table} WHERE merchant_id = %(merchant)s AND rolled_at IS NULL
                  AND fence <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
                ORDER BY date LIMIT %(most)s FOR UPDATE SKIP LOCKED
                """,
                values,
            )
            days = [day for (day,) in cursor.fetchall()]
            if not days:
                continue
            for statement in kind.fill:  # each sees what had committed when it began: after the fence
                cursor.execute(statement, {"merchant": merchant_id, "days": days})
            summed += len(days)
    return summed


@transaction.atomic
def forget_days(*, merchant_id: int) -> None:
    """Trust no sum of this merchant any more: pages read the rows themselves until the days are summed again."""
    with connection.cursor() as cursor:
        for kind in KINDS:
            cursor.execute(
                f"UPDATE {kind.table} SET rolled_at = NULL, fence = NULL WHERE merchant_id = %s",
                [merchant_id],
            )


def enqueue_roll_ups() -> int:
    """A job for every merchant with a day that is over and not summed, unless one is ready; the number written."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ends AS (
                SELECT m.party_id AS id, m.zone,
                    ((now() - make_interval(secs => m.reversal_window_seconds + %(live)s)) AT TIME ZONE m.zone)::date - 1
                    AS last
                FROM merchants_merchant m)
            INSERT INTO core_job (kind, key, payload, merchant_id, due_at)
            SELECT 'roll_up', e.id || ':' || to_char(now(), 'YYYYMMDDHH24MISS'), jsonb_build_object('merchant_id', e.id), e.id, now()
            FROM ends e
            WHERE (EXISTS (SELECT FROM insights_redeemedday d WHERE d.merchant_id = e.id AND d.rolled_at IS NULL AND d.date <= e.last)
                OR EXISTS (SELECT FROM insights_soldday d WHERE d.merchant_id = e.id AND d.date <= e.last
                           AND (d.rolled_at IS NULL OR (d.date = e.last AND d.zone <> e.zone)))
                OR (EXISTS (SELECT FROM coupons_redemption r WHERE r.merchant_id = e.id AND r.business_date <= e.last)
                    AND NOT EXISTS (SELECT FROM insights_redeemedday d WHERE d.merchant_id = e.id AND d.date = e.last))
                OR (EXISTS (SELECT FROM coupons_order o WHERE o.merchant_id = e.id
                            AND o.paid_at < (e.last + 1)::timestamp AT TIME ZONE e.zone)
                    AND NOT EXISTS (SELECT FROM insights_soldday d WHERE d.merchant_id = e.id AND d.date = e.last)))
              AND NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'roll_up' AND j.merchant_id = e.id
                AND (j.state = 'ready' OR (j.state = 'dead' AND j.created_at > now() - interval '1 hour')))
            ON CONFLICT (kind, key) DO NOTHING
            """,
            {"live": LIVE_SECONDS},
        )
        return cursor.rowcount
