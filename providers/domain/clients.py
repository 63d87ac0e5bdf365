"""A provider's clients at a glance: what waits there, what looks wrong, what they sold."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from coupons.insights.domain.across import sum_days_across
from identity.enums import Role, Scope
from providers.domain.granting import scopes_of_post
from providers.domain.waiting import ALERTS, TODOS, Waiting, list_waiting
from providers.models import Engagement

WEEK = 7


@dataclass
class Client:
    """One client as somebody of one post at the provider may see it.

    Sales are None where he may not know them, and of the last seven days (today so far included) with the seven before.
    """

    engagement: Engagement
    scopes: frozenset[Scope]
    todos: list[Waiting] = field(default_factory=list)
    alerts: list[Waiting] = field(default_factory=list)
    sold_fen: int | None = None
    sold_before_fen: int | None = None
    redeemed_fen: int | None = None

    @property
    def change_bps(self) -> int | None:
        """Sold against the seven days before, in basis points; None where there is nothing to compare with."""
        if not self.sold_before_fen or self.sold_fen is None:
            return None
        return (self.sold_fen - self.sold_before_fen) * 10_000 // self.sold_before_fen

    @property
    def first_due_at(self) -> datetime | None:
        return min((one.due_at for one in self.todos if one.due_at), default=None)


def knows_sales(*, engagement: Engagement, role: Role) -> bool:
    """Whether somebody of this post may see the whole shop's sales: who serves some stores may not."""
    return engagement.store_ids is None and Scope.REDEMPTIONS in scopes_of_post(
        role=role, scopes=engagement.scopes
    )


def look_after(*, engagements: Sequence[Engagement], role: Role, at: datetime) -> list[Client]:
    """The clients in the order given, with all that waits; two statements however many they are."""
    clients = {
        one.pk: Client(engagement=one, scopes=scopes_of_post(role=role, scopes=one.scopes))
        for one in engagements
    }
    for waiting in list_waiting(engagements=engagements, role=role, at=at):
        client = clients[waiting.engagement_id]
        (client.todos if waiting.kind in TODOS else client.alerts).append(waiting)
    for client in clients.values():
        client.todos.sort(key=lambda one: TODOS.index(one.kind))
        client.alerts.sort(key=lambda one: ALERTS.index(one.kind))
    _add_sales(
        [client for client in clients.values() if knows_sales(engagement=client.engagement, role=role)], at
    )
    return list(clients.values())


def _add_sales(clients: Collection[Client], at: datetime) -> None:
    if not clients:
        return
    today = timezone.localtime(at).date()
    last_week = today - timedelta(days=WEEK - 1)
    sold: dict[int, int] = defaultdict(int)
    before: dict[int, int] = defaultdict(int)
    redeemed: dict[int, int] = defaultdict(int)
    for day in sum_days_across(
        merchant_ids=[client.engagement.merchant_id for client in clients],
        first=last_week - timedelta(days=WEEK),
        last=today,
    ):
        if day.date >= last_week:
            sold[day.merchant_id] += day.sold_fen
            redeemed[day.merchant_id] += day.redeemed.fen
        else:
            before[day.merchant_id] += day.sold_fen
    for client in clients:
        key = client.engagement.merchant_id
        client.sold_fen, client.sold_before_fen = sold[key], before[key]
        client.redeemed_fen = redeemed[key]
