"""The life cycle of a deal: the one place that writes Deal.state, always by a conditional update."""

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import DomainError, Invalid
from coupons.domain.deal_checks import DealIncomplete, find_gaps
from coupons.domain.deal_draft import read_draft
from coupons.enums import DEAL_TRANSITIONS, DealState
from coupons.models import Deal, DealReview
from identity.domain.audit import record_event
from identity.models import User
from merchants.enums import StoreState
from merchants.models import Store


class DealNotInState(DomainError):
    """The step is not open from the state the deal is in now (`facts["state"]`)."""

    code = "deal_not_in_state"


@transaction.atomic
def submit_deal(*, deal: Deal, by: User | None, at: datetime | None = None) -> None:
    """Hand a draft to the platform's operator. Raises DealIncomplete with every gap, DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.DRAFT, target=DealState.IN_REVIEW)
        _check_complete(deal, at)
        DealReview.objects.create(merchant_id=deal.merchant_id, deal=deal, submitted_by=by)
    _record("deal.submit", deal, by)


@transaction.atomic
def withdraw_deal(*, deal: Deal, by: User | None) -> None:
    """Take a deal back out of the review. Raises DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.IN_REVIEW, target=DealState.DRAFT)
        DealReview.objects.filter(deal_id=deal.pk, decided_at__isnull=True).delete()
    _record("deal.withdraw", deal, by)


@transaction.atomic
def approve_deal(*, deal: Deal, by: User | None, at: datetime | None = None) -> None:
    """Put a deal on sale; what ran out while it waited is found. Raises DealIncomplete, DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.IN_REVIEW, target=DealState.ONLINE)
        _check_complete(deal, at)
        _decide(deal, approved=True, reason="", by=by)
    _record("deal.approve", deal, by)


@transaction.atomic
def reject_deal(*, deal: Deal, reason: str, by: User | None) -> None:
    """Send a deal back with what is to be changed. Raises Invalid(field="reason") without words, DealNotInState."""
    reason = reason.strip()
    if not reason or len(reason) > 400:
        raise Invalid(field="reason", why="reason_missing" if not reason else "reason_too_long")
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.IN_REVIEW, target=DealState.REJECTED)
        _decide(deal, approved=False, reason=reason, by=by)
    _record("deal.reject", deal, by, reason=reason)


@transaction.atomic
def reopen_deal(*, deal: Deal, by: User | None) -> None:
    """Make a rejected deal a draft again. Raises DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.REJECTED, target=DealState.DRAFT)
    _record("deal.reopen", deal, by)


@transaction.atomic
def pause_deal(*, deal: Deal, by: User | None) -> None:
    """Stop selling for a while; coupons already sold stay valid. Raises DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.ONLINE, target=DealState.PAUSED)
    _record("deal.pause", deal, by)


@transaction.atomic
def resume_deal(*, deal: Deal, by: User | None, at: datetime | None = None) -> None:
    """Sell again. Raises DealIncomplete where it can no longer be sold, DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=DealState.PAUSED, target=DealState.ONLINE)
        _check_complete(deal, at)
    _record("deal.resume", deal, by)


@transaction.atomic
def end_deal(*, deal: Deal, by: User | None) -> None:
    """Stop selling for good; coupons already sold stay valid. Raises DealNotInState."""
    with scope(merchant=deal.merchant_id):
        _move(deal, source=(DealState.ONLINE, DealState.PAUSED), target=DealState.ENDED)
    _record("deal.end", deal, by)


def end_overdue_deals(*, at: datetime | None = None, limit: int = 500) -> int:
    """End deals whose sale is over, each on its own; the number ended. Selling asks the window itself."""
    at = at or timezone.now()
    with scopes_disabled():
        overdue = list(
            Deal.objects.filter(sale_until__lte=at, state__in=[DealState.ONLINE, DealState.PAUSED]).order_by(
                "sale_until"
            )[:limit]
        )
    ended = 0
    for deal in overdue:
        try:
            end_deal(deal=deal, by=None)
        except DealNotInState:
            continue
        ended += 1
    return ended


def _move(deal: Deal, *, source: DealState | tuple[DealState, ...], target: DealState) -> None:
    sources = source if isinstance(source, tuple) else (source,)
    assert all(target in DEAL_TRANSITIONS[state] for state in sources)  # noqa: S101 - the table is the law
    if not Deal.objects.filter(pk=deal.pk, state__in=sources).update(state=target, updated_at=Now()):
        state = Deal.objects.filter(pk=deal.pk).values_list("state", flat=True).first()
        raise DealNotInState(state=state)


def _check_complete(deal: Deal, at: datetime | None) -> None:
    """Asked of the stored values, after the update that locked the row."""
    stored = Deal.objects.select_related("merchant").get(pk=deal.pk)
    open_stores = set(Store.objects.filter(state=StoreState.OPEN).values_list("pk", flat=True))
    gaps = find_gaps(
        read_draft(deal=stored),
        open_store_ids=open_stores,
        zone=stored.merchant.tzinfo,
        at=at or timezone.now(),
    )
    if gaps:
        raise DealIncomplete(gaps)


def _decide(deal: Deal, *, approved: bool, reason: str, by: User | None) -> None:
    DealReview.objects.filter(deal_id=deal.pk, decided_at__isnull=True).update(
        approved=approved, reason=reason, decided_by=by, decided_at=Now()
    )


def _record(verb: str, deal: Deal, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb,
        noun="deal",
        noun_id=deal.pk,
        by=by,
        merchant_id=deal.merchant_id,
        title=deal.title,
        **facts,
    )
