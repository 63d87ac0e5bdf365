"""The mark below which nothing of a merchant waits for settlement: history costs a run nothing."""

from django.db import connection

# A transaction that runs may still commit a redemption whose id it minted after it began. Ids carry their moment, so
# nothing can appear below the begin of the oldest one. The ten minutes are for those whose begin this role may not see.
_HORIZON = """
((extract(epoch FROM LEAST(clock_timestamp() - interval '10 minutes',
    (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()),
    (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()))) * 1000)::bigint
    - 1704067200000) << 22
"""


def read_progress(*, merchant_id: int) -> int:
    """Redemptions with a smaller id are settled or reversed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT settled_below FROM settlement_settlementprogress WHERE merchant_id = %s", [merchant_id]
        )
        row = cursor.fetchone()
    return row[0] if row else 0


def advance_progress(*, merchant_id: int, progress: int) -> None:
    """Move the mark read before up to the first redemption that waits (due or not) or could still appear."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT GREATEST(0, {_HORIZON})"
        )  # before the look: what begins later mints larger ids
        horizon = cursor.fetchone()[0]
        cursor.execute(
            """
            SELECT id FROM coupons_redemption r
            WHERE merchant_id = %s AND id >= %s AND reversed_at IS NULL
              AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id OFFSET 0)
            ORDER BY id LIMIT 1
            """,
            [merchant_id, progress],
        )
        row = cursor.fetchone()
        mark = min(row[0], horizon) if row else horizon
        if mark <= progress:
            return
        cursor.execute(
            """
            INSERT INTO settlement_settlementprogress AS p (merchant_id, settled_below) VALUES (%s, %s)
            ON CONFLICT (merchant_id) DO UPDATE SET settled_below = EXCLUDED.settled_below
            WHERE p.settled_below = %s
            """,
            [merchant_id, mark, progress],
        )


def take_back_progress() -> int:
    """Look at the whole history (nightly) and move marks back that passed something; how many: 0 unless a clock jumped."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE settlement_settlementprogress p SET settled_below = missed.id
            FROM (SELECT r.merchant_id, min(r.id) AS id FROM coupons_redemption r
                  WHERE r.reversed_at IS NULL
                    AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id)
                  GROUP BY r.merchant_id) missed
            WHERE missed.merchant_id = p.merchant_id AND missed.id < p.settled_below
            """
        )
        return cursor.rowcount
