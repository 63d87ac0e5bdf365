"""The first answer to a request that may be sent again."""

from django.db import models
from django.db.models.functions import Now


class IdempotencyKey(models.Model):
    """One outside request: who asked, what, and the answer given; written in the transaction of its effect."""

    principal = models.CharField(max_length=60)
    endpoint = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "endpoint", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.endpoint} {self.key}"
