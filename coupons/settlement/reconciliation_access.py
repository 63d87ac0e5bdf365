"""How days, differences, bills and uploads enter a view: from the user's grants."""

from typing import TypeVar

from django.db.models import Count, Model, Q, QuerySet
from django_scopes import scope

from core.errors import NotFound
from coupons.settlement.enums import BreakState
from coupons.settlement.models import BillUpload, Break, ProviderBill, ReconciliationRun
from merchants.access import MerchantAccess

Row = TypeVar("Row", bound=Model)


def access_days(*, access: MerchantAccess) -> "QuerySet[ReconciliationRun]":
    """The merchant's days, newest first, with `open_breaks` and `all_breaks` counted; gone ones count as none."""
    with scope(merchant=access.merchant.pk):
        return ReconciliationRun.objects.annotate(
            open_breaks=Count("breaks", filter=Q(breaks__state=BreakState.OPEN)),
            all_breaks=Count("breaks", filter=~Q(breaks__state=BreakState.CLEARED)),
        ).order_by("-day")


def access_day(*, access: MerchantAccess, run_id: int) -> ReconciliationRun:
    """One day. Raises NotFound."""
    return _one(access_days(access=access), run_id)


def access_breaks(*, access: MerchantAccess) -> "QuerySet[Break]":
    """The merchant's differences, the open ones first."""
    with scope(merchant=access.merchant.pk):
        return Break.objects.select_related(
            "run", "payment", "order", "entry", "owner", "resolved_by", "journal"
        ).order_by("resolved_at", "kind", "id")


def access_break(*, access: MerchantAccess, break_id: int) -> Break:
    """One difference. Raises NotFound."""
    return _one(access_breaks(access=access), break_id)


def access_bills(*, access: MerchantAccess) -> "QuerySet[ProviderBill]":
    """The merchant's bills, newest first."""
    with scope(merchant=access.merchant.pk):
        return ProviderBill.objects.select_related("imported_by", "replaced_by").order_by("-id")


def access_bill(*, access: MerchantAccess, bill_id: int) -> ProviderBill:
    """One bill. Raises NotFound."""
    return _one(access_bills(access=access), bill_id)


def access_upload(*, access: MerchantAccess, upload_id: int) -> BillUpload:
    """An upload of this merchant. Raises NotFound."""
    with scope(merchant=access.merchant.pk):
        return _one(BillUpload.objects.select_related("merchant", "bill"), upload_id)


def _one(rows: "QuerySet[Row]", pk: int) -> Row:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row
