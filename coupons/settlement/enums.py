"""Life cycles of settlement."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LineState(models.TextChoices):
    """`expected` is a redemption whose line is not due yet; a row exists from `due` on."""

    DUE = "due", _("Due")
    IN_STATEMENT = "in_statement", _("In a statement")
    PAID = "paid", pgettext_lazy("statement", "Paid")


LINE_TRANSITIONS: dict[LineState, set[LineState]] = {
    LineState.DUE: {LineState.IN_STATEMENT},
    LineState.IN_STATEMENT: {LineState.PAID},
    LineState.PAID: set(),
}


class StatementState(models.TextChoices):
    SEALED = "sealed", _("To be confirmed")
    CONFIRMED = "confirmed", _("Confirmed")
    DISPUTED = "disputed", _("Disputed")
    PAID = "paid", pgettext_lazy("statement", "Paid")


STATEMENT_TRANSITIONS: dict[StatementState, set[StatementState]] = {
    StatementState.SEALED: {StatementState.CONFIRMED, StatementState.DISPUTED},
    StatementState.DISPUTED: {StatementState.CONFIRMED},
    StatementState.CONFIRMED: {StatementState.PAID},
    StatementState.PAID: set(),
}
