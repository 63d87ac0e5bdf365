"""The tasks that are looked at for one page of the board: by hand, since it has to be quick among a hundred thousand.

The index of places is walked outwards from the creator and left after enough rows (KNN); only those are looked at more
closely. Through the ORM PostgreSQL would have to sort all that lie within the radius.
"""

from dataclasses import dataclass
from math import cos, radians
from typing import Any

from django.db import connection

from coupons.enums import DealState
from providers.creators.domain.board import BoardFilter
from providers.creators.enums import ClaimState
from providers.creators.models import Creator
from providers.creators.recommendation.nearness import Point
from providers.creators.recommendation.rating import Offer

LOOKED_AT = (
    400  # by place and followers alone, before those that are for others, hidden or taken are left out
)
KM_OF_A_DEGREE = 111.32

_COLUMNS = (
    """t.id, t.deal_id, t.category, t.longitude, t.latitude, t.taken, t.quota, t.min_followers, t.opens_at"""
)
_OPEN = """t.state = 'open' AND t.opens_at <= now() AND t.closes_at > now() AND t.min_followers <= %(followers)s"""
_NARROW = """ AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
    AND (cardinality(%(categories)s::text[]) = 0 OR t.category = ANY(%(categories)s::text[]))"""
_AT = "point(t.longitude::double precision, t.latitude::double precision)"
# What his own list of wanted tasks adds: they are for him, however many others lie nearer.
_FOR_HIM = f"""
    SELECT {_COLUMNS} FROM creators_creatortask_targeted c JOIN creators_creatortask t ON t.id = c.creatortask_id
    WHERE c.creator_id = %(creator)s AND {_OPEN} {_NARROW}"""
_NEAR = f"""
    SELECT {_COLUMNS} FROM creators_creatortask t WHERE {_OPEN} {_NARROW}
      AND {_AT} <@ box(point(%(west)s, %(south)s), point(%(far_east)s, %(far_north)s))
    ORDER BY {_AT} <-> point(%(east)s, %(north)s) LIMIT %(looked_at)s"""
_IN_CITY = f"""
    SELECT {_COLUMNS} FROM creators_creatortask t WHERE {_OPEN} {_NARROW} AND t.city = %(city)s
    ORDER BY t.id DESC LIMIT %(looked_at)s"""
_CANDIDATES = """
WITH around AS MATERIALIZED ({around}), for_him AS MATERIALIZED ({for_him}),
found AS (SELECT * FROM around UNION SELECT * FROM for_him)
SELECT t.id, t.category, t.longitude, t.latitude, t.taken, t.quota, t.min_followers,
    extract(epoch FROM now() - t.opens_at) / 86400, COALESCE(r.redeemed, 0), COALESCE(r.decided, 0)
FROM found t JOIN coupons_deal d ON d.id = t.deal_id AND d.state = %(online)s
LEFT JOIN creators_dealrecord r ON r.deal_id = t.deal_id
WHERE NOT EXISTS (SELECT FROM creators_taskclaim c WHERE c.task_id = t.id AND c.creator_id = %(creator)s
                  AND c.state <> ALL(%(gone)s))
  AND NOT EXISTS (SELECT FROM creators_hiddentask h WHERE h.task_id = t.id AND h.creator_id = %(creator)s)
  AND (NOT EXISTS (SELECT FROM creators_creatortask_targeted c WHERE c.creatortask_id = t.id)
       OR EXISTS (SELECT FROM creators_creatortask_targeted c
                  WHERE c.creatortask_id = t.id AND c.creator_id = %(creator)s))
"""

# What lies near and is closed to him for a reason that can be said: too few followers, or somebody's exclusive right.
_CLOSED = """
WITH around AS MATERIALIZED ({around})
SELECT t.id FROM around t JOIN coupons_deal d ON d.id = t.deal_id AND d.state = %(online)s
WHERE (t.min_followers > %(has)s OR d.merchant_id IN (
        SELECT merchant_id FROM creators_exclusivity WHERE state = 'in_force' AND period @> now()))
  AND NOT EXISTS (SELECT FROM creators_taskclaim c WHERE c.task_id = t.id AND c.creator_id = %(creator)s)
  AND NOT EXISTS (SELECT FROM creators_hiddentask h WHERE h.task_id = t.id AND h.creator_id = %(creator)s)
  AND NOT EXISTS (SELECT FROM creators_creatortask_targeted c WHERE c.creatortask_id = t.id)
LIMIT %(most)s
"""
ALL_FOLLOWERS = 2_147_483_647


@dataclass(frozen=True)
class Candidate:
    """An open task he may take, with what the score and the reserved places ask about it."""

    task_id: int
    offer: Offer
    taken: int
    quota: int
    min_followers: int
    age_days: float


def find_candidates(*, creator: Creator, home: Point | None, narrow: BoardFilter) -> list[Candidate]:
    """LOOKED_AT of the nearest (without a place: his city's newest), all of them his to take; in no order.

    Exclusive rights are not asked about: whoever shows some of them asks about those.
    """
    sql = _CANDIDATES.format(around=_around(home), for_him=_FOR_HIM)
    return [_candidate(*row) for row in _fetch(sql, _values(creator, home, narrow))]


def find_closed(*, creator: Creator, home: Point | None, narrow: BoardFilter, most: int) -> list[int]:
    """Some of the nearest open tasks that may be closed to him, nearest first where he has a place; ids."""
    values = _values(creator, home, narrow) | {
        "followers": ALL_FOLLOWERS,
        "has": creator.followers,
        "most": most,
    }
    return [task_id for (task_id,) in _fetch(_CLOSED.format(around=_around(home)), values)]


def _around(home: Point | None) -> str:
    return _IN_CITY if home is None else _NEAR


def _values(creator: Creator, home: Point | None, narrow: BoardFilter) -> dict[str, Any]:
    values: dict[str, Any] = {
        "creator": creator.pk, "followers": creator.followers, "city": creator.city, "online": DealState.ONLINE,
        "gone": [ClaimState.QUIT.value, ClaimState.EXPIRED.value], "kind": narrow.kind,
        "categories": [str(one) for one in narrow.categories], "looked_at": LOOKED_AT,
    }  # fmt: skip
    if home is None:
        return values
    high = (narrow.radius_km or creator.radius_km) / KM_OF_A_DEGREE
    wide = high / max(0.05, cos(radians(home[1])))
    return values | {
        "east": home[0], "north": home[1], "west": home[0] - wide, "far_east": home[0] + wide,
        "south": home[1] - high, "far_north": home[1] + high,
    }  # fmt: skip


def _fetch(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def _candidate(
    task_id: int, category: str, east: object, north: object, taken: int, quota: int, min_followers: int,
    age_days: float, redeemed: int, decided: int,
) -> Candidate:  # fmt: skip
    point = None if east is None or north is None else (float(str(east)), float(str(north)))
    return Candidate(
        task_id=task_id,
        offer=Offer(category=category, point=point, redeemed=redeemed, decided=decided),
        taken=taken,
        quota=quota,
        min_followers=min_followers,
        age_days=float(age_days),
    )
