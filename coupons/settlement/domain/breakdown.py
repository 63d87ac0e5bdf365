"""A statement taken apart: by store, by day, line by line. Each way adds up to the statement's own sums."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce
from django_scopes import scope

from coupons.settlement.domain.payees import PAYEE_COLUMNS
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import SettlementLine, Statement

# What is taken off the gross, in the order of the ledger; what is left is merchant_fen.
DEDUCTIONS = ("platform_fee_fen", "service_fee_fen", "station_share_fen", "commission_fen")
AMOUNTS = ("gross_fen", *DEDUCTIONS, "merchant_fen")


@dataclass(frozen=True)
class Totals:
    """Sums (fen) over lines; gross_fen == the deductions + merchant_fen."""

    lines: int
    gross_fen: int
    platform_fee_fen: int
    service_fee_fen: int
    station_share_fen: int
    commission_fen: int
    merchant_fen: int


def total_lines(*, statement: Statement) -> Totals:
    """The sums over the lines themselves, not the ones the statement was sealed with; one statement of SQL."""
    sums = {name: Coalesce(Sum(name), 0) for name in AMOUNTS}
    return Totals(**_lines(statement).aggregate(lines=Count("pk"), **sums))


def sum_by_store(*, statement: Statement) -> QuerySet[SettlementLine, Any]:
    """One row (dict) per store with `label`, `lines` and the six amounts, biggest first."""
    return (
        _lines(statement)
        .values("store_id", label=F("store__name"))
        .annotate(lines=Count("pk"), **_sums())
        .order_by("-gross_fen", "store_id")
    )


def sum_by_day(*, statement: Statement) -> QuerySet[SettlementLine, Any]:
    """One row (dict) per business date with `label`, `lines` and the six amounts, oldest first."""
    return (
        _lines(statement)
        .values(label=F("business_date"))
        .annotate(lines=Count("pk"), **_sums())
        .order_by("label")
    )


def list_lines(*, statement: Statement) -> QuerySet[SettlementLine]:
    """The statement's lines with redemption, clerk, coupon, deal and store, day by day."""
    return (
        _lines(statement)
        .select_related(
            "redemption__clerk", "refund__redemption__clerk", "coupon", "deal", "store", "statement"
        )
        .order_by("business_date", "pk")
    )


def _lines(statement: Statement) -> QuerySet[SettlementLine]:
    columns = PAYEE_COLUMNS[PayeeKind(statement.kind)]
    with scope(merchant=statement.merchant_id):
        return SettlementLine.objects.filter(**{columns.statement: statement.pk})


def _sums() -> dict[str, Sum]:
    return {name: Sum(name) for name in AMOUNTS}
