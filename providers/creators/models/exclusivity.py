"""Who alone may carry a merchant's deals in an area for a time."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import BigIntegerField, F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.models import Deal
from identity.models import Party, User
from merchants.models import Merchant
from providers.creators.enums import ExclusivityState

# One deal, or all of them where none is named: a range without ends.
DEALS = Func(F("deal"), F("deal"), Value("[]"), function="int8range", output_field=BigIntegerField())


class Exclusivity(models.Model):
    """In `area` (a range of codes of GB/T 2260) and `period` only the holders carry the deal, or, where `deal` is null,
    whatever the merchant sells. Holders are creators, or providers: then whoever takes a task which that provider published.

    In force from the merchant's consent on. Two in force never overlap, so there is one answer to who may.
    """

    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="exclusivities", db_index=False
    )
    deal = models.ForeignKey(
        Deal, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    area = IntegerRangeField()
    area_code = models.CharField(max_length=6, blank=True, default="")
    area_name = models.CharField(pgettext_lazy("territory", "Area"), max_length=80, blank=True, default="")
    period = DateTimeRangeField()
    holders: "models.ManyToManyField[Party, models.Model]" = models.ManyToManyField(
        Party, related_name="+", verbose_name=pgettext_lazy("exclusivity", "Only")
    )
    note = models.CharField(pgettext_lazy("exclusivity", "Why"), max_length=200, blank=True, default="")
    state = models.CharField(
        _("State"), max_length=8, choices=ExclusivityState, default=ExclusivityState.PROPOSED
    )
    proposed_for = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField(db_default=Now())
    answered_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Exclusive right")
        verbose_name_plural = _("Exclusive rights")
        constraints = [
            ExclusionConstraint(
                name="exclusivity_of_one",
                expressions=[
                    (F("merchant"), RangeOperators.EQUAL),
                    (DEALS, RangeOperators.OVERLAPS),
                    (F("area"), RangeOperators.OVERLAPS),
                    (F("period"), RangeOperators.OVERLAPS),
                ],
                condition=Q(state=ExclusivityState.IN_FORCE),
            ),
            models.CheckConstraint(
                condition=Q(
                    area__isempty=False,
                    period__isempty=False,
                    period__startswith__isnull=False,
                    period__endswith__isnull=False,
                ),
                name="exclusivity_whole",
            ),
            models.CheckConstraint(
                condition=Q(state=ExclusivityState.PROPOSED, answered_at__isnull=True)
                | ~Q(state=ExclusivityState.PROPOSED)
                & Q(answered_at__isnull=False, answered_by__isnull=False),
                name="exclusivity_answered",
            ),
            models.CheckConstraint(
                condition=Q(state=ExclusivityState.ENDED, ended_at__isnull=False)
                | ~Q(state=ExclusivityState.ENDED) & Q(ended_at__isnull=True),
                name="exclusivity_ended",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="exclusivity_by_merchant")]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.deal_id or '*'} {self.area_name}"
