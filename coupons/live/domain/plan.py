"""Plan a live session: when, who, which deals and how many pieces of each.

Pieces are set aside when the session is planned, not when it begins: what was promised on the card is there, and nobody
else buys it meanwhile. They return when the deal is taken out, the session is cancelled or over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope

from core.domain.jobs import enqueue_job
from core.errors import DomainError, Invalid, NotFound
from coupons.live.domain.session_deals import Allotment, write_deals
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession
from identity.domain.audit import record_event
from identity.models import User
from merchants.models import Membership, Merchant

LONGEST = timedelta(hours=24)
OVERDUE_AFTER = timedelta(hours=3)  # a session nobody ended, or began, gives its pieces back then


class LiveChangedMeanwhile(DomainError):
    """Somebody saved the plan after it was opened; the facts say who and when."""

    code = "live_changed_meanwhile"


class LiveNotInState(DomainError):
    """The step is not open from the state the session is in now (`facts["state"]`)."""

    code = "live_not_in_state"


@dataclass(frozen=True)
class SessionPlan:
    """What an editor hands over. `host_id` is a colleague's user; the order of the deals is the order of the show."""

    title: str
    host_name: str
    planned_from: datetime
    planned_until: datetime
    host_id: int | None = None
    place: str = ""
    goal_fen: int | None = None
    deals: tuple[Allotment, ...] = ()


@transaction.atomic
def plan_session(*, merchant: Merchant, plan: SessionPlan, by: User | None) -> LiveSession:
    """A new session with its pieces set aside and its overdue end arranged; all or nothing.

    Raises Invalid(field), DealNotInShow, AllotmentTooLarge(deal_id, left).
    """
    values = _columns(merchant, plan)
    with scope(merchant=merchant.pk):
        session = LiveSession.objects.create(merchant=merchant, created_by=by, updated_by=by, **values)
        write_deals(session=session, wanted=plan.deals, by=by)
    arrange_end(session=session, at=plan.planned_until)
    _record("live_session.plan", session, by, plan)
    return session


@transaction.atomic
def change_plan(*, session: LiveSession, plan: SessionPlan, version: int, by: User | None) -> LiveSession:
    """Write a planned session anew; `version` must be the one the editor read.

    Raises what plan_session raises, LiveChangedMeanwhile(by, changed_at) and LiveNotInState; nothing is changed then.
    """
    values = _columns(session.merchant, plan)
    with scope(merchant=session.merchant_id):
        written = LiveSession.objects.filter(pk=session.pk, state=LiveState.PLANNED, version=version).update(
            **values, version=F("version") + 1, updated_at=Now(), updated_by=by
        )
        stored = LiveSession.objects.select_related("merchant", "updated_by").filter(pk=session.pk).first()
        if stored is None:
            raise NotFound
        if not written:
            if stored.state != LiveState.PLANNED:
                raise LiveNotInState(state=stored.state)
            raise LiveChangedMeanwhile(
                by=stored.updated_by.name if stored.updated_by else "",
                changed_at=stored.updated_at.isoformat(),
            )
        write_deals(session=stored, wanted=plan.deals, by=by)
    arrange_end(session=stored, at=plan.planned_until)
    _record("live_session.change", stored, by, plan)
    return stored


def arrange_end(*, session: LiveSession, at: datetime) -> None:
    """See to it that the session is looked at some hours after this moment; call inside its transaction."""
    due_at = at + OVERDUE_AFTER
    enqueue_job(
        kind="end_live_session",
        key=f"{session.pk}:{due_at.isoformat()}",
        payload={"session_id": session.pk},
        merchant_id=session.merchant_id,
        due_at=due_at,
    )


def _columns(merchant: Merchant, plan: SessionPlan) -> dict[str, Any]:
    title, host_name = plan.title.strip(), plan.host_name.strip()
    if not title or len(title) > 60:
        raise Invalid(field="title", why="length")
    if plan.planned_until <= plan.planned_from:
        raise Invalid(field="planned_until", why="before_begin")
    if plan.planned_until - plan.planned_from > LONGEST:
        raise Invalid(field="planned_until", why="too_long")
    if plan.goal_fen is not None and plan.goal_fen <= 0:
        raise Invalid(field="goal_fen", why="not_positive")
    if plan.host_id is not None:
        with scope(merchant=merchant.pk):
            works_here = Membership.objects.filter(user_id=plan.host_id, is_active=True).select_related(
                "user"
            )
            member = works_here.first()
        if member is None:
            raise Invalid(field="host", why="works_elsewhere")
        host_name = host_name or member.user.name
    if not host_name or len(host_name) > 40:
        raise Invalid(field="host_name", why="length")
    return {
        "title": title,
        "host_name": host_name,
        "host_id": plan.host_id,
        "place": plan.place.strip()[:80],
        "planned_from": plan.planned_from,
        "planned_until": plan.planned_until,
        "goal_fen": plan.goal_fen,
    }


def _record(verb: str, session: LiveSession, by: User | None, plan: SessionPlan) -> None:
    record_event(
        verb=verb,
        noun="live_session",
        noun_id=session.pk,
        by=by,
        merchant_id=session.merchant_id,
        title=plan.title.strip(),
        planned_from=plan.planned_from.isoformat(),
        planned_until=plan.planned_until.isoformat(),
        pieces={str(wanted.deal_id): wanted.pieces for wanted in plan.deals},
    )
