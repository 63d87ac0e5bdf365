"""Whether a creator may take a place, and why not: said the same on the board, on the task's page and when he tries."""

from core.errors import DomainError
from providers.creators.domain.exclusivities import exclusivity_for
from providers.creators.enums import ClaimState
from providers.creators.models import Creator, CreatorTask, TaskClaim


class ClaimRefused(DomainError):
    """The task is not for this creator; each reason has a code of its own."""

    code = "claim_refused"


class TooFewFollowers(ClaimRefused):
    """`facts`: wanted, has."""

    code = "claim_followers"


class ForOthers(ClaimRefused):
    """The merchant chose whom it is for."""

    code = "claim_for_others"


class TurnedDown(ClaimRefused):
    """The merchant declined or released him in this task before."""

    code = "claim_turned_down"


class CarriedByOthers(ClaimRefused):
    """Somebody has the exclusive right to carry this deal here; `facts`: holders, area, until_at."""

    code = "exclusivity_of_others"


def find_refusal(*, task: CreatorTask, creator: Creator) -> ClaimRefused | None:
    """Why this creator cannot take a place of the task, None where he can (if one is free)."""
    if creator.followers < task.min_followers:
        return TooFewFollowers(wanted=task.min_followers, has=creator.followers)
    chosen = task.targeted.through.objects.filter(creatortask_id=task.pk)  # type: ignore[attr-defined]
    if chosen.exists() and not chosen.filter(creator_id=creator.pk).exists():
        return ForOthers()
    if TaskClaim.objects.filter(
        task=task, creator=creator, state__in=[ClaimState.DECLINED, ClaimState.RELEASED]
    ).exists():
        return TurnedDown()
    if right := exclusivity_for(task=task, creator=creator):
        return CarriedByOthers(**right.facts())
    return None
