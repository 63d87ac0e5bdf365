"""A bill somebody uploads: kept, looked at, then imported once or thrown away after a day."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_scopes import scope

from core.errors import DomainError
from core.imports.table import TableFault, TableUnreadable, read_table
from coupons.settlement.domain.bill_rows import ReadBill, read_bill
from coupons.settlement.domain.bills import BillRefused, ImportedBill, fingerprint, import_bill
from coupons.settlement.enums import BillEntryKind
from coupons.settlement.models import BillUpload, ProviderBill
from identity.models import User
from merchants.models import Merchant

KEPT_FOR = timedelta(hours=24)
MOST_ROWS = 20_000  # a page must answer in time; longer bills go through manage.py import_bill


class UploadFinished(DomainError):
    """This file was imported before."""

    code = "import_finished"


@dataclass(frozen=True)
class Preview:
    """What confirming would do: sums in fen, the days, the bills it would replace, the bill that says the same."""

    read: ReadBill
    days: tuple[date, date] | None
    payments: int
    payments_fen: int
    refunds: int
    refunds_fen: int
    same: ProviderBill | None
    replaces: list[ProviderBill]

    @property
    def can_import(self) -> bool:
        return self.days is not None and not self.read.refused and self.same is None


@transaction.atomic
def start_upload(*, merchant: Merchant, file_name: str, content: bytes, by: User) -> BillUpload:
    """Keep a file that has the shape of a bill. Raises TableUnreadable, ColumnMissing. What is a day old is thrown away."""
    _read(content, merchant)
    with scope(merchant=merchant.pk):
        BillUpload.objects.filter(created_at__lt=timezone.now() - KEPT_FOR, bill__isnull=True).delete()
        return BillUpload.objects.create(
            merchant=merchant,
            provider=settings.PAYMENT_PROVIDER,
            file_name=file_name[-120:],
            content=content,
            created_by=by,
        )


def preview_upload(*, upload: BillUpload) -> Preview:
    """Changes nothing."""
    merchant = upload.merchant
    read = _read(bytes(upload.content), merchant)
    days = [row.happened_at.astimezone(merchant.tzinfo).date() for row in read.rows]
    span = (min(days), max(days)) if days else None
    same, replaces = None, []
    if span:
        first, last = span
        with scope(merchant=merchant.pk):
            bills = ProviderBill.objects.filter(provider=upload.provider)
            same = bills.filter(sha256=fingerprint(rows=read.rows, first=first, last=last)).first()
            replaces = list(
                bills.filter(replaced_by__isnull=True, first_day__lte=last, last_day__gte=first).order_by(
                    "first_day"
                )
            )
    sums = {kind: [row.amount_fen for row in read.rows if row.kind == kind] for kind in BillEntryKind}
    return Preview(
        read=read,
        days=span,
        payments=len(sums[BillEntryKind.PAYMENT]),
        payments_fen=sum(sums[BillEntryKind.PAYMENT]),
        refunds=len(sums[BillEntryKind.REFUND]),
        refunds_fen=sum(sums[BillEntryKind.REFUND]),
        same=same,
        replaces=replaces,
    )


@transaction.atomic
def finish_upload(*, upload: BillUpload, by: User, replaces: bool) -> ImportedBill:
    """Import the file, once. Raises UploadFinished and what import_bill raises; then nothing was changed."""
    merchant = upload.merchant
    with scope(merchant=merchant.pk):
        locked = BillUpload.objects.select_for_update(of=("self",), no_key=True).get(pk=upload.pk)
        if locked.bill_id:
            raise UploadFinished
        read = _read(bytes(locked.content), merchant)
        if read.refused:
            raise BillRefused(rows=read.refused, count=read.refused_count)
        done = import_bill(
            merchant=merchant,
            provider=locked.provider,
            rows=read.rows,
            file_name=locked.file_name,
            by=by,
            replaces=replaces,
        )
        BillUpload.objects.filter(pk=locked.pk).update(bill=done.bill, content=b"")
    return done


def _read(content: bytes, merchant: Merchant) -> ReadBill:
    table = read_table(content=content)
    if len(table.rows) > MOST_ROWS:
        raise TableUnreadable(why=TableFault.TOO_MANY_ROWS_FOR_A_PAGE)
    return read_bill(table=table, zone=merchant.tzinfo)
