"""A break is answered: taken by somebody, explained in words, or adjusted by a new entry of the ledger. Nothing is edited."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django_scopes import scope

from core.clock import database_now
from core.errors import DomainError, Invalid
from coupons.settlement.domain.booking import open_book
from coupons.settlement.enums import BreakState
from coupons.settlement.models import Break
from identity.domain.audit import record_event
from identity.domain.platform_party import get_platform_party
from identity.models import User
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from merchants.models import Merchant


class BreakNotOpen(DomainError):
    """It was explained or adjusted before, or a later match no longer finds it."""

    code = "break_not_open"


class NothingToAdjust(DomainError):
    """No money differs: the difference can only be explained, or goes away by itself."""

    code = "nothing_to_adjust"


@transaction.atomic
def take_break(*, found: Break, by: User) -> None:
    """Say who looks after it; whoever comes later may take it over. Raises BreakNotOpen."""
    _answer(found, owner=by)
    record_event(verb="break.taken", noun="break", noun_id=found.pk, by=by, merchant_id=found.merchant_id)


@transaction.atomic
def explain_break(*, found: Break, by: User, words: str) -> None:
    """The difference is right as it is, and why. Raises BreakNotOpen, Invalid(field="explanation")."""
    _answer(
        found,
        state=BreakState.EXPLAINED,
        explanation=_checked(words),
        resolved_by=by,
        resolved_at=Now(),
        owner_id=Coalesce("owner_id", by.pk),
    )
    record_event(
        verb="break.explained",
        noun="break",
        noun_id=found.pk,
        by=by,
        merchant_id=found.merchant_id,
        words=words,
    )


@transaction.atomic
def adjust_break(*, found: Break, by: User, words: str) -> None:
    """Bring the ledger to what the provider says, by one new journal between its clearing account and the differences.

    Exactly once: the journal's source is the break. Raises BreakNotOpen, NothingToAdjust, Invalid(field="explanation").
    """
    explanation = _checked(words)
    if found.clearing_fen == 0:
        raise NothingToAdjust
    merchant = Merchant.objects.get(pk=found.merchant_id)
    with scope(merchant=merchant.pk):
        locked = Break.objects.select_for_update(of=("self",), no_key=True).get(pk=found.pk)
    if locked.state != BreakState.OPEN:
        raise BreakNotOpen
    book = open_book(merchant=merchant)
    differences = open_account(
        merchant_id=merchant.pk,
        kind=AccountKind.DIFFERENCES,
        owner_id=get_platform_party().pk,
        currency=merchant.currency,
    )
    sides = (book.clearing, differences) if locked.clearing_fen > 0 else (differences, book.clearing)
    journal = write_journal(
        merchant_id=merchant.pk,
        kind=JournalKind.ADJUSTMENT,
        source=f"break:{locked.pk}",
        happened_at=database_now(),
        postings=[Posting(*sides, abs(locked.clearing_fen))],
        currency=merchant.currency,
    )
    _answer(
        found,
        state=BreakState.ADJUSTED,
        explanation=explanation,
        resolved_by=by,
        resolved_at=Now(),
        owner_id=Coalesce("owner_id", by.pk),
        journal=journal,
    )
    record_event(
        verb="break.adjusted", noun="break", noun_id=found.pk, by=by, merchant_id=found.merchant_id,
        words=words, amount_fen=locked.clearing_fen,
    )  # fmt: skip


def count_breaks(*, merchant: Merchant) -> dict[str, int]:
    """Open breaks by kind."""
    counts: dict[str, int] = {}
    with scope(merchant=merchant.pk):
        for kind in (
            Break.objects.filter(state=BreakState.OPEN).order_by("kind").values_list("kind", flat=True)
        ):
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def _checked(words: str) -> str:
    limit = Break._meta.get_field("explanation").max_length or 0
    if not words.strip() or len(words) > limit:
        raise Invalid(field="explanation")
    return words.strip()


def _answer(found: Break, **changes: Any) -> None:
    with scope(merchant=found.merchant_id):
        if not Break.objects.filter(pk=found.pk, state=BreakState.OPEN).update(**changes):
            raise BreakNotOpen
