"""Import a list of stores: every row is imported, imported with named doubts, or refused with a reason."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django_scopes import scope

from core.imports.mapping import check_mapping, guess_mapping, mapped_values
from core.imports.report import ImportReport, RowRefused
from core.imports.table import Row, Table
from identity.domain.audit import record_event
from identity.models import User
from merchants.domain.store_rows import STORE_FIELDS, StoreRow, judge_store_row
from merchants.domain.stores import StoreDetails
from merchants.enums import StoreRowRefusal
from merchants.models import Merchant, Store

CHUNK = 1000
Progress = Callable[[Iterable[Row]], Iterable[Row]]


@dataclass
class StoreImport:
    """`by_city` counts imported rows by the city as the file writes it, `by_official_city` by what was stored."""

    report: ImportReport = field(default_factory=ImportReport)
    by_city: Counter[str] = field(default_factory=Counter)
    by_official_city: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return {
            **self.report.as_json(),
            "by_city": dict(self.by_city.most_common()),
            "by_official_city": dict(self.by_official_city.most_common()),
        }


def guess_store_mapping(table: Table) -> dict[str, str]:
    """Our field -> column of the file, by known names in Chinese, English and Japanese."""
    return guess_mapping(fields=STORE_FIELDS, columns=table.columns)


@transaction.atomic
def import_stores(
    *,
    merchant: Merchant | None,
    table: Table,
    mapping: Mapping[str, str],
    by: User | None,
    dry_run: bool = False,
    progress: Progress = iter,
) -> StoreImport:
    """Bring the merchant's stores up to the file; all in one transaction, nothing with dry_run.

    A store is known again by its number, or where the file or the store has none by name and city; it is brought up
    to date and keeps its state, hours and coupons. No merchant (dry_run only) is one without stores. Only fields the file has a
    column for are written. Raises ColumnMissing, ColumnUnknown, ColumnTwice.
    """
    check_mapping(mapping=mapping, fields=STORE_FIELDS, columns=table.columns)
    if merchant is None:
        return _sort_rows(table, mapping, {}, progress)[0]
    with scope(merchant=merchant.pk):
        # Two imports at a time would each miss what the other adds.
        Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
        known = _known_stores()
        result, added, changed = _sort_rows(table, mapping, known, progress)
        if dry_run:
            return result
        for store in added:
            store.merchant = merchant
        Store.objects.bulk_create(added, batch_size=CHUNK)
        if changed:
            written = [name for name, _label in _written_fields(mapping)]
            Store.objects.bulk_update(changed, [*written, "import_warnings"], batch_size=CHUNK)
    record_event(
        verb="stores.import", noun="merchant", noun_id=merchant.pk, by=by, merchant_id=merchant.pk,
        rows=result.report.rows, created=result.report.created, updated=result.report.updated,
        refused=result.report.refused,
    )  # fmt: skip
    return result


def _sort_rows(
    table: Table, mapping: Mapping[str, str], known: dict[tuple[str, ...], Store], progress: Progress
) -> tuple[StoreImport, list[Store], list[Store]]:
    result, added, changed = StoreImport(), [], []
    seen: set[tuple[str, ...]] = set()
    for row in progress(table.rows):
        values = mapped_values(row=row, mapping=mapping)
        try:
            judged = _judge(row, values, seen)
        except RowRefused as refusal:
            result.report.refuse(
                number=row.number, title=values.get("name", ""), code=str(refusal.code), value=refusal.value
            )
            continue
        details = judged.details
        result.report.accept(number=row.number, title=details.name, warnings=judged.doubts)
        result.by_city[judged.written_city] += 1
        result.by_official_city[details.city] += 1
        store = _find(known, details)
        if store is None:
            added.append(Store(**asdict(details), import_warnings=sorted(judged.doubts)))
            result.report.created += 1
        elif _bring_up_to_date(store, judged, mapping):
            changed.append(store)
            result.report.updated += 1
        else:
            result.report.unchanged += 1
    result.report.check_adds_up(rows=len(table.rows))
    return result, added, changed


def _judge(row: Row, values: Mapping[str, str], seen: set[tuple[str, ...]]) -> StoreRow:
    if row.is_ragged:
        raise RowRefused(StoreRowRefusal.TOO_MANY_CELLS)
    judged = judge_store_row(values)
    key = _key(judged.details.number, judged.details.name, judged.details.city)
    if key in seen:
        number = judged.details.number
        code = StoreRowRefusal.DUPLICATE_NUMBER if number else StoreRowRefusal.DUPLICATE_NAME
        raise RowRefused(code, number or judged.details.name)
    seen.add(key)
    return judged


def _bring_up_to_date(store: Store, judged: StoreRow, mapping: Mapping[str, str]) -> bool:
    is_changed = False
    for name, is_by_file in _written_fields(mapping):
        value = getattr(judged.details, name)
        # A place is told from the city alone where the file has no column for it; nothing is emptied by that.
        if (is_by_file or value) and getattr(store, name) != value:
            setattr(store, name, value)
            is_changed = True
    if is_changed:
        store.import_warnings = sorted(judged.doubts)
    return is_changed


def _written_fields(mapping: Mapping[str, str]) -> list[tuple[str, bool]]:
    """The fields an import may write, and whether the file has a column for each."""
    by_file = {name for name, column in mapping.items() if column}
    found = by_file | {"country", "province", "city", "district"}
    return [(name, name in by_file) for name in sorted(found)]


def _known_stores() -> dict[tuple[str, ...], Store]:
    known: dict[tuple[str, ...], Store] = {}
    for store in Store.objects.order_by("pk"):
        known.setdefault(_key("", store.name, store.city), store)
        if store.number:
            known[_key(store.number, store.name, store.city)] = store
    return known


def _find(known: dict[tuple[str, ...], Store], details: StoreDetails) -> Store | None:
    """By number; by name and city where the file or the store has none."""
    store = known.get(_key(details.number, details.name, details.city))
    if store is None and details.number:
        namesake = known.get(_key("", details.name, details.city))
        store = namesake if namesake and not namesake.number else None
    return store


def _key(number: str, name: str, city: str) -> tuple[str, ...]:
    return ("number", number) if number else ("name", name, city)
