"""Using a coupon at the counter: a row per use; undoing one and refusing one are rows of their own."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.models.coupon import Coupon
from coupons.models.deal import Deal
from coupons.models.order import Order
from identity.models import User
from merchants.models import Merchant, Store


class Redemption(models.Model):
    """Use number `use_no` of a coupon; at most one stands per (coupon, use_no): the last line against using twice.

    `attempt_key` is the clerk's device's name for its request: a repeat under it gets the first answer.
    `business_date` is the day in the merchant's zone; settlement may take the row from `due_at` on.
    """

    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="redemptions")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(
        Store, on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )  # redemption_by_store
    clerk = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # redemption_by_clerk
    device = models.CharField(max_length=40, blank=True, default="")
    attempt_key = models.CharField(max_length=64)
    attempt_no = models.SmallIntegerField(default=1)
    use_no = models.SmallIntegerField()
    gross_fen = models.BigIntegerField()
    redeemed_at = models.DateTimeField(db_default=Now())
    business_date = models.DateField()
    due_at = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Redemption")
        verbose_name_plural = _("Redemptions")
        constraints = [
            models.UniqueConstraint(
                fields=["coupon", "use_no"], condition=Q(reversed_at__isnull=True), name="redemption_once"
            ),
            models.UniqueConstraint(
                fields=["merchant", "attempt_key", "attempt_no"], name="redemption_attempt_once"
            ),
            models.CheckConstraint(condition=Q(use_no__gte=1, gross_fen__gte=0), name="redemption_sane"),
            models.UniqueConstraint(
                fields=["merchant", "id"], name="redemption_key"
            ),  # settlement walks along it
        ]
        indexes = [
            models.Index(fields=["merchant", "-redeemed_at"], name="redemption_by_time"),
            models.Index(  # a day's sums without its rows
                fields=["merchant", "business_date", "store"],
                include=["gross_fen", "redeemed_at", "reversed_at"],
                name="redemption_by_business_date",
            ),
            models.Index(fields=["store", "-redeemed_at"], name="redemption_by_store"),
            models.Index(fields=["clerk", "-redeemed_at"], name="redemption_by_clerk"),
            models.Index(
                fields=["merchant", "-redeemed_at"],
                condition=Q(reversed_at__isnull=False),
                name="redemption_undone",
            ),
            models.Index(
                fields=["merchant", "due_at"], condition=Q(reversed_at__isnull=True), name="redemption_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id}/{self.use_no}"


class RedemptionReversal(models.Model):
    """A use given back, inside the window and before settlement; a fact of its own."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    redemption = models.OneToOneField(Redemption, on_delete=models.PROTECT, related_name="reversal")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    def __str__(self) -> str:
        return str(self.redemption_id)


class RedemptionRefusal(models.Model):
    """A code that was not redeemed, and why. The code is kept masked: a wrong one may be another shop's right one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+")
    clerk = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    device = models.CharField(max_length=40, blank=True, default="")
    coupon = models.ForeignKey(Coupon, null=True, on_delete=models.PROTECT, related_name="refusals")
    masked_code = models.CharField(max_length=20)
    code = models.CharField(max_length=40)  # why: the stable code of the refusal
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Refused code")
        verbose_name_plural = _("Refused codes")
        indexes = [
            models.Index(fields=["merchant", "-at"], name="refusal_by_time"),
            models.Index(fields=["merchant", "clerk", "-at"], name="refusal_by_clerk"),
        ]

    def __str__(self) -> str:
        return f"{self.masked_code} {self.code}"
