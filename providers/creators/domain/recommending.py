"""The board as it is recommended: eligibility first, then the score, then the places kept for newcomers; with reasons."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils import timezone

from providers.creators.domain.board import BoardFilter
from providers.creators.domain.candidates import Candidate, find_candidates, find_closed
from providers.creators.domain.eligibility import CarriedByOthers, ClaimRefused, TooFewFollowers
from providers.creators.domain.exclusivities import closed_by_exclusivity
from providers.creators.domain.viewers import Profile, home_of, know_profile
from providers.creators.enums import ExclusivityState, Slot, Standing
from providers.creators.models import Creator, CreatorTask, Exclusivity
from providers.creators.recommendation.nearness import Point
from providers.creators.recommendation.rating import Interest, Rating, rate_offer
from providers.creators.recommendation.slots import PAGE, keep_places

MOST = 100  # ten pages; who wants to see more sorts by distance

NEWCOMER_BELOW = 20  # coupons of known fate; with fewer a deal has no record to stand on
NEWCOMER_DAYS = 30
# What a new creator can begin with: nobody's followers asked for, places left, and coupons that get redeemed.
STARTER_FREE = 0.5


@dataclass(frozen=True)
class Recommended:
    """One row: the task, where it stands on the board (from 1), and everything the reasons are told from."""

    task: CreatorTask
    place: int
    slot: Slot | None
    rating: Rating
    interest: Interest
    redeemed: int
    decided: int
    is_newcomer: bool

    @property
    def metres(self) -> float | None:
        return None if self.rating.distance_km is None else self.rating.distance_km * 1_000


@dataclass(frozen=True)
class BoardPage:
    """Rows of one page, how many rows all pages have, and the profile they were made for."""

    rows: list[Recommended]
    total: int
    profile: Profile


def recommend_tasks(*, creator: Creator, narrow: BoardFilter | None = None, number: int = 1) -> BoardPage:
    """Page `number` of what suits him best of the tasks he may take around him; the same question, the same answer.

    Always some ten statements, however many tasks there are. What somebody has an exclusive right to is left out.
    """
    narrow = narrow or BoardFilter()
    profile = know_profile(creator=creator)
    home = (float(narrow.at[0]), float(narrow.at[1])) if narrow.at else profile.home
    candidates = _open_to(creator, find_candidates(creator=creator, home=home, narrow=narrow))
    ranked = rank_candidates(profile=profile, candidates=candidates, home=home)
    ordered, kept = keep_places(ranked, _purposes(profile))
    total = min(len(ordered), MOST)
    first = (min(max(1, number), max(1, -(-total // PAGE))) - 1) * PAGE
    rows = ordered[first : first + PAGE]
    tasks = CreatorTask.objects.select_related("merchant", "deal", "store").in_bulk(
        [candidate.task_id for candidate, _ in rows]
    )
    return BoardPage(
        rows=[
            Recommended(
                task=tasks[candidate.task_id],
                place=place,
                slot=kept.get(place - 1),
                rating=rating,
                interest=profile.interests.get(candidate.offer.category, Interest()),
                redeemed=candidate.offer.redeemed,
                decided=candidate.offer.decided,
                is_newcomer=is_newcomer(candidate),
            )
            for place, (candidate, rating) in enumerate(rows, start=first + 1)
        ],
        total=total,
        profile=profile,
    )


def list_closed(
    *, creator: Creator, narrow: BoardFilter | None = None, most: int = 3
) -> list[tuple[CreatorTask, ClaimRefused]]:
    """Some open tasks near him that he cannot take, each with the reason; those meant for chosen creators are not told of."""
    narrow = narrow or BoardFilter()
    home = (float(narrow.at[0]), float(narrow.at[1])) if narrow.at else home_of(creator)
    found = find_closed(creator=creator, home=home, narrow=narrow, most=5 * most)
    tasks = CreatorTask.objects.select_related("merchant", "deal", "store").in_bulk(found)
    rights = closed_by_exclusivity(tasks=tasks.values(), creator=creator)
    closed: list[tuple[CreatorTask, ClaimRefused]] = []
    for task in (tasks[one] for one in found if one in tasks):
        if creator.followers < task.min_followers:
            closed.append((task, TooFewFollowers(wanted=task.min_followers, has=creator.followers)))
        elif task.pk in rights:
            closed.append((task, CarriedByOthers(**rights[task.pk].facts())))
    return closed[:most]


def rank_candidates(
    *, profile: Profile, candidates: Iterable[Candidate], home: Point | None = None
) -> list[tuple[Candidate, Rating]]:
    """Best first; among equals the newer task."""
    viewer, usual = profile.viewer(home=home), profile.usual
    rated = [(one, rate_offer(one.offer, viewer=viewer, usual=usual)) for one in candidates]
    return sorted(rated, key=lambda row: (-row[1].score, -row[0].task_id))


def is_newcomer(candidate: Candidate) -> bool:
    """Without a record yet, and not for long."""
    return candidate.offer.decided < NEWCOMER_BELOW and candidate.age_days <= NEWCOMER_DAYS


def is_starter(candidate: Candidate) -> bool:
    """A task somebody without followers can begin with and still has a good chance to get."""
    return candidate.min_followers == 0 and candidate.taken <= candidate.quota * (1 - STARTER_FREE)


def _purposes(profile: Profile) -> list[tuple[Slot, Callable[[tuple[Candidate, Rating]], bool]]]:
    """What the kept places of his first page are for, in turn: half for new creators' beginnings, where he is one."""
    second = (Slot.STARTER, is_starter) if profile.standing == Standing.NEW else (Slot.NEWCOMER, is_newcomer)
    return [
        (slot, lambda row, is_for=is_for: is_for(row[0]))  # type: ignore[misc]
        for slot, is_for in ((Slot.NEWCOMER, is_newcomer), second)
    ]


def _open_to(creator: Creator, candidates: list[Candidate]) -> list[Candidate]:
    """Without those that somebody has the exclusive right to carry; only merchants with such rights are looked at."""
    rights = Exclusivity.objects.filter(state=ExclusivityState.IN_FORCE, period__contains=timezone.now())
    asked = CreatorTask.objects.filter(
        pk__in=[one.task_id for one in candidates], merchant__in=rights.values("merchant")
    )
    closed = closed_by_exclusivity(tasks=asked, creator=creator)
    return [one for one in candidates if one.task_id not in closed]
