"""Objections to lines of a statement: raised by its payee, answered by the platform's operator, each once."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid
from coupons.settlement.domain.breakdown import list_lines
from coupons.settlement.enums import ObjectionState
from coupons.settlement.models import Objection, Statement
from identity.domain.audit import record_event
from identity.models import User

MOST_AT_ONCE = 500
LONGEST = 400


class ObjectionAnswered(DomainError):
    """Another operator answered it before."""

    code = "objection_answered"


def raise_objections(*, statement: Statement, line_ids: Collection[int], reason: str, by: User) -> int:
    """One objection per line, in the caller's transaction; the number that are new: a line is objected to once.

    Raises Invalid(field="lines") where one is not the statement's, or there are more than MOST_AT_ONCE.
    """
    wanted = set(line_ids)
    with scope(merchant=statement.merchant_id):
        if len(wanted) > MOST_AT_ONCE or list_lines(statement=statement).filter(pk__in=wanted).count() != len(
            wanted
        ):
            raise Invalid(field="lines", why="not_in_statement")
        before = Objection.objects.filter(statement=statement).count()
        Objection.objects.bulk_create(
            [
                Objection(
                    merchant_id=statement.merchant_id,
                    statement=statement,
                    line_id=line,
                    reason=reason,
                    raised_by=by,
                )
                for line in sorted(wanted)
            ],
            ignore_conflicts=True,
        )
        return Objection.objects.filter(statement=statement).count() - before


@transaction.atomic
def answer_objection(*, objection: Objection, is_upheld: bool, answer: str, by: User) -> None:
    """The operator says yes or no and why; what it changes is a new entry of its own, never this line.

    Raises Invalid(field="answer") without words, ObjectionAnswered.
    """
    words = answer.strip()
    if not words or len(words) > LONGEST:
        raise Invalid(field="answer", why="length")
    with scope(merchant=objection.merchant_id):
        answered = Objection.objects.filter(pk=objection.pk, state=ObjectionState.OPEN).update(
            state=ObjectionState.UPHELD if is_upheld else ObjectionState.DECLINED,
            answer=words,
            answered_by=by,
            answered_at=Now(),
        )
    if not answered:
        raise ObjectionAnswered
    record_event(
        verb="objection.answered", noun="objection", noun_id=objection.pk, by=by,
        merchant_id=objection.merchant_id, is_upheld=is_upheld, answer=words,
    )  # fmt: skip


def list_objections(*, statement: Statement) -> "QuerySet[Objection]":
    """The statement's, in the order of its lines, with what a page shows of them."""
    with scope(merchant=statement.merchant_id):
        return (
            Objection.objects.filter(statement=statement)
            .select_related("line__coupon", "line__store", "line__deal", "raised_by", "answered_by")
            .order_by("line_id")
        )
