"""The life cycle of a session: the one place that writes LiveSession.state, always by a conditional update."""

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope

from core.domain.jobs import job_handler
from core.errors import DomainError
from core.models import Job
from coupons.enums import DealState
from coupons.live.domain.plan import OVERDUE_AFTER, LiveNotInState, arrange_end
from coupons.live.domain.session_deals import give_back, mark_live
from coupons.live.enums import LIVE_SESSION_TRANSITIONS, LiveState
from coupons.live.models import LiveSession
from identity.domain.audit import record_event
from identity.models import User


class NothingToSell(DomainError):
    """The session has no deal that is on sale now."""

    code = "live_nothing_to_sell"


@transaction.atomic
def go_live(*, session: LiveSession, by: User | None, at: datetime | None = None) -> None:
    """The show begins: its cards lead to the deals. Raises LiveNotInState, NothingToSell, DealLiveElsewhere(titles)."""
    with scope(merchant=session.merchant_id):
        _move(session, source=LiveState.PLANNED, target=LiveState.LIVE, started_at=at or Now())
        rows = list(session.deals.select_related("deal"))
        if not any(row.deal.state == DealState.ONLINE for row in rows):
            raise NothingToSell
        mark_live(rows)
        stored = LiveSession.objects.get(pk=session.pk)
    if stored.started_at and stored.started_at > stored.planned_until:  # late: its end was looked at already
        arrange_end(session=stored, at=stored.started_at)
    _record("live_session.go_live", session, by)


@transaction.atomic
def end_session(*, session: LiveSession, by: User | None, at: datetime | None = None) -> int:
    """The show is over: pieces left return to everybody, and so do those given back later. How many returned now.

    Orders that wait for payment keep their pieces. Raises LiveNotInState.
    """
    with scope(merchant=session.merchant_id):
        _move(session, source=LiveState.LIVE, target=LiveState.ENDED, ended_at=at or Now())
        returned = give_back(session=session)
    _record("live_session.end", session, by, returned=returned)
    return returned


@transaction.atomic
def cancel_session(*, session: LiveSession, by: User | None, at: datetime | None = None) -> int:
    """A planned session does not take place; its pieces return. How many. Raises LiveNotInState."""
    with scope(merchant=session.merchant_id):
        _move(session, source=LiveState.PLANNED, target=LiveState.CANCELLED, ended_at=at or Now())
        returned = give_back(session=session)
    _record("live_session.cancel", session, by, returned=returned)
    return returned


@job_handler("end_live_session")
def end_overdue_session(job: Job) -> None:
    """Hours after its planned end a session that nobody ended is ended, one that never began is cancelled.

    A plan that was moved meanwhile has a job of its own, so this one does nothing then.
    """
    with scope(merchant=job.merchant_id):
        session = (
            LiveSession.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk=job.payload["session_id"])
            .first()
        )
        if session is None or session.state not in (LiveState.PLANNED, LiveState.LIVE):
            return
        if (
            timezone.now()
            < max(session.planned_until, session.started_at or session.planned_until) + OVERDUE_AFTER
        ):
            return
        (end_session if session.state == LiveState.LIVE else cancel_session)(session=session, by=None)


def _move(session: LiveSession, *, source: LiveState, target: LiveState, **values: object) -> None:
    assert target in LIVE_SESSION_TRANSITIONS[source]  # noqa: S101 - the table is the law
    moved = LiveSession.objects.filter(pk=session.pk, state=source).update(
        state=target, updated_at=Now(), **values
    )
    if not moved:
        state = LiveSession.objects.filter(pk=session.pk).values_list("state", flat=True).first()
        raise LiveNotInState(state=state)


def _record(verb: str, session: LiveSession, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb,
        noun="live_session",
        noun_id=session.pk,
        by=by,
        merchant_id=session.merchant_id,
        title=session.title,
        **facts,
    )
