"""A payee's answer to a statement: agreed, or disputed with a reason. The statement itself is never edited."""

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid
from coupons.settlement.domain.objections import LONGEST, raise_objections
from coupons.settlement.enums import StatementState
from coupons.settlement.models import Statement
from identity.domain.audit import record_event
from identity.models import User


class StatementNotOpen(DomainError):
    """It was confirmed or disputed before."""

    code = "statement_not_open"


@transaction.atomic
def confirm_statement(*, statement: Statement, by: User) -> None:
    """The payee agrees. Raises StatementNotOpen."""
    with scope(merchant=statement.merchant_id):
        confirmed = Statement.objects.filter(
            pk=statement.pk, state__in=[StatementState.SEALED, StatementState.DISPUTED]
        ).update(state=StatementState.CONFIRMED, confirmed_at=Now(), confirmed_by=by)
    if not confirmed:
        raise StatementNotOpen
    record_event(
        verb="statement.confirmed", noun="statement", noun_id=statement.pk, by=by,
        merchant_id=statement.merchant_id, number=statement.number,
    )  # fmt: skip


@transaction.atomic
def dispute_statement(*, statement: Statement, by: User, reason: str, line_ids: Collection[int] = ()) -> None:
    """The payee disagrees and says why: with the whole, or with these lines. While it is disputed more lines may follow.

    Raises StatementNotOpen, Invalid(field="reason" or "lines"); then nothing was changed.
    """
    words = reason.strip()[:LONGEST]
    if not words:
        raise Invalid(field="reason")
    with scope(merchant=statement.merchant_id):
        disputed = Statement.objects.filter(pk=statement.pk, state=StatementState.SEALED).update(
            state=StatementState.DISPUTED, dispute_reason=words
        )
        if not disputed:
            # Locked, so that nobody confirms it between our look and our objections.
            still = Statement.objects.select_for_update(of=("self",), no_key=True).filter(
                pk=statement.pk, state=StatementState.DISPUTED
            )
            if not line_ids or not still.exists():
                raise StatementNotOpen
        new = raise_objections(statement=statement, line_ids=line_ids, reason=words, by=by)
    if not disputed and not new:
        raise StatementNotOpen
    record_event(
        verb="statement.disputed", noun="statement", noun_id=statement.pk, by=by,
        merchant_id=statement.merchant_id, number=statement.number, reason=words, lines=new,
    )  # fmt: skip
