"""Ways to bring a task and a claim into each state, and every function that moves one."""

from typing import Any

from coupons.tests.town import Town
from providers.creators.domain.claims import (
    accept_work,
    approve_claim,
    claim_place,
    decline_claim,
    mark_visited,
    quit_claim,
    release_claim,
    return_work,
    submit_work,
)
from providers.creators.domain.tasks import end_task, extend_task, open_task
from providers.creators.enums import CLAIM_TRANSITIONS, ClaimState, TaskState
from providers.creators.models import CreatorTask, TaskClaim
from providers.creators.tests.studio import PROOF, let_time_pass, make_claim, make_creator, make_task


def put_task(town: Town, state: TaskState) -> CreatorTask:
    task = make_task(town, is_open=state != TaskState.DRAFT, quota=1)
    if state == TaskState.FULL:
        claim_place(task=task, creator=make_creator())
    if state == TaskState.ENDED:
        end_task(task=task, by=town.owner)
    return task


def give_up_a_place(town: Town, task: CreatorTask) -> Any:
    for claim in task.claims.all():
        quit_claim(claim=claim, by=claim.creator.user)


DRAFT, OPEN, FULL, ENDED = TaskState
TASK_STEPS: dict[str, Any] = {
    "open": (lambda town, task: open_task(task=task, by=town.owner), {(DRAFT, OPEN)}),
    "take the last place": (
        lambda town, task: claim_place(task=task, creator=make_creator()),
        {(OPEN, FULL)},
    ),
    "give up a place": (give_up_a_place, {(FULL, OPEN)}),
    "add places": (
        lambda town, task: extend_task(task=task, quota=5, closes_at=task.closes_at, by=town.owner),
        {(FULL, OPEN)},
    ),
    "end": (
        lambda town, task: end_task(task=task, by=town.owner),
        {(DRAFT, ENDED), (OPEN, ENDED), (FULL, ENDED)},
    ),
}


def put_claim(town: Town, state: ClaimState) -> TaskClaim:
    return make_claim(town, state)


def to(after: ClaimState) -> set[tuple[ClaimState, ClaimState]]:
    return {(before, after) for before, targets in CLAIM_TRANSITIONS.items() if after in targets}


CLAIM_STEPS: dict[str, Any] = {
    "approve": (lambda town, claim: approve_claim(claim=claim, by=town.owner), to(ClaimState.APPROVED)),
    "decline": (
        lambda town, claim: decline_claim(claim=claim, reason="风格不合", by=town.owner),
        to(ClaimState.DECLINED),
    ),
    "visit": (lambda town, claim: mark_visited(claim=claim, by=town.owner), to(ClaimState.VISITED)),
    "hand in": (
        lambda town, claim: submit_work(claim=claim, proof_url=PROOF, by=claim.creator.user),
        to(ClaimState.SUBMITTED),
    ),
    "accept": (lambda town, claim: accept_work(claim=claim, by=town.owner), to(ClaimState.ACCEPTED)),
    "return": (
        lambda town, claim: return_work(claim=claim, reason="请露出招牌", by=town.owner),
        to(ClaimState.RETURNED),
    ),
    "release": (
        lambda town, claim: release_claim(claim=claim, reason="门店装修", by=town.owner),
        to(ClaimState.RELEASED),
    ),
    "quit": (lambda town, claim: quit_claim(claim=claim, by=claim.creator.user), to(ClaimState.QUIT)),
    "wait": (
        lambda town, claim: let_time_pass(claim),
        to(ClaimState.EXPIRED) | to(ClaimState.ACCEPTED),
    ),
    "end the task": (lambda town, claim: end_task(task=claim.task, by=town.owner), to(ClaimState.EXPIRED)),
}
