"""/m/<slug>/stores/import/: upload a list, correct its columns, look at what would happen, confirm."""

import csv
import io
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import DomainError, NotFound
from core.imports.mapping import ColumnMissing
from core.imports.table import MAX_FILE_BYTES, Table, TableFault, TableUnreadable
from core.refusals import describe
from identity.enums import Role
from merchants.access import access_import_draft
from merchants.decorators import MerchantRequest, merchant_page
from merchants.domain.import_drafts import (
    describe_import,
    finish_draft,
    map_columns,
    preview_draft,
    read_draft_table,
    start_draft,
)
from merchants.domain.store_rows import STORE_FIELDS
from merchants.enums import StoreDoubt, StoreRowRefusal
from merchants.forms import StoreFileForm
from merchants.models import ImportDraft

IMPORTERS = (Role.OWNER, Role.MANAGER)
SAMPLE_ROWS = 3
ROWS_SHOWN = 100
CITIES_SHOWN = 10
WITH_MARK = "\ufeff"  # Excel reads UTF-8 only with the mark
TEMPLATE_ROWS = (
    ("门店编号", "门店名称", "省份", "城市", "区县", "地址", "邮编", "电话", "经度", "纬度"),
    ("A001", "人民广场店", "上海市", "上海市", "黄浦区", "南京东路 1 号", "200001", "021-12345678", "121.4737", "31.2304"),
)  # fmt: skip


@merchant_page(*IMPORTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def store_import(request: MerchantRequest) -> HttpResponse:
    """Take the file; nothing becomes a store yet."""
    _check_in_charge_of_all(request)
    form = StoreFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload.size > MAX_FILE_BYTES:
                raise TableUnreadable(why=TableFault.TOO_LARGE)
            draft = start_draft(
                merchant=request.merchant, filename=upload.name, content=upload.read(), by=request.user
            )
        except TableUnreadable as error:
            form.add_error("file", str(TableFault(error.facts["why"]).label))
        else:
            return redirect("store_import_draft", slug=request.merchant.slug, draft_id=draft.pk)
    return render(request, "merchant/stores/import.html", {"form": form}, status=422 if form.errors else 200)


@merchant_page(*IMPORTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def store_import_draft(request: MerchantRequest, draft_id: int) -> HttpResponse:
    """Columns and preview before, the result after; posting maps the columns or confirms."""
    _check_in_charge_of_all(request)
    draft = access_import_draft(access=request.access, draft_id=draft_id)
    if request.method == "POST":
        try:
            if "confirm" in request.POST:
                finish_draft(draft=draft, by=request.user)
            else:
                map_columns(draft=draft, mapping=_posted_mapping(request))
        except DomainError as error:
            told = describe(error)
            messages.error(request, f"{told.title} {told.next_step}")
        return redirect("store_import_draft", slug=request.merchant.slug, draft_id=draft.pk)
    if draft.finished_at:
        return render(
            request, "merchant/stores/import_result.html", {"draft": draft, **_told(draft.report or {})}
        )
    return render(request, "merchant/stores/import_preview.html", _preview(draft))


@merchant_page(*IMPORTERS)
@require_safe
def store_import_template(request: MerchantRequest, kind: str) -> HttpResponse:
    """An empty list to fill in, with one row as an example: CSV or Excel."""
    _check_in_charge_of_all(request)
    if kind == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(TEMPLATE_ROWS)
        content = (WITH_MARK + text.getvalue()).encode()
        response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    else:
        response = HttpResponse(
            _workbook(), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
    response["Content-Disposition"] = f'attachment; filename="stores.{kind}"'
    return response


def _check_in_charge_of_all(request: MerchantRequest) -> None:
    """Somebody bound to stores cannot bring in others. Raises NotFound."""
    if request.access.store_ids is not None:
        raise NotFound


def _posted_mapping(request: MerchantRequest) -> dict[str, str]:
    chosen = {field.name: request.POST.get(f"column_{field.name}", "") for field in STORE_FIELDS}
    return {name: column for name, column in chosen.items() if column}


def _preview(draft: ImportDraft) -> dict[str, Any]:
    table = read_draft_table(bytes(draft.content))
    context: dict[str, Any] = {
        "draft": draft,
        "table": table,
        "columns": _columns(table, draft.mapping),
        "unused": [column for column in table.columns if column not in draft.mapping.values()],
    }
    try:
        return {**context, **_told(describe_import(preview_draft(draft=draft, table=table)))}
    except ColumnMissing as error:
        missing = next(field for field in STORE_FIELDS if field.name == error.facts["field"])
        return {**context, "missing": missing.label}


def _columns(table: Table, mapping: dict[str, str]) -> list[dict[str, Any]]:
    """Each of our fields with the file's column and what stands in it."""
    samples = {
        column: [row.cells[column] for row in table.rows if row.cells[column]][:SAMPLE_ROWS]
        for column in set(mapping.values())
    }
    return [
        {
            "field": field,
            "column": mapping.get(field.name, ""),
            "samples": samples.get(mapping.get(field.name, ""), []),
        }
        for field in STORE_FIELDS
    ]


def _told(report: dict[str, Any]) -> dict[str, Any]:
    """The report with its codes in words."""
    words = {str(code): code.label for code in (*StoreDoubt, *StoreRowRefusal)}
    return {
        "report": report,
        "warnings": [(words[code], count) for code, count in _most_first(report["warnings"])],
        "refusals": [(words[code], count) for code, count in _most_first(report["refusals"])],
        "cities": _most_first(report["by_official_city"])[:CITIES_SHOWN],
        "refused_rows": _rows_in_words(report["refused_rows"], words),
        "warned_rows": _rows_in_words(report["warned_rows"], words),
    }


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    """The database keeps JSON without the order of its keys."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _rows_in_words(rows: list[dict[str, Any]], words: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**row, "reasons": [words[code] for code in row["codes"]]} for row in rows[:ROWS_SHOWN]]


def _workbook() -> bytes:
    import openpyxl  # heavy; only for this download

    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in TEMPLATE_ROWS:
        sheet.append(row)
    for column in "ABCDEFGHIJ":
        sheet.column_dimensions[column].width = 16
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
