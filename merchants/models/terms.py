"""What others take of a merchant's trade, version by version, each agreed by both sides."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_scopes import ScopedManager

from identity.models import Party, User
from merchants.enums import ShareKind, TermsState
from merchants.models.merchant import Merchant

ANSWERED = [TermsState.IN_FORCE, TermsState.REFUSED, TermsState.WITHDRAWN, TermsState.ENDED]


class Terms(models.Model):
    """`bps` of each use go to `payee`. What was proposed never changes (triggers); a change is a new version.

    place_order freezes the terms in force into the order, so nothing here ever reaches back. The shares in force of a
    merchant (of commissions the largest) are at most the whole, see the trigger of migration 0006.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="terms", db_index=False)
    kind = models.CharField(_("Kind"), max_length=14, choices=ShareKind)
    payee = models.ForeignKey(
        Party,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=pgettext_lazy("terms", "Goes to"),
        db_index=False,
    )
    version = models.SmallIntegerField(_("Version"))
    bps = models.SmallIntegerField(pgettext_lazy("terms", "Rate"))
    state = models.CharField(_("State"), max_length=9, choices=TermsState, default=TermsState.PROPOSED)
    note = models.CharField(pgettext_lazy("terms", "Why"), max_length=200, blank=True, default="")
    proposed_for = models.ForeignKey(  # the side that proposed: the merchant's party or the payee
        Party,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=pgettext_lazy("terms", "Proposed for"),
        db_index=False,
    )
    proposed_by = models.ForeignKey(
        User,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=pgettext_lazy("terms", "Proposed by"),
        db_index=False,
    )
    proposed_at = models.DateTimeField(pgettext_lazy("terms", "Proposed at"), db_default=Now())
    answered_by = models.ForeignKey(
        User,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=pgettext_lazy("terms", "Answered by"),
        db_index=False,
    )
    answered_at = models.DateTimeField(pgettext_lazy("terms", "Answered at"), null=True)
    in_force_at = models.DateTimeField(pgettext_lazy("terms", "In force since"), null=True)
    ended_at = models.DateTimeField(pgettext_lazy("terms", "Ended at"), null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = pgettext_lazy("shares", "Terms")
        verbose_name_plural = pgettext_lazy("shares", "Terms")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "kind", "payee", "version"], name="terms_version"),
            models.UniqueConstraint(
                fields=["merchant", "kind"],
                condition=Q(state=TermsState.IN_FORCE) & ~Q(kind=ShareKind.COMMISSION),
                name="terms_one_of_a_kind",
            ),
            models.UniqueConstraint(
                fields=["merchant", "kind", "payee"],
                condition=Q(state=TermsState.IN_FORCE),
                name="terms_one_in_force",
            ),
            models.UniqueConstraint(
                fields=["merchant", "kind", "payee"],
                condition=Q(state=TermsState.PROPOSED),
                name="terms_one_proposed",
            ),
            models.CheckConstraint(condition=Q(bps__range=(0, 10_000), version__gte=1), name="terms_bps"),
            models.CheckConstraint(condition=~Q(payee=F("merchant")), name="terms_not_to_oneself"),
            models.CheckConstraint(
                condition=Q(proposed_for=F("merchant")) | Q(proposed_for=F("payee")), name="terms_of_a_side"
            ),
            models.CheckConstraint(
                condition=Q(state=TermsState.PROPOSED, answered_at__isnull=True)
                | Q(state__in=ANSWERED, answered_at__isnull=False),
                name="terms_answered",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[TermsState.IN_FORCE, TermsState.ENDED], in_force_at__isnull=False)
                | (~Q(state__in=[TermsState.IN_FORCE, TermsState.ENDED]) & Q(in_force_at__isnull=True)),
                name="terms_in_force_since",
            ),
            models.CheckConstraint(
                condition=Q(state=TermsState.ENDED, ended_at__gte=F("in_force_at"))
                | (~Q(state=TermsState.ENDED) & Q(ended_at__isnull=True)),
                name="terms_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"
