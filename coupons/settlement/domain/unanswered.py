"""A statement nobody answers within STATEMENT_ANSWER_DAYS counts as confirmed, and says that nobody did."""

from django.conf import settings
from django.db import connection

AT_ONCE = 5_000

_CONFIRM = """
WITH late AS (
    SELECT s.id FROM settlement_statement s
    WHERE s.state = 'sealed' AND s.sealed_at <= now() - make_interval(days => %(days)s)
    ORDER BY s.sealed_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED),
confirmed AS (
    UPDATE settlement_statement s SET state = 'confirmed', confirmed_at = now() FROM late
    WHERE s.id = late.id AND s.state = 'sealed' RETURNING s.id, s.merchant_id, s.number)
INSERT INTO identity_auditevent (merchant_id, actor_id, verb, noun, noun_id, facts)
SELECT merchant_id, NULL, 'statement.confirmed', 'statement', id,
    jsonb_build_object('number', number, 'unanswered_days', %(days)s) FROM confirmed
"""


def confirm_unanswered() -> int:
    """Confirm what was sealed STATEMENT_ANSWER_DAYS ago and not answered, by nobody; how many. At most AT_ONCE at a time."""
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRM, {"days": settings.STATEMENT_ANSWER_DAYS, "limit": AT_ONCE})
        return cursor.rowcount
