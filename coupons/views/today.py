"""What one device did at one store today: redemptions by attempt, what was undone, what was refused."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Sum
from django.utils import timezone

from core.clock import database_now
from core.refusals import describe_code
from coupons.access import access_redemptions, access_refusals
from coupons.models import Redemption
from coupons.views.counter import Counter

MOST_ROWS = 50


@dataclass
class TodayRow:
    """One attempt: `uses` redeemed together, or a refusal. `seconds_to_undo` is 0 when it can no longer be undone."""

    at: datetime
    title: str
    masked_code: str
    kind: str
    label: str
    uses: int = 1
    gross_fen: int = 0
    seconds_to_undo: int = 0
    redemption_ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Today:
    """`uses` and `gross_fen` are what stands; `rows` the last of it, newest first."""

    uses: int
    gross_fen: int
    rows: list[TodayRow]
    more: bool


def list_today(counter: Counter) -> Today:
    """The day of this device at this store, in the merchant's zone: four statements however long the day was."""
    now = database_now()
    day = now.astimezone(counter.access.merchant.tzinfo).date()
    redemptions = access_redemptions(access=counter.access).filter(
        store=counter.store, device=counter.device, business_date=day
    )
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    refusals = access_refusals(access=counter.access).filter(
        store=counter.store, device=counter.device, at__gte=midnight
    )
    sums = redemptions.filter(reversed_at__isnull=True).aggregate(
        uses=Count("pk"), gross_fen=Sum("gross_fen")
    )
    used = list(redemptions.select_related("deal", "coupon")[: MOST_ROWS + 1])
    rows = _by_attempt(used, now)
    refused = list(refusals.select_related("coupon__deal")[: MOST_ROWS + 1])
    for refusal in refused:
        rows.append(
            TodayRow(
                at=refusal.at,
                title=refusal.coupon.deal.title if refusal.coupon else "",
                masked_code=refusal.masked_code,
                kind="bad",
                label=describe_code(refusal.code, refusal.facts, zone=counter.access.merchant.tzinfo).title,
            )
        )
    rows.sort(key=lambda row: row.at, reverse=True)
    return Today(
        uses=sums["uses"],
        gross_fen=sums["gross_fen"] or 0,
        rows=rows[:MOST_ROWS],
        more=len(rows) > MOST_ROWS,
    )


def _by_attempt(redemptions: list[Redemption], now: datetime) -> list[TodayRow]:
    """Uses of one press are one row, except that undone ones and standing ones are told apart."""
    rows: dict[tuple[str, bool], TodayRow] = {}
    for redemption in redemptions:
        undone = redemption.reversed_at is not None
        row = rows.get((redemption.attempt_key, undone))
        if row is None:
            row = rows[(redemption.attempt_key, undone)] = TodayRow(
                at=redemption.redeemed_at,
                title=redemption.deal.title,
                masked_code=str(redemption.coupon),
                kind="idle" if undone else "ok",
                label="",
                uses=0,
            )
            if not undone:
                row.seconds_to_undo = max(0, int((redemption.due_at - now).total_seconds()))
        row.uses += 1
        row.gross_fen += redemption.gross_fen
        row.redemption_ids.append(redemption.pk)
    return list(rows.values())
