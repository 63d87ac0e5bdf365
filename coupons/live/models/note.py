"""What people wrote down about a session."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.live.models.session import LiveSession
from identity.models import User
from merchants.models import Merchant


class LiveNote(models.Model):
    """A remark, or something to do before the next session; `done_at` says it was done."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="notes")
    text = models.CharField(_("Note"), max_length=400)
    is_todo = models.BooleanField(_("To do before the next session"), default=False)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_todo=True) | Q(done_at__isnull=True), name="live_note_only_todos_get_done"
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="live_note_key"),
        ]

    def __str__(self) -> str:
        return self.text
