"""A payee's answer to a statement: agreed, or disputed with a reason. The statement itself is never edited."""

from django.db import transaction
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid
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
def dispute_statement(*, statement: Statement, by: User, reason: str) -> None:
    """The payee disagrees and says why. Raises StatementNotOpen, Invalid(field="reason")."""
    if not reason.strip():
        raise Invalid(field="reason")
    with scope(merchant=statement.merchant_id):
        disputed = Statement.objects.filter(pk=statement.pk, state=StatementState.SEALED).update(
            state=StatementState.DISPUTED, dispute_reason=reason.strip()[:400]
        )
    if not disputed:
        raise StatementNotOpen
    record_event(
        verb="statement.disputed", noun="statement", noun_id=statement.pk, by=by,
        merchant_id=statement.merchant_id, number=statement.number, reason=reason.strip()[:400],
    )  # fmt: skip
