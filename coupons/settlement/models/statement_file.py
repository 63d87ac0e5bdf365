"""A file of a large statement, made in the background."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.settlement.enums import FileForm, FileState
from coupons.settlement.models.statement import Statement
from identity.models import User


class StatementFile(models.Model):
    """Asked for by one person and given to nobody else; thrown away at expires_at.

    `rows_done` is written while it is made, for whoever waits. `tries` counts how often somebody asked for it to be made.
    """

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="files")
    form = models.CharField(max_length=6, choices=FileForm)
    language = models.CharField(max_length=10)
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=FileState, default=FileState.MAKING)
    tries = models.SmallIntegerField(default=1)
    rows_done = models.IntegerField(default=0)
    heartbeat_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="statement__merchant")

    class Meta:
        verbose_name = _("Statement file")
        verbose_name_plural = _("Statement files")
        constraints = [
            models.UniqueConstraint(fields=["statement", "asked_by", "form"], name="statement_file_once"),
            models.CheckConstraint(
                condition=Q(state=FileState.READY, ready_at__isnull=False, expires_at__isnull=False)
                | ~Q(state=FileState.READY) & Q(ready_at__isnull=True, expires_at__isnull=True, size=0),
                name="statement_file_ready_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(state=FileState.READY), name="statement_file_old"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.form} ({self.state})"

    @property
    def percent(self) -> int:
        """How far it is, 0 to 99 while it is made."""
        lines = self.statement.lines_count
        return 100 if self.state == FileState.READY else min(99, self.rows_done * 100 // max(lines, 1))


class StatementFilePiece(models.Model):
    """A part of a file's bytes. In the database, since the worker that made it may not be the machine that sends it."""

    file = models.ForeignKey(StatementFile, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        verbose_name = _("Piece of a statement file")
        verbose_name_plural = _("Pieces of statement files")
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="statement_file_piece_once"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} {self.number}"
