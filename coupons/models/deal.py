"""What a merchant puts on offer: price, validity, rules, stores."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import DealKind, DealState, ValidityKind
from coupons.models.audience import Audience
from identity.models import Customer, User
from merchants.models import Merchant, Store

EVERY_WEEKDAY = [0, 1, 2, 3, 4, 5, 6]


def every_weekday() -> list[int]:
    return list(EVERY_WEEKDAY)


class Deal(models.Model):
    """A group-buy deal. Prices are fen of the merchant's currency; rules hold in the merchant's time zone.

    `usable_weekdays`: Monday is 0. `usable_hours`: [["11:00", "21:30"], …], empty means all day, a span whose end is
    not after its start runs past midnight. `face_value_fen` is a cash voucher's, `uses_total` a times card's.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="deals")
    external_number = models.CharField(_("Number elsewhere"), max_length=64, blank=True, default="")
    title = models.CharField(_("Deal name"), max_length=60)
    kind = models.CharField(_("Kind"), max_length=12, choices=DealKind, default=DealKind.PACKAGE)
    description = models.TextField(_("Notes for the customer"), max_length=2000, blank=True, default="")
    category = models.CharField(_("Category"), max_length=40, blank=True, default="")
    price_fen = models.BigIntegerField(_("Price"))
    list_price_fen = models.BigIntegerField(_("List price"))
    face_value_fen = models.BigIntegerField(_("Face value"), null=True, blank=True)
    uses_total = models.SmallIntegerField(_("Uses"), default=1)

    sale_from = models.DateTimeField(_("On sale from"), null=True, blank=True)
    sale_until = models.DateTimeField(_("On sale until"), null=True, blank=True)
    validity_kind = models.CharField(
        _("Valid"), max_length=5, choices=ValidityKind, default=ValidityKind.DAYS
    )
    valid_from_date = models.DateField(_("Valid from"), null=True, blank=True)
    valid_until_date = models.DateField(_("Valid until"), null=True, blank=True)
    valid_days = models.SmallIntegerField(_("Days after purchase"), null=True, blank=True, default=90)
    usable_weekdays = ArrayField(models.SmallIntegerField(), default=every_weekday)
    usable_hours = models.JSONField(default=list, blank=True)
    blackout_dates = ArrayField(models.DateField(), default=list, blank=True)

    audience = models.ForeignKey(  # null: for everybody; the shop shows only those
        Audience, null=True, blank=True, on_delete=models.PROTECT, related_name="deals"
    )
    all_stores = models.BooleanField(_("All stores"), default=True)
    stores = models.ManyToManyField(Store, blank=True, related_name="deals", verbose_name=_("Stores"))
    per_order_limit = models.SmallIntegerField(_("At most per order"), default=10)
    per_person_limit = models.IntegerField(_("At most per person"), null=True, blank=True)
    refundable_before_use = models.BooleanField(_("Refund any time before use"), default=True)
    refund_on_expiry = models.BooleanField(_("Refunded by itself when expired"), default=True)

    state = models.CharField(max_length=10, choices=DealState, default=DealState.DRAFT)
    version = models.IntegerField(default=1)  # counts saves; an editor that saw an older one is told
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Deal")
        verbose_name_plural = _("Deals")
        constraints = [
            models.CheckConstraint(
                condition=Q(price_fen__gte=0, list_price_fen__gte=F("price_fen")), name="deal_prices"
            ),
            models.CheckConstraint(
                condition=Q(per_order_limit__range=(1, 10))
                & (Q(per_person_limit__isnull=True) | Q(per_person_limit__gte=1)),
                name="deal_limits",
            ),
            models.CheckConstraint(
                condition=Q(uses_total__gte=1) & (Q(kind=DealKind.TIMES_CARD) | Q(uses_total=1)),
                name="deal_uses",
            ),
            models.CheckConstraint(
                condition=Q(validity_kind=ValidityKind.DAYS, valid_days__gte=0)
                | Q(
                    validity_kind=ValidityKind.FIXED,
                    valid_from_date__isnull=False,
                    valid_until_date__gte=F("valid_from_date"),
                ),
                name="deal_validity",
            ),
            models.UniqueConstraint(
                fields=["merchant", "external_number"],
                condition=~Q(external_number=""),
                name="deal_external_number_once",
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="deal_key"),
        ]
        indexes = [models.Index(fields=["merchant", "state", "-id"], name="deal_by_state")]

    def __str__(self) -> str:
        return self.title


class DealGroup(models.Model):
    """Choose `choose` of the items of this group; equal to the number of items means all of them."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="groups")
    position = models.SmallIntegerField(default=0)
    name = models.CharField(_("Group"), max_length=40, blank=True, default="")
    choose = models.SmallIntegerField(_("Choose"), default=1)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.CheckConstraint(condition=Q(choose__gte=1), name="deal_group_choose")]

    def __str__(self) -> str:
        return self.name


class DealItem(models.Model):
    """One thing in a group; unit price in fen, for the list price."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    group = models.ForeignKey(DealGroup, on_delete=models.CASCADE, related_name="items")
    position = models.SmallIntegerField(default=0)
    name = models.CharField(_("Item"), max_length=60)
    quantity = models.SmallIntegerField(_("Quantity"), default=1)
    unit_price_fen = models.BigIntegerField(_("Unit price"), default=0)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1, unit_price_fen__gte=0), name="deal_item_sane")
        ]

    def __str__(self) -> str:
        return self.name


class DealReview(models.Model):
    """One submission to the platform's operator and his answer; a rejection says why."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="reviews")
    submitted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(db_default=Now())
    approved = models.BooleanField(null=True)
    reason = models.CharField(_("Reason"), max_length=400, blank=True, default="")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Review")
        verbose_name_plural = _("Reviews")
        constraints = [
            models.UniqueConstraint(
                fields=["deal"], condition=Q(decided_at__isnull=True), name="deal_review_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(approved=False) | ~Q(reason=""), name="deal_review_rejection_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deal_id} {self.approved}"


class DealPurchase(models.Model):
    """How many of a deal one customer holds or has bought: the per-person limit is a conditional update here."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    quantity = models.IntegerField(default=0)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deal", "customer"], name="deal_purchase_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="deal_purchase_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.deal_id} {self.customer_id}: {self.quantity}"
