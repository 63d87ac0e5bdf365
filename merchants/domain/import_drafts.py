"""The steps of an import in the browser: upload, map, confirm once."""

from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope

from core.errors import DomainError
from core.imports.mapping import check_mapping
from core.imports.table import Table, TableFault, TableUnreadable, read_table
from identity.models import User
from merchants.domain.store_imports import StoreImport, guess_store_mapping, import_stores
from merchants.domain.store_rows import STORE_FIELDS
from merchants.models import ImportDraft, Merchant

KEPT_FOR = timedelta(hours=24)
MOST_ROWS = 20_000  # a page must answer in time; longer lists go through manage.py import_stores


class DraftFinished(DomainError):
    """This file was imported before."""

    code = "import_finished"


@transaction.atomic
def start_draft(*, merchant: Merchant, filename: str, content: bytes, by: User) -> ImportDraft:
    """Keep the file with a guessed mapping. Raises TableUnreadable. Drafts older than a day are thrown away."""
    table = read_draft_table(content)
    with scope(merchant=merchant.pk):
        ImportDraft.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
        return ImportDraft.objects.create(
            merchant=merchant,
            filename=filename[-120:],
            content=content,
            mapping=guess_store_mapping(table),
            created_by=by,
        )


def read_draft_table(content: bytes) -> Table:
    """The table of a file small enough for a page. Raises TableUnreadable."""
    table = read_table(content=content)
    if len(table.rows) > MOST_ROWS:
        raise TableUnreadable(why=TableFault.TOO_MANY_ROWS_FOR_A_PAGE)
    return table


def map_columns(*, draft: ImportDraft, mapping: dict[str, str]) -> None:
    """Correct the mapping. Raises ColumnMissing, ColumnUnknown, ColumnTwice, DraftFinished."""
    columns = read_draft_table(bytes(draft.content)).columns if draft.content else []
    check_mapping(mapping=mapping, fields=STORE_FIELDS, columns=columns)
    with scope(merchant=draft.merchant_id):
        if not ImportDraft.objects.filter(pk=draft.pk, finished_at=None).update(mapping=mapping):
            raise DraftFinished


def preview_draft(*, draft: ImportDraft, table: Table) -> StoreImport:
    """What confirming would do now; changes nothing. Raises ColumnMissing."""
    return import_stores(merchant=draft.merchant, table=table, mapping=draft.mapping, by=None, dry_run=True)


@transaction.atomic
def finish_draft(*, draft: ImportDraft, by: User) -> StoreImport:
    """Import the file, exactly once. Raises DraftFinished, ColumnMissing."""
    with scope(merchant=draft.merchant_id):
        if not ImportDraft.objects.filter(pk=draft.pk, finished_at=None).update(finished_at=Now()):
            raise DraftFinished
        table = read_draft_table(bytes(draft.content))
        result = import_stores(merchant=draft.merchant, table=table, mapping=draft.mapping, by=by)
        ImportDraft.objects.filter(pk=draft.pk).update(report=describe_import(result), content=b"")
    return result


def describe_import(result: StoreImport) -> dict[str, object]:
    """The report as JSON, with the rows to look at."""
    return {
        **result.as_json(),
        "warned_rows": [asdict(row) for row in result.report.warned_rows],
        "refused_rows": [asdict(row) for row in result.report.refused_rows],
    }
