"""Import a list of deals: every row is imported, imported with named doubts, or refused with a reason."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django_scopes import scope

from core.clock import database_now
from core.errors import DomainError
from core.imports.mapping import check_mapping, guess_mapping, mapped_values
from core.imports.report import ImportReport, RowRefused
from core.imports.table import Row, Table
from coupons.domain.deal_rows import DEAL_FIELDS, FEN_PER_UNIT, DealRow, judge_deal_row
from coupons.domain.stock import open_stocks
from coupons.enums import DealDoubt, DealRowRefusal, DealState
from coupons.models import Deal
from identity.domain.audit import record_event
from identity.models import User
from merchants.models import Merchant

CHUNK = 1000
KEY_FIELDS = ("external_number", "title", "price_fen", "list_price_fen", "sale_from", "sale_until")
Progress = Callable[[Iterable[Row]], Iterable[Row]]
Key = tuple[Any, ...]


class CurrencyDiffers(DomainError):
    """The merchant sells in another currency than the file's."""

    code = "currency_differs"


@dataclass(frozen=True)
class FileKind:
    """A file we know by its columns: what its prices and hours are in."""

    columns: frozenset[str]
    currency: str
    zone: str


KNOWN_FILES = (
    FileKind(frozenset({"CAPSULE_TEXT", "CATALOG_PRICE", "COUPON_ID_hash", "ken_name"}), "JPY", "Asia/Tokyo"),
)
OTHER_FILES = FileKind(frozenset(), "CNY", "Asia/Shanghai")


@dataclass
class DealImport:
    """Prices are kept as fen of the file's unit: one unit of `currency` is 100 of them, whatever its coins are."""

    currency: str
    report: ImportReport = field(default_factory=ImportReport)
    by_state: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            **self.report.as_json(),
            "currency": self.currency,
            "fen_per_unit": FEN_PER_UNIT,
            "by_state": self.by_state,
        }


def file_kind(table: Table) -> FileKind:
    """Currency and time zone of the file, told by its columns; CNY and Shanghai for others."""
    return next((kind for kind in KNOWN_FILES if kind.columns <= set(table.columns)), OTHER_FILES)


def guess_deal_mapping(table: Table) -> dict[str, str]:
    """Our field -> column of the file, by known names in Chinese, English and Japanese."""
    return guess_mapping(fields=DEAL_FIELDS, columns=table.columns)


@transaction.atomic
def import_deals(
    *,
    merchant: Merchant | None,
    table: Table,
    mapping: Mapping[str, str],
    currency: str,
    zone: ZoneInfo,
    by: User | None,
    dry_run: bool = False,
    progress: Progress = iter,
) -> DealImport:
    """Add the file's deals with their stock rows, all in one transaction; nothing with dry_run.

    A deal whose sale is over arrives as ended, any other as a draft: nothing goes on sale without review. A deal that
    was imported before is known by its number (without one by name, prices and dates of sale) and left as it is. No merchant (dry_run only) is one without deals.
    Raises CurrencyDiffers, ColumnMissing, ColumnUnknown, ColumnTwice.
    """
    check_mapping(mapping=mapping, fields=DEAL_FIELDS, columns=table.columns)
    if merchant is None:
        return _sort_rows(table, mapping, set(), currency, zone, progress)[0]
    if merchant.currency != currency:
        raise CurrencyDiffers(merchant=merchant.currency, file=currency)
    with scope(merchant=merchant.pk):
        # Two imports at a time would each miss what the other adds.
        Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
        known = {_key(fields) for fields in Deal.objects.values(*KEY_FIELDS)}
        result, added = _sort_rows(table, mapping, known, currency, zone, progress)
        if dry_run:
            return result
        for deal, _stock in added:
            deal.merchant = merchant
            deal.updated_by = by
        Deal.objects.bulk_create([deal for deal, _stock in added], batch_size=CHUNK)
        open_stocks(deals=added)
    record_event(
        verb="deals.import", noun="merchant", noun_id=merchant.pk, by=by, merchant_id=merchant.pk,
        rows=result.report.rows, created=result.report.created, refused=result.report.refused,
    )  # fmt: skip
    return result


def _sort_rows(
    table: Table,
    mapping: Mapping[str, str],
    known: set[Key],
    currency: str,
    zone: ZoneInfo,
    progress: Progress,
) -> tuple[DealImport, list[tuple[Deal, int | None]]]:
    now = database_now()
    result, added = DealImport(currency=currency), []
    seen: set[Key] = set()
    for row in progress(table.rows):
        values = mapped_values(row=row, mapping=mapping)
        try:
            judged = _judge(row, values, zone, seen)
        except RowRefused as refusal:
            result.report.refuse(
                number=row.number, title=values.get("title", ""), code=str(refusal.code), value=refusal.value
            )
            continue
        is_known = _key(judged.fields) in known
        doubts = judged.doubts | {str(DealDoubt.ALREADY_THERE)} if is_known else judged.doubts
        result.report.accept(number=row.number, title=judged.fields["title"], warnings=doubts)
        if is_known:
            result.report.unchanged += 1
            continue
        state = _state(judged, now)
        result.report.created += 1
        result.by_state[state] = result.by_state.get(state, 0) + 1
        added.append((Deal(**judged.fields, state=state), judged.stock))
    result.report.check_adds_up(rows=len(table.rows))
    return result, added


def _judge(row: Row, values: Mapping[str, str], zone: ZoneInfo, seen: set[Key]) -> DealRow:
    if row.is_ragged:
        raise RowRefused(DealRowRefusal.TOO_MANY_CELLS)
    judged = judge_deal_row(values, zone=zone)
    key = _key(judged.fields)
    if key in seen:
        number = judged.fields["external_number"]
        raise RowRefused(
            DealRowRefusal.DUPLICATE_NUMBER if number else DealRowRefusal.DUPLICATE_DEAL,
            number or judged.fields["title"],
        )
    seen.add(key)
    return judged


def _key(fields: Mapping[str, Any]) -> Key:
    """What a deal is known by: its number, or without one its name, prices and dates of sale."""
    number = fields["external_number"]
    return (number,) if number else tuple(fields[name] for name in KEY_FIELDS)


def _state(judged: DealRow, now: datetime) -> str:
    sale_until = judged.fields["sale_until"]
    return str(DealState.ENDED if sale_until and sale_until <= now else DealState.DRAFT)
