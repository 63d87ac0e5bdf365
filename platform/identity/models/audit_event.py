"""What somebody did, for people to read."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.models.party import Party


class AuditEvent(models.Model):
    """Written in the transaction of the act; never changed. `verb` is stable, pages turn it into a sentence.

    `for_party` is in whose name the actor did it, where he acts for somebody who serves the merchant.
    """

    merchant_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    for_party = models.ForeignKey(
        Party, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    verb = models.CharField(max_length=40)
    noun = models.CharField(max_length=30)
    noun_id = models.BigIntegerField()
    facts = models.JSONField(default=dict, db_default={})
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Act")
        verbose_name_plural = _("What was done")
        indexes = [
            models.Index(fields=["merchant_id", "noun", "noun_id", "at"], name="audit_of_noun"),
            models.Index(fields=["merchant_id", "-at"], name="audit_of_merchant"),
            models.Index(
                fields=["merchant_id", "for_party", "-at"],
                condition=models.Q(for_party__isnull=False),
                name="audit_on_behalf",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.noun} {self.noun_id}"
