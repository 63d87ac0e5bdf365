"""The log of what was shown to whom: the only thing a fairness report is made from."""

from django.db import connection

from providers.creators.domain.recommending import BoardPage

ZONE = "Asia/Shanghai"  # a day of the log

_LOG = """
INSERT INTO creators_impression
    (creator_id, task_id, date, place, slot, standing, merit_bps, rate_bps, is_newcomer, score, signals)
SELECT %(creator)s, task, (now() AT TIME ZONE %(zone)s)::date, place, slot, %(standing)s, %(merit)s, rate, newcomer, score,
    ARRAY[near, family, interest, conversion]
FROM unnest(%(tasks)s::bigint[], %(places)s::smallint[], %(slots)s::text[], %(rates)s::smallint[], %(newcomers)s::bool[],
    %(scores)s::float8[], %(near)s::float8[], %(family)s::float8[], %(interest)s::float8[], %(conversion)s::float8[])
    AS shown (task, place, slot, rate, newcomer, score, near, family, interest, conversion)
ON CONFLICT (creator_id, task_id, date) DO NOTHING
"""


def log_page(*, page: BoardPage) -> None:
    """Write down what this page shows, in one statement. A task counts once a day, at the place where it was seen first."""
    if not page.rows:
        return
    near, family, interest, conversion = zip(*(row.rating.signals for row in page.rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _LOG,
            {
                "creator": page.profile.creator.pk,
                "zone": ZONE,
                "standing": page.profile.standing,
                "merit": round(page.profile.merit * 10_000),
                "tasks": [row.task.pk for row in page.rows],
                "places": [row.place for row in page.rows],
                "slots": [row.slot or "" for row in page.rows],
                "rates": [round(row.rating.rate * 10_000) for row in page.rows],
                "newcomers": [row.is_newcomer for row in page.rows],
                "scores": [row.rating.score for row in page.rows],
                "near": list(near),
                "family": list(family),
                "interest": list(interest),
                "conversion": list(conversion),
            },
        )
