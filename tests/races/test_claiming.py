"""Places of a task under a rush: as many get one as there are, the others read why not."""

from functools import partial

import pytest

from coupons.tests.town import Town
from providers.creators.domain import claims as domain
from providers.creators.domain.claims import claim_place, quit_claim
from providers.creators.domain.places import TaskFull
from providers.creators.domain.tasks import end_task
from providers.creators.models import CreatorTask, TaskClaim
from providers.creators.tests.studio import make_creator, make_task
from tests.races.racing import count_codes, hold_against, race, race_once

pytestmark = pytest.mark.concurrency

LANES, TRIES = 8, 200


def test_two_hundred_tries_for_three_places(town: Town) -> None:
    task = make_task(town, quota=3)
    tries = [partial(claim_place, task=task, creator=make_creator()) for _ in range(TRIES)]

    answers = race(*(tries[lane::LANES] for lane in range(LANES)))

    assert count_codes(sum(answers, [])) == {"done": 3, "task_full": 197}
    assert (TaskClaim.objects.count(), CreatorTask.objects.get().taken) == (3, 3)


def test_one_creator_trying_often_gets_one_place(town: Town) -> None:
    task, creator = make_task(town, quota=9), make_creator()

    answers = race_once(*[partial(claim_place, task=task, creator=creator)] * LANES)

    assert count_codes(answers) == {"done": 1, "already_claimed": LANES - 1}
    assert CreatorTask.objects.get().taken == 1


def read_and_write(*, task_id: int) -> None:
    """How it must not be done: look, then count."""
    task = CreatorTask.objects.get(pk=task_id)
    if task.taken >= task.quota:
        raise TaskFull
    CreatorTask.objects.filter(pk=task_id).update(taken=task.taken + 1, state="full")


@pytest.mark.parametrize("is_careful", [True, False])
def test_without_the_conditional_update_the_last_place_is_given_twice(
    town: Town, is_careful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_careful:
        monkeypatch.setattr(domain, "take_place", read_and_write)
    task = make_task(town, quota=1)

    met = hold_against(*(partial(claim_place, task=task, creator=make_creator()) for _ in range(2)))

    assert met.second_waited
    assert TaskClaim.objects.count() == (1 if is_careful else 2)


def test_giving_up_against_coming_again_and_the_end_of_the_task(town: Town) -> None:
    """Whoever comes first holds the task; nobody waits for the other in a ring."""
    task, creator = make_task(town, quota=2), make_creator()
    claim = claim_place(task=task, creator=creator)

    met = hold_against(
        partial(quit_claim, claim=claim, by=creator.user), partial(claim_place, task=task, creator=creator)
    )
    assert met.second_waited
    assert isinstance(met.second, TaskClaim)

    met = hold_against(
        partial(end_task, task=task, by=town.owner), partial(quit_claim, claim=met.second, by=creator.user)
    )
    assert met.second_waited
    assert met.second.code == "claim_not_in_state"
    assert CreatorTask.objects.get().taken == 0
