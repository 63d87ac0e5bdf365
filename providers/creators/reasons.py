"""Why a task stands on the board, in words: what the score was made of, nothing else."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.enums import Category
from providers.creators.domain.recommending import Recommended
from providers.creators.enums import Slot
from providers.creators.recommendation.rating import Interest

NEAR_A_STORE_KM = 0.5
BESIDE_MUCH = 0.1


def tell_reasons(row: Recommended) -> list[str]:
    """Short phrases, the kept place first, then in the order of the signals."""
    return [
        phrase
        for phrase in (
            _slot(row.slot),
            _distance(row.rating.distance_km),
            _haunt(row.rating.haunt_km),
            _interest(row.interest, Category(row.task.category).label),
            _record(row.redeemed, row.decided),
        )
        if phrase
    ]


def _slot(slot: Slot | None) -> str:
    if slot == Slot.STARTER:
        return _("A place kept for beginners: no followers asked for")
    if slot == Slot.NEWCOMER:
        return _("A place kept for what is new here")
    return ""


def _distance(km: float | None) -> str:
    if km is None:
        return ""
    metres = max(10, round(km * 100) * 10)
    if metres < 1_000:
        return _("%(metres)d m away") % {"metres": metres}
    return _("%(km)s km away") % {"km": f"{km:.1f}" if km < 9.95 else f"{km:.0f}"}


def _haunt(km: float | None) -> str:
    return _("beside a store you have worked for") if km is not None and km <= NEAR_A_STORE_KM else ""


def tell_learned(interest: Interest) -> list[str]:
    """What, beside his own word, makes him seem to like a category; nothing where it weighs next to nothing."""
    return [phrase for phrase in (_done(interest.done), _beside(interest.beside)) if phrase]


def _interest(interest: Interest, category: object) -> str:
    if interest.stated:
        return _("you like: %(category)s") % {"category": category}
    return _done(interest.done) or _beside(interest.beside)


def _done(count: int) -> str:
    if not count:
        return ""
    return ngettext("you took %(count)d such task", "you took %(count)d such tasks", count) % {"count": count}


def _beside(share: float) -> str:
    return _("creators with work like yours take this too") if share >= BESIDE_MUCH else ""


def _record(redeemed: int, decided: int) -> str:
    if not decided:
        return _("nothing sold yet")
    return _("%(redeemed)d of %(decided)d redeemed") % {"redeemed": redeemed, "decided": decided}
