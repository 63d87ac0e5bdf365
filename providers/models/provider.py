"""A firm that runs its clients' shops."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from phonenumber_field.modelfields import PhoneNumberField

from identity.enums import Role
from identity.models import Party, User
from merchants.enums import InvitationState


class Provider(models.Model):
    """Shares its key with its party."""

    party = models.OneToOneField(Party, on_delete=models.PROTECT, primary_key=True, related_name="provider")
    name = models.CharField(_("Name of the firm"), max_length=80)
    city = models.CharField(_("City"), max_length=40, blank=True, default="")
    about = models.CharField(_("What it does"), max_length=400, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Service provider")
        verbose_name_plural = _("Service providers")

    def __str__(self) -> str:
        return self.name


class ProviderMembership(models.Model):
    """One person's post at a provider: owner, manager or finance. It writes his grant there and, by the provider's
    engagements, those at its clients."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="provider_memberships")
    role = models.CharField(pgettext_lazy("staff", "Post"), max_length=10, choices=Role)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Post at a provider")
        verbose_name_plural = _("Posts at providers")
        constraints = [
            models.UniqueConstraint(fields=["provider", "user"], name="provider_membership_once"),
            models.CheckConstraint(condition=~models.Q(role=Role.CLERK), name="provider_has_no_clerks"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ProviderInvitation(models.Model):
    """A link that makes somebody one of a provider's people, once, within 72 hours; only the hash of its secret is kept."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="invitations")
    name = models.CharField(pgettext_lazy("person", "Name"), max_length=40)
    phone = PhoneNumberField(_("Phone"))
    role = models.CharField(pgettext_lazy("staff", "Post"), max_length=10, choices=Role)
    secret_hash = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=InvitationState, default=InvitationState.SENT)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    valid_until = models.DateTimeField()

    class Meta:
        verbose_name = _("Invitation")
        verbose_name_plural = _("Invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "phone"],
                condition=models.Q(state=InvitationState.SENT),
                name="provider_invitation_one_open",
            ),
            models.CheckConstraint(condition=~models.Q(role=Role.CLERK), name="provider_invites_no_clerks"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"
