"""The monthly fairness report: who was shown what, set against what they are good at. From the log of impressions.

Exposure of a row is 1 / log2(1 + place): the first place counts 1, the tenth 0.29. Everything but what the kept places earned is
told by the log alone, so the same month gives the same figures whenever it is asked; `log_fingerprint` says which log it was. What
they earned comes from claims made within CREDIT_DAYS of the impression, and grows while their coupons are redeemed.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection

from providers.creators.domain.figures import count_claims
from providers.creators.enums import ClaimState, Slot, Standing
from providers.creators.models import TaskClaim

CREDIT_DAYS = 7


@dataclass(frozen=True)
class Group:
    """How one group fared; shares are of all. `to_merit`: its share of exposure over its share of merit, None without any."""

    members: int
    impressions: int
    exposure: float
    exposure_share: float
    merit_share: float
    to_merit: float | None


@dataclass(frozen=True)
class SlotEarnings:
    """What came of the rows that stood in places kept for one purpose; amounts are fen."""

    impressions: int
    claims: int
    accepted: int
    uses: int
    redeemed_fen: int
    earned_fen: int


@dataclass(frozen=True)
class FairnessReport:
    """`creators` by standing on the day they were shown something, `merchants` new here or not; gini 0: all alike, 1: one has all."""

    month: str
    impressions: int
    log_fingerprint: str
    creators: Mapping[str, Group]
    gini_creators: float
    merchants: Mapping[str, Group]
    gini_merchants: float
    slots: Mapping[str, SlotEarnings] = field(default_factory=dict)


_MONTH = "date >= %(first)s AND date < %(after)s"
_EXPOSURE = "ln(2::float8) / ln(1::float8 + place)"
_BY_CREATOR = f"""
SELECT standing, creator_id, count(*), sum({_EXPOSURE}), avg(merit_bps)::float8
FROM creators_impression WHERE {_MONTH} GROUP BY 1, 2 ORDER BY 1, 2
"""
_BY_MERCHANT = f"""
SELECT CASE WHEN is_newcomer THEN 'newcomer' ELSE 'established' END, t.merchant_id, count(*), sum({_EXPOSURE}),
    avg(rate_bps)::float8
FROM creators_impression i JOIN creators_creatortask t ON t.id = i.task_id WHERE {_MONTH} GROUP BY 1, 2 ORDER BY 1, 2
"""
# Of any order of the rows the same, and another as soon as one of them is.
_FINGERPRINT = f"""
SELECT count(*), COALESCE(sum(hashtextextended(concat_ws(',', id, creator_id, task_id, date, place, slot, standing, merit_bps,
    rate_bps, is_newcomer), 0)::numeric), 0)::text
FROM creators_impression WHERE {_MONTH}
"""
_KEPT = f"SELECT slot, count(*) FROM creators_impression WHERE slot <> '' AND {_MONTH} GROUP BY slot"
_CREDITED = f"""
SELECT DISTINCT i.slot, c.id FROM creators_impression i
JOIN creators_taskclaim c ON c.creator_id = i.creator_id AND c.task_id = i.task_id
    AND c.claimed_at >= i.shown_at AND c.claimed_at < i.shown_at + make_interval(days => %(credit)s)
WHERE i.slot <> '' AND {_MONTH}
"""


def report_fairness(*, month: date) -> FairnessReport:
    """The report of the month this day lies in (Asia/Shanghai)."""
    first = month.replace(day=1)
    values = {"first": first, "after": (first + timedelta(days=31)).replace(day=1), "credit": CREDIT_DAYS}
    count, fingerprint = _fetch(_FINGERPRINT, values)[0]
    creators, merchants = _fetch(_BY_CREATOR, values), _fetch(_BY_MERCHANT, values)
    return FairnessReport(
        month=f"{first:%Y-%m}",
        impressions=count,
        log_fingerprint=hashlib.sha256(fingerprint.encode()).hexdigest(),
        creators=_groups(creators, Standing.values),
        gini_creators=gini(_by_member(creators)),
        merchants=_groups(merchants, ["newcomer", "established"]),
        gini_merchants=gini(_by_member(merchants)),
        slots=_earnings(values),
    )


def _fetch(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def gini(values: Collection[float]) -> float:
    """0 where all have the same, towards 1 where one has all; 0 of nobody."""
    ordered = sorted(values)
    total = sum(ordered)
    if not total:
        return 0.0
    count = len(ordered)
    weighted = sum(place * value for place, value in enumerate(ordered, start=1))
    return 2 * weighted / (count * total) - (count + 1) / count


def _by_member(rows: Iterable[Sequence[Any]]) -> list[float]:
    """Each member's exposure, over the groups he was in."""
    sums: dict[int, float] = defaultdict(float)
    for _, member, _, exposure, _ in rows:
        sums[member] += exposure
    return list(sums.values())


def _groups(rows: Sequence[Sequence[Any]], names: Collection[str]) -> dict[str, Group]:
    """Rows are group, member, impressions, exposure, mean merit."""
    all_exposure = sum(exposure for _, _, _, exposure, _ in rows)
    all_merit = sum(merit for *_, merit in rows)
    found = {}
    for name in names:
        own = [row for row in rows if row[0] == name]
        exposure = sum(row[3] for row in own)
        share = exposure / all_exposure if all_exposure else 0.0
        merit_share = sum(row[4] for row in own) / all_merit if all_merit else 0.0
        found[name] = Group(
            members=len(own),
            impressions=sum(row[2] for row in own),
            exposure=exposure,
            exposure_share=share,
            merit_share=merit_share,
            to_merit=share / merit_share if merit_share else None,
        )
    return found


def _earnings(values: dict[str, Any]) -> dict[str, SlotEarnings]:
    impressions = dict(_fetch(_KEPT, values))
    credited = _fetch(_CREDITED, values)
    claims = TaskClaim.objects.in_bulk([claim_id for _, claim_id in credited])
    brought = count_claims(claims=claims.values())
    found = {}
    for slot in Slot.values:
        own = [claim_id for kept_for, claim_id in credited if kept_for == slot]
        found[slot] = SlotEarnings(
            impressions=impressions.get(slot, 0),
            claims=len(own),
            accepted=sum(1 for claim_id in own if claims[claim_id].state == ClaimState.ACCEPTED),
            uses=sum(brought[claim_id].uses for claim_id in own),
            redeemed_fen=sum(brought[claim_id].redeemed_fen for claim_id in own),
            earned_fen=sum(brought[claim_id].earned_fen for claim_id in own),
        )
    return found
