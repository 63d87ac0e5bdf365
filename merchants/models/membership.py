"""Who works for a merchant."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_scopes import ScopedManager
from phonenumber_field.modelfields import PhoneNumberField

from identity.enums import Role
from identity.models import User
from merchants.enums import InvitationState
from merchants.models.merchant import Merchant
from merchants.models.store import Store


class Membership(models.Model):
    """One person's post at one merchant; a clerk is bound to stores. It writes the person's grant."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("Post"), max_length=10, choices=Role)
    stores = models.ManyToManyField(Store, blank=True, related_name="memberships", verbose_name=_("Stores"))
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Post")
        verbose_name_plural = _("Posts")
        constraints = [models.UniqueConstraint(fields=["merchant", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class StaffInvitation(models.Model):
    """A link that makes somebody a member, once, within 72 hours; only the hash of its secret is kept."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="invitations")
    name = models.CharField(pgettext_lazy("person", "Name"), max_length=40)
    phone = PhoneNumberField(_("Phone"))
    role = models.CharField(_("Post"), max_length=10, choices=Role)
    stores = models.ManyToManyField(Store, blank=True, related_name="+", verbose_name=_("Stores"))
    secret_hash = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=InvitationState, default=InvitationState.SENT)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    valid_until = models.DateTimeField()

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Invitation")
        verbose_name_plural = _("Invitations")

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"
