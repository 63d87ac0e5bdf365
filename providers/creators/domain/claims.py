"""Claims: a creator takes a place, the merchant answers, the work is handed in and accepted. His choice at every step.

Whoever has to act has a time for it: a request nobody answers and work nobody hands in give the place back, work nobody
looks at counts as accepted. Lock order: the task, the claim, its links.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.domain.jobs import enqueue_job, job_handler
from core.errors import DomainError, Invalid
from core.models import Job
from coupons.domain.entrances import can_have_links
from identity.domain.audit import record_event
from identity.models import User
from providers.creators.domain.eligibility import find_refusal
from providers.creators.domain.links import close_links, make_links
from providers.creators.domain.places import TaskNotOpen, give_places_back, lock_task, take_place
from providers.creators.enums import HOLDING, ClaimState, TaskState
from providers.creators.models import Creator, CreatorTask, TaskClaim

ANSWER_DAYS = 3  # the merchant's, to a request and to what was handed in
WORK_DAYS = 14  # the creator's, from the approval on
REWORK_DAYS = 7  # the creator's, after a return
REASON_LENGTH = 200


class AlreadyClaimed(DomainError):
    """He has a place in this task."""

    code = "already_claimed"


class ClaimNotInState(DomainError):
    """Somebody else, or time, was faster; `facts["state"]` says where it stands."""

    code = "claim_not_in_state"


@transaction.atomic
def claim_place(*, task: CreatorTask, creator: Creator) -> TaskClaim:
    """The creator takes a place and waits for the merchant's answer; at today's commission, whatever changes later.

    However many try at once, no more get a place than there are. Raises ClaimRefused (why this task is not for him),
    TaskNotOpen, TaskFull, AlreadyClaimed; then nothing was taken.
    """
    refused = find_refusal(task=task, creator=creator)
    if refused is not None:
        raise refused
    take_place(task_id=task.pk)
    task = CreatorTask.objects.select_related("deal").get(pk=task.pk)
    if not can_have_links(deal=task.deal):
        raise TaskNotOpen
    try:
        with transaction.atomic():
            claim = TaskClaim.objects.create(
                merchant_id=task.merchant_id,
                task=task,
                creator=creator,
                commission_bps=task.commission_bps,
                claimed_at=timezone.now(),
            )
    except IntegrityError as error:
        raise AlreadyClaimed from error
    _give_time(claim, days=ANSWER_DAYS)
    _record("claim.take", claim, creator.user)
    return claim


@transaction.atomic
def approve_claim(*, claim: TaskClaim, by: User) -> TaskClaim:
    """The merchant wants him: his links are made and count from now on. Raises ClaimNotInState, TaskNotOpen."""
    task, claim = _lock(claim, ClaimState.CLAIMED)
    if task.state == TaskState.ENDED:
        raise TaskNotOpen
    _step(claim, ClaimState.APPROVED, "approved_at")
    _give_time(claim, days=WORK_DAYS)
    make_links(claim=claim, by=by)
    _record("claim.approve", claim, by)
    return claim


@transaction.atomic
def decline_claim(*, claim: TaskClaim, reason: str, by: User) -> TaskClaim:
    """The merchant does not want him, and says why. Raises ClaimNotInState, Invalid(field="reason")."""
    reason = _words(reason)
    _, claim = _lock(claim, ClaimState.CLAIMED)
    return _give_up(claim, ClaimState.DECLINED, reason=reason, by=by, verb="claim.decline")


@transaction.atomic
def mark_visited(*, claim: TaskClaim, by: User) -> TaskClaim:
    """The creator was at the store; said by him or by the merchant. Raises ClaimNotInState."""
    _, claim = _lock(claim, ClaimState.APPROVED)
    _step(claim, ClaimState.VISITED, "visited_at")
    _record("claim.visit", claim, by)
    return claim


@transaction.atomic
def submit_work(*, claim: TaskClaim, proof_url: str, by: User) -> TaskClaim:
    """The creator hands in the address of what he made, the first time or after a return.

    Raises ClaimNotInState, Invalid(field="proof_url").
    """
    address = proof_url.strip()
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(address) > 400:
        raise Invalid(field="proof_url", why="no_address")
    _, claim = _lock(claim, ClaimState.APPROVED, ClaimState.VISITED, ClaimState.RETURNED)
    claim.proof_url, claim.reason = address, ""
    _step(claim, ClaimState.SUBMITTED, "submitted_at", "proof_url", "reason")
    _give_time(claim, days=ANSWER_DAYS, past_the_end=True)
    _record("claim.submit", claim, by)
    return claim


@transaction.atomic
def accept_work(*, claim: TaskClaim, by: User | None) -> TaskClaim:
    """What was asked for is there (by None: nobody looked in time). The links count until the task ends.

    Raises ClaimNotInState.
    """
    _, claim = _lock(claim, ClaimState.SUBMITTED)
    claim.due_at = None
    _step(claim, ClaimState.ACCEPTED, "answered_at", "due_at")
    _record("claim.accept", claim, by)
    return claim


@transaction.atomic
def return_work(*, claim: TaskClaim, reason: str, by: User) -> TaskClaim:
    """Something has to change first, and the merchant says what. Raises ClaimNotInState, Invalid(field="reason")."""
    reason = _words(reason)
    _, claim = _lock(claim, ClaimState.SUBMITTED)
    claim.reason = reason
    _step(claim, ClaimState.RETURNED, "answered_at", "reason")
    _give_time(claim, days=REWORK_DAYS, past_the_end=True)
    _record("claim.return", claim, by, reason=reason)
    return claim


@transaction.atomic
def release_claim(*, claim: TaskClaim, reason: str, by: User) -> TaskClaim:
    """The merchant takes the place back from who has handed nothing in, and says why; the links are closed.

    What was ordered by them stays his. Raises ClaimNotInState, Invalid(field="reason").
    """
    reason = _words(reason)
    _, claim = _lock(claim, ClaimState.APPROVED, ClaimState.VISITED, ClaimState.RETURNED)
    return _give_up(claim, ClaimState.RELEASED, reason=reason, by=by, verb="claim.release")


@transaction.atomic
def quit_claim(*, claim: TaskClaim, by: User, reason: str = "") -> TaskClaim:
    """The creator gives his place back, at any time before he handed in; the links are closed.

    What was ordered by them stays his. Raises ClaimNotInState.
    """
    _, claim = _lock(claim, ClaimState.CLAIMED, ClaimState.APPROVED, ClaimState.VISITED, ClaimState.RETURNED)
    reason = reason.strip()[:REASON_LENGTH]
    return _give_up(claim, ClaimState.QUIT, reason=reason, by=by, verb="claim.quit")


@job_handler("claim_due")
def end_waiting(job: Job) -> None:
    """Time is up for whoever had to act; where somebody did, or has more time since, nothing happens."""
    claim = TaskClaim.objects.filter(pk=job.payload["claim_id"]).first()
    if claim is not None:
        run_out(claim=claim, at=timezone.now())


@transaction.atomic
def run_out(*, claim: TaskClaim, at: datetime) -> TaskClaim:
    """What the passing of due_at does: work nobody looked at is accepted, anything else gives its place back."""
    lock_task(task_id=claim.task_id)
    claim = _locked(claim)
    if claim.due_at is None or claim.due_at > at:
        return claim
    if claim.state == ClaimState.SUBMITTED:
        return accept_work(claim=claim, by=None)
    return _give_up(claim, ClaimState.EXPIRED, reason="", by=None, verb="claim.expire")


def _lock(claim: TaskClaim, *states: ClaimState) -> tuple[CreatorTask, TaskClaim]:
    """Both rows, held; the claim is in one of the states. Raises ClaimNotInState."""
    task = lock_task(task_id=claim.task_id)
    claim = _locked(claim)
    if claim.state not in states:
        raise ClaimNotInState(state=claim.state)
    return task, claim


def _locked(claim: TaskClaim) -> TaskClaim:
    return (
        TaskClaim.objects.select_for_update(of=("self",), no_key=True)
        .select_related("task__deal", "creator")
        .get(pk=claim.pk)
    )


def _step(claim: TaskClaim, state: ClaimState, moment: str, *fields: str) -> None:
    claim.state = state
    setattr(claim, moment, timezone.now())
    claim.save(update_fields=["state", moment, *fields])


def _give_up(claim: TaskClaim, state: ClaimState, *, reason: str, by: User | None, verb: str) -> TaskClaim:
    assert claim.state in HOLDING  # noqa: S101 - callers locked it in a state that holds a place
    claim.reason, claim.due_at = reason, None
    _step(claim, state, "ended_at", "reason", "due_at")
    give_places_back(task_id=claim.task_id)
    close_links(claims=TaskClaim.objects.filter(pk=claim.pk), merchant_id=claim.merchant_id)
    _record(verb, claim, by, **({"reason": reason} if reason else {}))
    return claim


def _give_time(claim: TaskClaim, *, days: int, past_the_end: bool = False) -> None:
    """Whoever acts next has so many days, but not longer than the task lasts."""
    due = timezone.now() + timedelta(days=days)
    claim.due_at = due if past_the_end else min(due, claim.task.closes_at)
    claim.save(update_fields=["due_at"])
    enqueue_job(
        kind="claim_due", key=f"{claim.pk}:{claim.due_at.isoformat()}", payload={"claim_id": claim.pk},
        merchant_id=claim.merchant_id, due_at=claim.due_at,
    )  # fmt: skip


def _words(reason: str) -> str:
    """Whoever is turned down is told why. Raises Invalid(field="reason")."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_LENGTH:
        raise Invalid(field="reason", why="length")
    return reason


def _record(verb: str, claim: TaskClaim, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb, noun="task_claim", noun_id=claim.pk, by=by, merchant_id=claim.merchant_id,
        task=claim.task.title, creator=claim.creator.name, **facts,
    )  # fmt: skip


def latest_claims(*, creator: Creator, tasks: Collection[int]) -> dict[int, TaskClaim]:
    """His newest claim of each of these tasks, by the task's id."""
    claims = TaskClaim.objects.filter(creator=creator, task_id__in=list(tasks)).order_by("id")
    return {claim.task_id: claim for claim in claims}
