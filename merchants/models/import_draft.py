"""A file on its way into the database: uploaded, its columns mapped, looked at, not yet imported."""

from django.db import models
from django.db.models.functions import Now
from django_scopes import ScopedManager

from identity.models import User
from merchants.models.merchant import Merchant


class ImportDraft(models.Model):
    """Holds the file itself until it is imported or a day has passed; `mapping` is our field -> column of the file.

    Once imported, `report` says what became of the rows and `content` is empty.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    filename = models.CharField(max_length=120)
    content = models.BinaryField()
    mapping = models.JSONField(default=dict)
    report = models.JSONField(null=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        indexes = [models.Index(fields=["merchant", "created_at"], name="import_draft_by_age")]

    def __str__(self) -> str:
        return self.filename
