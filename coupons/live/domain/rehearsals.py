"""The life of a rehearsal, as rows: asked for, started by its process, watched, cancelled, finished or broken off."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.domain.jobs import enqueue_job
from core.errors import DomainError, Invalid
from coupons.live.enums import LiveState, RehearsalFailure, RehearsalPhase, RehearsalState
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.models.rehearsal import UNDER_WAY
from identity.domain.audit import record_event
from identity.models import User

MOST_PEAK = 5_000
MOST_SECONDS = 3_600
SILENT_SECONDS = 180  # a process that did not write for so long is gone
ROUNDS_WANTED = 2
FULL_SECONDS = 300  # a shorter round proves nothing
DAYS_AHEAD = 7


class RehearsalUnderWay(DomainError):
    """One rehearsal at a time on the whole installation: two would measure each other."""

    code = "rehearsal_under_way"


class SessionNotToRehearse(DomainError):
    """Live, ended or cancelled (`facts["state"]`), or without a deal: only what is planned is rehearsed."""

    code = "rehearsal_session_state"


class RehearsalOver(DomainError):
    """It has ended, and cannot be cancelled or written to any more."""

    code = "rehearsal_over"


def request_rehearsal(
    *,
    session: LiveSession,
    peak: int,
    seconds: int,
    has_overload: bool = False,
    by: User | None,
    by_job: bool = True,
) -> Rehearsal:
    """Ask for a rehearsal; a job starts its process, or (by_job off) the caller is that process.

    Raises Invalid(field="peak" | "seconds"), SessionNotToRehearse(state), RehearsalUnderWay: then nothing was changed.
    """
    if not 1 <= peak <= MOST_PEAK:
        raise Invalid(field="peak", why="range")
    if not 1 <= seconds <= MOST_SECONDS:
        raise Invalid(field="seconds", why="range")
    end_lost_rehearsals()
    with scope(merchant=session.merchant_id):
        try:
            with transaction.atomic():
                # The session's row is held, so that it does not go live between question and answer.
                stored = LiveSession.objects.select_for_update(of=("self",), no_key=True).get(pk=session.pk)
                if stored.state != LiveState.PLANNED or not stored.deals.exists():
                    raise SessionNotToRehearse(state=stored.state)
                rehearsal = Rehearsal.objects.create(
                    merchant_id=stored.merchant_id,
                    session=stored,
                    peak=peak,
                    seconds=seconds,
                    has_overload=has_overload,
                    asked_by=by,
                )
                if by_job:
                    enqueue_job(
                        kind="start_rehearsal",
                        key=str(rehearsal.pk),
                        payload={"rehearsal_id": rehearsal.pk},
                        merchant_id=stored.merchant_id,
                    )
                _record("rehearsal.ask", rehearsal, by, peak=peak, seconds=seconds)
        except IntegrityError as error:
            if "rehearsal_one_at_a_time" not in str(error):
                raise
            raise RehearsalUnderWay from error
    return rehearsal


def begin_rehearsal(*, rehearsal_id: int) -> Rehearsal | None:
    """The process takes its row; None where another one did, or it was cancelled meanwhile."""
    with scopes_disabled():
        taken = Rehearsal.objects.filter(pk=rehearsal_id, state=RehearsalState.REQUESTED).update(
            state=RehearsalState.RUNNING,
            phase=RehearsalPhase.PREPARING,
            started_at=Now(),
            heartbeat_at=Now(),
        )
        if not taken:
            return None
        return Rehearsal.objects.select_related("session", "merchant").get(pk=rehearsal_id)


def note_progress(*, rehearsal: Rehearsal, phase: RehearsalPhase, progress: dict[str, Any]) -> bool:
    """Write that the process lives and what it sees; False where somebody cancelled it or ended it."""
    with scope(merchant=rehearsal.merchant_id):
        running = Rehearsal.objects.filter(pk=rehearsal.pk, state=RehearsalState.RUNNING)
        running.update(heartbeat_at=Now(), phase=phase, progress=progress)
        return running.filter(cancel_asked_at__isnull=True).exists()


def went_live(*, rehearsal: Rehearsal) -> bool:
    """Whether the session itself began: then the rehearsal makes room."""
    with scope(merchant=rehearsal.merchant_id):
        return LiveSession.objects.filter(pk=rehearsal.session_id, state=LiveState.LIVE).exists()


def finish_rehearsal(*, rehearsal: Rehearsal, report: dict[str, Any]) -> None:
    """Write the report. Raises RehearsalOver where it was ended meanwhile."""
    _end(rehearsal=rehearsal, state=RehearsalState.FINISHED, report=report, go=bool(report["verdict"]["go"]))


def fail_rehearsal(*, rehearsal: Rehearsal, failure: RehearsalFailure, report: Any = None) -> None:
    """Say why it broke off, with what was seen until then. Raises RehearsalOver."""
    _end(rehearsal=rehearsal, state=RehearsalState.FAILED, failure=failure, report=report)


def end_cancelled(*, rehearsal: Rehearsal, report: Any = None) -> None:
    """The process has stopped because somebody asked it to. Raises RehearsalOver."""
    _end(rehearsal=rehearsal, state=RehearsalState.CANCELLED, report=report)


@transaction.atomic
def cancel_rehearsal(*, rehearsal: Rehearsal, by: User | None) -> None:
    """Ask the process to stop; one that has not started never will. Raises RehearsalOver."""
    with scope(merchant=rehearsal.merchant_id):
        asked = Rehearsal.objects.filter(pk=rehearsal.pk, state__in=UNDER_WAY)
        if not asked.update(cancel_asked_at=Now()):
            raise RehearsalOver
        asked.filter(state=RehearsalState.REQUESTED).update(state=RehearsalState.CANCELLED, finished_at=Now())
    _record("rehearsal.cancel", rehearsal, by)


@transaction.atomic
def end_lost_rehearsals() -> int:
    """Rehearsals whose process is gone are said to have failed, and a job shuts what they left open; how many."""
    long_ago = timezone.now() - timedelta(seconds=SILENT_SECONDS)
    with scopes_disabled():
        silent = list(
            Rehearsal.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(
                state=RehearsalState.RUNNING, heartbeat_at__lt=long_ago
            )
        )
        Rehearsal.objects.filter(pk__in=[lost.pk for lost in silent]).update(
            state=RehearsalState.FAILED, failure=RehearsalFailure.LOST, phase="", finished_at=Now()
        )
        unborn = Rehearsal.objects.filter(state=RehearsalState.REQUESTED, asked_at__lt=long_ago).update(
            state=RehearsalState.FAILED, failure=RehearsalFailure.NOT_STARTED, finished_at=Now()
        )
        left_open = list(
            Rehearsal.objects.filter(
                failure=RehearsalFailure.LOST, shadow__isnull=False, shut_at__isnull=True
            )
        )
    for lost in silent:
        _record("rehearsal.lost", lost, None)
    for lost in left_open:  # its key: one job for each, however often this is asked
        enqueue_job(
            kind="shut_rehearsal",
            key=str(lost.pk),
            payload={"rehearsal_id": lost.pk},
            merchant_id=lost.merchant_id,
        )
    return len(silent) + unborn


def rounds_in_time(*, session: LiveSession) -> list[Rehearsal]:
    """Finished rounds of full length, at least DAYS_AHEAD days before the session, the oldest first."""
    deadline = session.planned_from - timedelta(days=DAYS_AHEAD)
    with scope(merchant=session.merchant_id):
        return list(
            Rehearsal.objects.filter(
                finished_at__lte=deadline,
                session=session,
                state=RehearsalState.FINISHED,
                seconds__gte=FULL_SECONDS,
            ).order_by("finished_at")
        )


def _end(*, rehearsal: Rehearsal, state: RehearsalState, **values: Any) -> None:
    with scope(merchant=rehearsal.merchant_id):
        ended = Rehearsal.objects.filter(pk=rehearsal.pk, state=RehearsalState.RUNNING).update(
            state=state, phase="", finished_at=Now(), **values
        )
    if not ended:
        raise RehearsalOver
    _record(f"rehearsal.{state}", rehearsal, None)


def _record(verb: str, rehearsal: Rehearsal, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb,
        noun="rehearsal",
        noun_id=rehearsal.pk,
        by=by,
        merchant_id=rehearsal.merchant_id,
        session_id=str(rehearsal.session_id),
        **facts,
    )
