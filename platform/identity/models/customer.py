"""The customer in the mini-program."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.models.user import User


class Customer(models.Model):
    """One person of one outside sign-in; the phone is known only where he gave it."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="customer")
    sign_in_provider = models.CharField(max_length=20)
    open_id = models.CharField(max_length=80)
    nickname = models.CharField(max_length=40, blank=True, default="")
    phone_tail = models.CharField(max_length=4, blank=True, default="")
    is_shadow = models.BooleanField(
        default=False, db_default=False
    )  # made for a rehearsal; buys in shadow shops only
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Customer")
        verbose_name_plural = _("Customers")
        constraints = [
            models.UniqueConstraint(fields=["sign_in_provider", "open_id"], name="customer_open_id_once")
        ]

    def __str__(self) -> str:
        return self.nickname or self.open_id
