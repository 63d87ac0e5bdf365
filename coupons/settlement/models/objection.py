"""A line of a statement its payee does not agree with."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_scopes import ScopedManager

from coupons.settlement.enums import ObjectionState
from coupons.settlement.models.line import SettlementLine
from coupons.settlement.models.statement import Statement
from identity.models import User
from merchants.models import Merchant


class Objection(models.Model):
    """What is wrong with one line, in the payee's words, and the operator's answer. The line itself is never edited: what an
    upheld objection changes is a refund or another new entry."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="objections", db_index=False
    )
    line = models.ForeignKey(SettlementLine, on_delete=models.PROTECT, related_name="objections")
    reason = models.CharField(_("What is wrong"), max_length=400)
    raised_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    raised_at = models.DateTimeField(db_default=Now())
    state = models.CharField(
        _("State"),
        max_length=8,
        choices=ObjectionState,
        default=ObjectionState.OPEN,
        db_default=ObjectionState.OPEN,
    )
    answer = models.CharField(_("Answer"), max_length=400, blank=True, default="", db_default="")
    answered_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = pgettext_lazy("settlement", "Objection")
        verbose_name_plural = pgettext_lazy("settlement", "Objections")
        constraints = [
            models.UniqueConstraint(fields=["statement", "line"], name="objection_once_per_line"),
            models.CheckConstraint(condition=~Q(reason=""), name="objection_says_why"),
            models.CheckConstraint(
                condition=Q(
                    state=ObjectionState.OPEN, answer="", answered_at__isnull=True, answered_by__isnull=True
                )
                | (
                    ~Q(state=ObjectionState.OPEN)
                    & ~Q(answer="")
                    & Q(answered_at__isnull=False, answered_by__isnull=False)
                ),
                name="objection_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.line_id}"
