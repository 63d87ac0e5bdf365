"""A provider's bill enters once, whole or not at all; a corrected one replaces it and never edits it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction
from django_scopes import scope

from core.errors import DomainError
from core.imports.report import NamedRow
from coupons.settlement.domain.bill_rows import BillRow
from coupons.settlement.enums import BillEntryKind, BillRowRefusal
from coupons.settlement.models import ProviderBill
from identity.domain.audit import record_event
from identity.models import User
from merchants.models import Merchant

MOST_DAYS = 400


class BillRefused(DomainError):
    """Rows of the file cannot be taken; facts["rows"] are the first of them (NamedRow), facts["count"] how many."""

    code = "bill_refused"


class BillEmpty(DomainError):
    """There is no amount in the file, and it was not said which days it is about."""

    code = "bill_empty"


class BillTooLong(DomainError):
    """It spans more than MOST_DAYS days: a year is wrong somewhere."""

    code = "bill_too_long"


class DaysBilled(DomainError):
    """Another bill covers some of these days: say that this one replaces it, or leave it."""

    code = "days_billed"


class BillTooShort(DomainError):
    """It cannot replace a bill that covers days it says nothing of."""

    code = "bill_too_short"


@dataclass(frozen=True)
class ImportedBill:
    """`is_new` is False where the same content was imported before and nothing was changed."""

    bill: ProviderBill
    is_new: bool


@transaction.atomic
def import_bill(
    *,
    merchant: Merchant,
    provider: str,
    rows: Sequence[BillRow],
    file_name: str,
    by: User | None,
    days: tuple[date, date] | None = None,
    replaces: bool = False,
) -> ImportedBill:
    """Keep a bill of the days first..last (default: those of its rows) and ask for each of them to be reconciled.

    The same content again changes nothing. Raises BillEmpty, BillTooLong, BillRefused (a row outside `days`), DaysBilled
    (unless `replaces`), BillTooShort; then nothing was changed.
    """
    first, last = days or _days_of(rows, merchant)
    if (last - first).days >= MOST_DAYS:
        raise BillTooLong(first=first, last=last)
    _check_days(rows, merchant, first, last)
    sha256 = fingerprint(rows=rows, first=first, last=last)
    with scope(merchant=merchant.pk):
        Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk)
        standing = ProviderBill.objects.filter(provider=provider, replaced_by__isnull=True)
        same = ProviderBill.objects.filter(provider=provider, sha256=sha256).first()
        if same is not None:
            return ImportedBill(bill=same, is_new=False)
        replaced = list(standing.filter(first_day__lte=last, last_day__gte=first))
        if replaced and not replaces:
            raise DaysBilled(
                file=replaced[0].file_name, first=replaced[0].first_day, last=replaced[0].last_day
            )
        if any(bill.first_day < first or bill.last_day > last for bill in replaced):
            raise BillTooShort(first=replaced[0].first_day, last=replaced[0].last_day)
        amounts = {kind: [row.amount_fen for row in rows if row.kind == kind] for kind in BillEntryKind}
        bill = ProviderBill.objects.create(
            merchant=merchant,
            provider=provider,
            file_name=file_name[-120:],
            sha256=sha256,
            first_day=first,
            last_day=last,
            payments_count=len(amounts[BillEntryKind.PAYMENT]),
            payments_fen=sum(amounts[BillEntryKind.PAYMENT]),
            refunds_count=len(amounts[BillEntryKind.REFUND]),
            refunds_fen=sum(amounts[BillEntryKind.REFUND]),
            imported_by=by,
        )
        _write_entries(bill=bill, rows=rows, merchant=merchant)
        ProviderBill.objects.filter(pk__in=[one.pk for one in replaced]).update(replaced_by=bill)
    record_event(
        verb="bill.imported", noun="bill", noun_id=bill.pk, by=by, merchant_id=merchant.pk,
        file=bill.file_name, first_day=str(first), last_day=str(last),
    )  # fmt: skip
    enqueue_days(bill=bill)
    return ImportedBill(bill=bill, is_new=True)


def fingerprint(*, rows: Iterable[BillRow], first: date, last: date) -> str:
    """SHA-256 over the days and every amount in the order of the file: what a bill says, whatever format it came in."""
    digest = hashlib.sha256(f"{first} {last}\n".encode())
    for row in rows:
        parts = (row.kind, row.reference, row.refund_reference, row.amount_fen, row.happened_at.timestamp())
        digest.update(("\t".join(map(str, parts)) + "\n").encode())
    return digest.hexdigest()


def enqueue_days(*, bill: ProviderBill) -> None:
    """A job for each day of a bill, in the transaction that imported it.

    The day before and the day after are matched again where they were before: money near midnight may be told there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_job (kind, key, payload, merchant_id, due_at)
            SELECT 'reconcile_day', %(bill)s || ':' || d::date,
                jsonb_build_object('merchant_id', %(merchant)s::bigint, 'day', d::date), %(merchant)s, now()
            FROM generate_series(%(first)s::date - 1, %(last)s::date + 1, '1 day') d
            WHERE d BETWEEN %(first)s AND %(last)s OR EXISTS (
                SELECT FROM settlement_reconciliationrun r WHERE r.merchant_id = %(merchant)s AND r.day = d)
            ON CONFLICT (kind, key) DO NOTHING
            """,
            {
                "bill": str(bill.pk),
                "merchant": bill.merchant_id,
                "first": bill.first_day,
                "last": bill.last_day,
            },
        )


def _days_of(rows: Sequence[BillRow], merchant: Merchant) -> tuple[date, date]:
    days = [row.happened_at.astimezone(merchant.tzinfo).date() for row in rows]
    if not days:
        raise BillEmpty
    return min(days), max(days)


def _check_days(rows: Sequence[BillRow], merchant: Merchant, first: date, last: date) -> None:
    outside = [
        NamedRow(number=row.number, title=row.reference, codes=[BillRowRefusal.OUTSIDE_DAYS], value=str(row.happened_at))
        for row in rows
        if not first <= row.happened_at.astimezone(merchant.tzinfo).date() <= last
    ]  # fmt: skip
    if outside:
        raise BillRefused(rows=outside[:500], count=len(outside))


def _write_entries(*, bill: ProviderBill, rows: Sequence[BillRow], merchant: Merchant) -> None:
    zone = merchant.tzinfo
    columns = zip(
        *(
            (
                row.number,
                str(row.kind),
                row.reference,
                row.refund_reference,
                row.amount_fen,
                row.happened_at,
                row.happened_at.astimezone(zone).date(),
            )
            for row in rows
        ),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO settlement_billentry
                (merchant_id, bill_id, row_number, kind, reference, refund_reference, amount_fen, happened_at, business_date)
            SELECT %s, %s, r.* FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[],
                %s::date[]) r
            """,
            [merchant.pk, bill.pk, *([list(column) for column in columns] or [[]] * 7)],
        )
