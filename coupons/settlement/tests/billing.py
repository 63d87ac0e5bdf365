"""Payments of a town and the bill their provider would send, with what a test leaves out or adds."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django_scopes import scope

from coupons.models import Payment, Refund
from coupons.settlement.domain.bill_rows import BillRow
from coupons.settlement.domain.bills import ImportedBill, import_bill
from coupons.settlement.domain.reconciliation import reconcile_day
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.enums import BillEntryKind
from coupons.settlement.models import Break, ReconciliationRun
from coupons.tests.town import Town


def noon(*, days_ago: int = 2, zone: Any) -> datetime:
    day = timezone.now().astimezone(zone).date() - timedelta(days=days_ago)
    return datetime.combine(day, time(12), tzinfo=zone)


def rows_of_day(town: Town, day: date) -> list[BillRow]:
    """What the provider lists of a local day: payments in order of their ids, then refunds."""
    start = datetime.combine(day, time.min, tzinfo=town.merchant.tzinfo)
    of_day = Q(state="succeeded", succeeded_at__gte=start, succeeded_at__lt=start + timedelta(days=1))
    back = Q(state="paid_out", paid_out_at__gte=start, paid_out_at__lt=start + timedelta(days=1))
    with scope(merchant=town.merchant.pk):
        payments = [
            (BillEntryKind.PAYMENT, one.reference, one.amount_fen, one.succeeded_at, "")
            for one in Payment.objects.filter(of_day, amount_fen__gt=0).order_by("id")
        ]
        refunds = [
            (BillEntryKind.REFUND, one.payment.reference, one.amount_fen, one.paid_out_at, str(one.pk))
            for one in Refund.objects.filter(back, amount_fen__gt=0).select_related("payment").order_by("id")
        ]
    return [
        BillRow(number, *told)
        for number, told in enumerate([*payments, *refunds], start=2)
        if told[3] is not None
    ]


def bill_of(
    town: Town, *, day: date, rows: list[BillRow] | None = None, replaces: bool = False, file_name: str = ""
) -> ImportedBill:
    return import_bill(
        merchant=town.merchant,
        provider="sandbox",
        rows=rows_of_day(town, day) if rows is None else rows,
        file_name=file_name or f"{day}.csv",
        by=town.owner,
        days=(day, day),
        replaces=replaces,
    )


def pay_and_bill(town: Town, *, payments: int = 3, missing: int = 0) -> ReconciliationRun:
    """So many payments two days ago, booked; a bill that leaves the first `missing` out; the day matched."""
    at = noon(zone=town.merchant.tzinfo)
    for _ in range(payments):
        town.buy(at=at)
    settle_merchant(merchant_id=town.merchant.pk)
    bill_of(town, day=at.date(), rows=rows_of_day(town, at.date())[missing:])
    return reconcile_day(merchant=town.merchant, day=at.date())


def breaks_of(town: Town) -> list[tuple[str, str, int, int]]:
    """(kind, cause, expected, found) of what is open."""
    with scope(merchant=town.merchant.pk):
        return list(
            Break.objects.filter(state="open")
            .order_by("kind", "id")
            .values_list("kind", "cause", "expected_fen", "found_fen")
        )
