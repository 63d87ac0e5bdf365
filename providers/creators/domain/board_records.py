"""What the board goes by, counted from all that happened: shares redeemed, accepted work, what goes together."""

from collections import defaultdict

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from core.domain.jobs import enqueue_job, job_handler
from core.models import Job
from providers.creators.enums import ClaimState, TaskState
from providers.creators.models import BoardKnowledge, TaskClaim
from providers.creators.recommendation.rating import shrunk_rate
from providers.creators.recommendation.taste import Choices

USUAL_BPS = 8_000  # the share redeemed while nothing is known
DAYS = 180  # what is older says little about today

# Whose fate is known: 'issued' and 'refund_locked' are still open, 'voided' was nobody's choice.
_DEALS = """
INSERT INTO creators_dealrecord (deal_id, decided, redeemed, counted_at)
SELECT c.deal_id, count(*), count(*) FILTER (WHERE c.state = 'redeemed'), now()
FROM coupons_coupon c
WHERE c.deal_id IN (SELECT deal_id FROM creators_creatortask WHERE state IN (%(open)s, %(full)s))
  AND c.state IN ('redeemed', 'refunded', 'expired') AND c.issued_at > now() - make_interval(days => %(days)s)
GROUP BY c.deal_id
ON CONFLICT (deal_id) DO UPDATE SET decided = excluded.decided, redeemed = excluded.redeemed, counted_at = excluded.counted_at
"""
_CREATORS = """
INSERT INTO creators_creatorrecord (creator_id, accepted, decided, redeemed, counted_at)
SELECT w.creator_id, w.accepted, COALESCE(s.decided, 0), COALESCE(s.redeemed, 0), now()
FROM (SELECT creator_id, count(*) FILTER (WHERE state = %(accepted)s) AS accepted
      FROM creators_taskclaim GROUP BY creator_id) w
LEFT JOIN (
    SELECT p.payee_id, count(*) AS decided, count(*) FILTER (WHERE c.state = 'redeemed') AS redeemed
    FROM coupons_placement p JOIN coupons_order o ON o.placement_id = p.id JOIN coupons_coupon c ON c.order_id = o.id
    WHERE p.payee_id IN (SELECT party_id FROM creators_creator) AND c.state IN ('redeemed', 'refunded', 'expired')
    GROUP BY p.payee_id) s ON s.payee_id = w.creator_id
ON CONFLICT (creator_id) DO UPDATE SET accepted = excluded.accepted, decided = excluded.decided,
    redeemed = excluded.redeemed, counted_at = excluded.counted_at
"""
_USUAL = "SELECT COALESCE(sum(decided), 0), COALESCE(sum(redeemed), 0) FROM creators_dealrecord"


@transaction.atomic
def count_records() -> None:
    """Count everything anew; a page meanwhile sees all of the old figures, then all of the new ones."""
    values: dict[str, str | int] = {
        "open": TaskState.OPEN, "full": TaskState.FULL, "accepted": ClaimState.ACCEPTED, "days": DAYS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM creators_dealrecord")
        cursor.execute(_DEALS, values)
        cursor.execute(_CREATORS, values)
        cursor.execute(_USUAL)
        decided, redeemed = cursor.fetchone()
    usual = shrunk_rate(redeemed=redeemed, decided=decided, usual=USUAL_BPS / 10_000)
    BoardKnowledge.objects.update_or_create(
        id=1,
        defaults={
            "redeemed_bps": max(100, round(usual * 10_000)),
            "companions": _learn_companions(),
            "learned_at": Now(),
        },
    )


def enqueue_count() -> None:
    """A job that counts, at most one in ten minutes."""
    now = timezone.now()
    enqueue_job(kind="board_records", key=f"{now:%Y%m%d%H}{now.minute // 10}")


@job_handler("board_records")
def run_count(job: Job) -> None:
    """Count, with the job in one transaction."""
    count_records()


def know_board() -> BoardKnowledge:
    """What was counted last; before the first count the usual share alone."""
    return BoardKnowledge.objects.filter(id=1).first() or BoardKnowledge(id=1, redeemed_bps=USUAL_BPS)


def _learn_companions() -> dict[str, dict[str, float]]:
    """From each category, where walks over the creators who worked in it arrive; the category itself left out."""
    worked: dict[int, set[str]] = defaultdict(set)
    for creator_id, category in (
        TaskClaim.objects.exclude(state=ClaimState.DECLINED)
        .values_list("creator_id", "task__category")
        .distinct()
    ):
        worked[creator_id].add(category)
    choices = Choices(worked)
    categories = set().union(*worked.values()) if worked else set()
    return {category: choices.companions(category) for category in sorted(categories)}
