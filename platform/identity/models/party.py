"""Whoever can be owed money or granted access to."""

from django.db import models
from django.db.models.functions import Now

from identity.enums import PartyKind


class Party(models.Model):
    """Merchant, Provider, Station and Creator share this key, so the ground needs no name from above."""

    kind = models.CharField(max_length=10, choices=PartyKind)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(kind=PartyKind.PLATFORM), name="party_one_platform"
            )
        ]

    def __str__(self) -> str:
        return self.name
