"""One bought right with a code, held by a customer."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_scopes import ScopedManager

from coupons.enums import CouponState
from coupons.models.deal import Deal
from coupons.models.order import Order
from identity.models import Customer
from merchants.models import Merchant


class Coupon(models.Model):
    """15 digits, unique per merchant. `price_fen` was paid for all its uses; valid in [valid_from, valid_until)."""

    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="coupons", db_index=False
    )  # coupon_by_merchant
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="coupons")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="coupons")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="coupons")
    code = models.CharField(pgettext_lazy("coupon", "Code"), max_length=15)
    price_fen = models.BigIntegerField()
    uses_total = models.SmallIntegerField(default=1)
    uses_left = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=14, choices=CouponState, default=CouponState.ISSUED)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    issued_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Coupon")
        verbose_name_plural = _("Coupons")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "code"], name="coupon_code_once"),
            models.CheckConstraint(condition=Q(code__regex=r"^[0-9]{15}$"), name="coupon_code_digits"),
            models.CheckConstraint(
                condition=Q(uses_total__gte=1, uses_left__gte=0, uses_left__lte=F("uses_total")),
                name="coupon_uses",
            ),
            models.CheckConstraint(
                condition=(Q(state=CouponState.REDEEMED) & Q(uses_left=0))
                | (~Q(state=CouponState.REDEEMED) & Q(uses_left__gt=0)),
                name="coupon_redeemed_has_no_use_left",
            ),
            models.CheckConstraint(condition=Q(price_fen__gte=0), name="coupon_price"),
            models.CheckConstraint(condition=Q(valid_until__gt=F("valid_from")), name="coupon_validity"),
        ]
        indexes = [
            models.Index(fields=["order"], name="coupon_by_order"),
            models.Index(  # else a small shop's list is looked for among a large one's coupons
                fields=["merchant", "-id"], name="coupon_by_merchant"
            ),
            models.Index(
                fields=["code"], name="coupon_by_code"
            ),  # tells another merchant's coupon from a wrong code
            models.Index(
                fields=["merchant", "valid_until"],
                condition=Q(state=CouponState.ISSUED),
                name="coupon_expiring",
            ),
            models.Index(fields=["customer", "-id"], name="coupon_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.code[:4]} **** {self.code[-4:]}"
