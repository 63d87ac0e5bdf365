"""Statements as files: small ones at once, large ones by a job that writes how far it is.

A made file is one person's, in whose language it is; it lies in the database for some days. Whoever may no longer read the
statement is not given it either: the pages ask again at each download.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import override
from django_scopes import scope, scopes_disabled

from core.domain.jobs import enqueue_job
from core.enums import JobState
from core.models import Job
from coupons.settlement.enums import FileForm, FileState
from coupons.settlement.models import Statement, StatementFile, StatementFilePiece
from identity.domain.audit import record_event
from identity.models import User

BACKGROUND_LINES = 5_000  # statements of more lines are made by a job
KEPT_DAYS = 7
SILENT_MINUTES = 10  # without a word this long, and with its job given up, a file has failed
PIECE_BYTES = 1 << 20
JOB = "make_statement_file"

Write = Callable[[Statement, FileForm, IO[bytes], Callable[[int], None]], None]


def is_large(*, statement: Statement) -> bool:
    """Whether its files are made in the background."""
    return statement.lines_count > BACKGROUND_LINES


@transaction.atomic
def request_file(*, statement: Statement, form: FileForm, language: str, by: User) -> StatementFile:
    """Have the file made for this person, once: what is being made or ready is given again, what failed is tried anew."""
    with scope(merchant=statement.merchant_id):
        StatementFile.objects.filter(statement=statement, asked_by=by, expires_at__lt=Now()).delete()
        file, created = StatementFile.objects.select_for_update().get_or_create(
            statement=statement, asked_by=by, form=form, defaults={"language": language}
        )
        if not created:
            if file.state != FileState.FAILED:
                return file
            StatementFile.objects.filter(pk=file.pk, state=FileState.FAILED).update(
                state=FileState.MAKING, tries=F("tries") + 1, rows_done=0, heartbeat_at=Now(), told_at=None,
                language=language,
            )  # fmt: skip
            file.refresh_from_db()
    enqueue_job(kind=JOB, key=_key(file), payload={"file_id": file.pk}, merchant_id=statement.merchant_id)
    record_download(statement=statement, form=form, by=by, verb="statement.file_requested")
    return file


def make_file(*, file_id: int, write: Write, is_last_try: bool, still_there: Callable[[], None]) -> None:
    """Write the file and put it into the database, whole or not at all; safe to repeat.

    Runs in no transaction, so that whoever waits sees how far it is. `write` writes the bytes; `still_there` is called as
    lines are written. Raises what `write` raised; on the last try the file says then that it failed.
    """
    with scopes_disabled():
        file = (
            StatementFile.objects.filter(pk=file_id, state=FileState.MAKING)
            .select_related("statement__merchant", "statement__previous")
            .first()
        )
    if file is None:  # made before by a worker that was taken for lost, or thrown away
        return

    def say(rows: int) -> None:
        with scopes_disabled():
            StatementFile.objects.filter(pk=file_id, state=FileState.MAKING).update(
                rows_done=rows, heartbeat_at=Now()
            )
        still_there()

    try:
        with tempfile.TemporaryFile() as made, scope(merchant=file.statement.merchant_id):
            with override(file.language):
                write(file.statement, FileForm(file.form), made, say)
            _keep(file, made)
    except Exception:
        if is_last_try:
            _fail(file_id)
        raise


def read_file(*, file: StatementFile) -> Iterator[bytes]:
    """The bytes of a ready file, piece by piece."""
    pieces = file.pieces.order_by("number").values_list("content", flat=True)
    for content in pieces.iterator(chunk_size=2):
        yield bytes(content)


@dataclass(frozen=True)
class News:
    """What became ready or failed and was not told yet, and whether more is being made."""

    finished: list[StatementFile]
    is_waiting: bool


@transaction.atomic
def find_news(*, user: User) -> News:
    """Of this person's files, whatever the shop; each is told once."""
    with scopes_disabled():
        files = StatementFile.objects.filter(asked_by=user)
        finished = list(
            files.exclude(state=FileState.MAKING)
            .filter(told_at__isnull=True)
            .select_related("statement__merchant")
            .select_for_update(of=("self",), skip_locked=True)
            .order_by("id")
        )
        if finished:
            StatementFile.objects.filter(pk__in=[file.pk for file in finished]).update(told_at=Now())
        return News(finished=finished, is_waiting=files.filter(state=FileState.MAKING).exists())


def sweep_files() -> int:
    """Throw away what is old, and say of what nobody makes any more that it failed; the number thrown away."""
    with scopes_disabled():
        silent = StatementFile.objects.filter(
            state=FileState.MAKING, heartbeat_at__lt=Now() - timedelta(minutes=SILENT_MINUTES)
        )
        for file in silent:
            if not Job.objects.filter(kind=JOB, key=_key(file), state=JobState.READY).exists():
                _fail(file.pk)
        _, gone = StatementFile.objects.filter(state=FileState.READY, expires_at__lt=Now()).delete()
    return gone.get("settlement.StatementFile", 0)


def record_download(*, statement: Statement, form: FileForm, by: User, verb: str) -> None:
    """Who took what out of the house."""
    record_event(
        verb=verb, noun="statement", noun_id=statement.pk, by=by, merchant_id=statement.merchant_id,
        number=statement.number, form=form.value,
    )  # fmt: skip


def _key(file: StatementFile) -> str:
    return f"{file.pk}:{file.tries}"


@transaction.atomic
def _keep(file: StatementFile, made: IO[bytes]) -> None:
    size = made.seek(0, 2)
    made.seek(0)
    kept = StatementFile.objects.filter(pk=file.pk, state=FileState.MAKING).update(
        state=FileState.READY, ready_at=Now(), expires_at=Now() + timedelta(days=KEPT_DAYS),
        rows_done=file.statement.lines_count, size=size,
    )  # fmt: skip
    number = 0
    while kept and (content := made.read(PIECE_BYTES)):
        StatementFilePiece.objects.create(file=file, number=number, content=content)
        number += 1


def _fail(file_id: int) -> None:
    with scopes_disabled():
        StatementFile.objects.filter(pk=file_id, state=FileState.MAKING).update(state=FileState.FAILED)
