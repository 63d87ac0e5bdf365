"""A creator as the recommendation sees him: what he states, what he did, and what he corrected of it."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from django.db import transaction

from identity.domain.audit import record_event
from identity.models import User
from merchants.enums import Category
from providers.creators.domain.board_records import know_board
from providers.creators.enums import ClaimState, Standing
from providers.creators.models import BoardKnowledge, BoardWish, Creator, CreatorRecord, TaskClaim
from providers.creators.recommendation.nearness import Point
from providers.creators.recommendation.rating import Interest, Viewer, shrunk_rate

# With so many tasks accepted nobody is new any more; with so many followers nobody is small.
NEW_BELOW = 3
LARGE_FROM = 10_000
NEWEST = 100  # claims that make the history


@dataclass(frozen=True)
class Profile:
    """What is known of a creator when his board is made."""

    creator: Creator
    knowledge: BoardKnowledge
    record: CreatorRecord
    unlearned: frozenset[str]
    history: tuple[tuple[str, Point | None], ...]  # category and place of what he took part in, newest first

    @property
    def usual(self) -> float:
        return self.knowledge.redeemed_bps / 10_000

    @property
    def merit(self) -> float:
        """The share of coupons sold by his links that were redeemed, as far as it is known."""
        return shrunk_rate(redeemed=self.record.redeemed, decided=self.record.decided, usual=self.usual)

    @property
    def standing(self) -> Standing:
        if self.record.accepted < NEW_BELOW:
            return Standing.NEW
        return Standing.LARGE if self.creator.followers >= LARGE_FROM else Standing.SMALL

    @property
    def home(self) -> Point | None:
        return home_of(self.creator)

    @cached_property
    def interests(self) -> dict[str, Interest]:
        """By category, of every one there is anything to say about."""
        done = Counter(category for category, _ in self.history if category not in self.unlearned)
        total = sum(done.values())
        stated = set(self.creator.categories)
        found: dict[str, Interest] = {}
        for category in Category.values:
            beside = sum(
                share * self.knowledge.companions.get(other, {}).get(category, 0.0)
                for other, share in ((other, count / total) for other, count in done.items())
            )
            if category in self.unlearned:
                beside = 0.0
            if category in stated or done[category] or beside:
                found[category] = Interest(category in stated, done[category], total, beside)
        return found

    def viewer(self, *, home: Point | None = None) -> Viewer:
        """What the score goes by; `home`: as if he started from there."""
        haunts = tuple(point for _, point in self.history if point is not None)
        return Viewer(home=home or self.home, haunts=haunts, interests=self.interests)


def home_of(creator: Creator) -> Point | None:
    """Where he says he starts from."""
    if creator.longitude is None or creator.latitude is None:
        return None
    return float(creator.longitude), float(creator.latitude)


def know_profile(*, creator: Creator) -> Profile:
    """In four statements, however long his history."""
    wish = BoardWish.objects.filter(creator=creator).first()
    claims = TaskClaim.objects.filter(creator=creator).exclude(state=ClaimState.DECLINED).order_by("-id")
    history = claims.values_list("task__category", "task__longitude", "task__latitude")[:NEWEST]
    return Profile(
        creator=creator,
        knowledge=know_board(),
        record=CreatorRecord.objects.filter(creator=creator).first()
        or CreatorRecord(creator=creator, accepted=0, decided=0, redeemed=0),
        unlearned=frozenset(wish.unlearned if wish else ()),
        history=tuple(
            (category, None if east is None or north is None else (float(east), float(north)))
            for category, east, north in history
        ),
    )


@transaction.atomic
def correct_interests(*, creator: Creator, unlearned: set[Category], by: User) -> None:
    """From the next page on nothing is concluded about these categories from what he did; what he states stands."""
    kept = sorted(Category(one) for one in unlearned)
    BoardWish.objects.update_or_create(creator=creator, defaults={"unlearned": kept})
    record_event(verb="creator.correct", noun="creator", noun_id=creator.pk, by=by, name=creator.name)
