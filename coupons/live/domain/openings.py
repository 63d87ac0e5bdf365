"""How often cards are opened: counted in Redis, added to the minute's row every few seconds.

Cards are opened in crowds, so no opening writes to the database. Each opening is counted at most once; what Redis forgets
(a restart, a worker killed between taking the counts and writing them) is lost. Orders are never counted here.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone
from django_redis import get_redis_connection
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

KEY = "live:openings"
PAGE = 0  # instead of a deal's row: the session's own page


def note_opening(*, session_id: int, live_deal_id: int = PAGE, at: datetime | None = None) -> None:
    """Somebody opened a card. With Redis away it is not counted, and the card opens all the same."""
    minute = int((at or timezone.now()).timestamp()) // 60 * 60
    try:
        get_redis_connection("default").hincrby(KEY, f"{session_id}:{live_deal_id}:{minute}", 1)
    except RedisError as error:
        logger.warning("an opening of a card was not counted: %s", error)


def flush_openings() -> int:
    """Move the counts from Redis into their minutes; how many openings. Nothing where Redis is away."""
    try:
        with get_redis_connection("default").pipeline(transaction=True) as pipe:
            pipe.hgetall(KEY)
            pipe.delete(KEY)
            counts, _deleted = pipe.execute()
    except RedisError as error:
        logger.warning("openings of cards could not be read: %s", error)
        return 0
    return _add(counts) if counts else 0


def _add(counts: Mapping[bytes, bytes]) -> int:
    """In the order of the keys, so that two flushes at once never deadlock."""
    rows = sorted((*map(int, key.decode().split(":")), int(count)) for key, count in counts.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO live_liveopening AS o (merchant_id, session_id, live_deal_id, minute, count)
            SELECT s.merchant_id, s.id, d.id, n.minute, n.count
            FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::int[]) AS n(session_id, live_deal_id, minute, count)
            JOIN live_livesession s ON s.id = n.session_id
            LEFT JOIN live_livesessiondeal d ON d.id = n.live_deal_id AND d.session_id = s.id
            WHERE d.id IS NOT NULL OR n.live_deal_id = 0
            ON CONFLICT (session_id, live_deal_id, minute) DO UPDATE SET count = o.count + excluded.count
            """,
            [
                [session_id for session_id, *_ in rows],
                [live_deal_id for _, live_deal_id, *_ in rows],
                [datetime.fromtimestamp(minute, UTC) for _, _, minute, _ in rows],
                [count for *_, count in rows],
            ],
        )
    return sum(count for *_, count in rows)
