"""Who may do what where."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.enums import Role, Scope
from identity.models.party import Party
from identity.models.user import User


class Grant(models.Model):
    """A user acts on a party in a role, or by scopes in the name of another party, for a time.

    In some or all (store_ids null) of its stores. access.py of every floor reads grants only; memberships and engagements
    write them.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=10, choices=Role, blank=True, default="", db_default="")
    scopes = ArrayField(
        models.CharField(max_length=12, choices=Scope), default=list, db_default=[], blank=True
    )
    for_party = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    store_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    valid_from = models.DateTimeField(db_default=Now())
    valid_until = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=80)

    class Meta:
        verbose_name = _("Grant")
        verbose_name_plural = _("Grants")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes=[], for_party__isnull=True) & ~models.Q(role="")
                | ~models.Q(scopes=[]) & models.Q(role="", for_party__isnull=False),
                name="grant_role_or_scopes",
            ),
            models.UniqueConstraint(
                fields=["user", "party", "why"],
                condition=models.Q(valid_until__isnull=True),
                name="grant_one_open_per_reason",
            ),
        ]
        indexes = [models.Index(fields=["user", "party"], name="grant_user_party")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role or self.scopes} {self.party_id}"
