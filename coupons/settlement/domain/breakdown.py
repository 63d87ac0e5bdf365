"""A statement taken apart: by store, by day, line by line. Each way adds up to the statement's own sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django_scopes import scope

from coupons.settlement.domain.payees import PAYEE_COLUMNS
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import SettlementLine, Statement

# What is taken off the gross, in the order of the ledger; what is left is merchant_fen.
DEDUCTIONS = ("platform_fee_fen", "service_fee_fen", "station_share_fen", "commission_fen")
RATES = ("platform_fee_bps", "service_fee_bps", "station_share_bps", "commission_bps")
AMOUNTS = ("gross_fen", *DEDUCTIONS, "merchant_fen")


@dataclass(frozen=True)
class Totals:
    """Sums (fen) over lines: gross_fen == redeemed_fen - refunded_fen == the deductions + merchant_fen.

    `refunds` of the `lines` are refunds after use, the others uses. The rates (basis points) are the highest of any line:
    0 where a party has no part; `agreed` holds those that are one and the same for all lines.
    """

    lines: int
    uses: int
    refunds: int
    redeemed_fen: int
    refunded_fen: int
    gross_fen: int
    platform_fee_fen: int
    service_fee_fen: int
    station_share_fen: int
    commission_fen: int
    merchant_fen: int
    platform_fee_bps: int
    service_fee_bps: int
    station_share_bps: int
    commission_bps: int
    agreed: Mapping[str, int]


def total_lines(*, statement: Statement) -> Totals:
    """The sums over the lines themselves, not the ones the statement was sealed with; one statement of SQL."""
    found = _lines(statement).aggregate(
        **_sums(),
        **{f"least_{name}": Coalesce(Min(name), 0) for name in RATES},
        **{name: Coalesce(Max(name), 0) for name in RATES},
    )
    least = {name: found.pop(f"least_{name}") for name in RATES}
    return Totals(**found, agreed={name: found[name] for name in RATES if found[name] == least[name]})


def sum_by_store(*, statement: Statement) -> QuerySet[SettlementLine, Any]:
    """One row (dict) per store with `label` and the fields of Totals up to merchant_fen, biggest first."""
    return (
        _lines(statement)
        .values("store_id", label=F("store__name"))
        .annotate(**_sums())
        .order_by("-gross_fen", "store_id")
    )


def sum_by_day(*, statement: Statement) -> QuerySet[SettlementLine, Any]:
    """One row (dict) per business date with `label` and the fields of Totals up to merchant_fen, oldest first."""
    return _lines(statement).values(label=F("business_date")).annotate(**_sums()).order_by("label")


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


def _sums() -> dict[str, Any]:
    is_use, is_refund = Q(refund__isnull=True), Q(refund__isnull=False)
    return {
        "lines": Count("pk"),
        "uses": Count("pk", filter=is_use),
        "refunds": Count("pk", filter=is_refund),
        "redeemed_fen": Coalesce(Sum("gross_fen", filter=is_use), 0),
        "refunded_fen": -Coalesce(Sum("gross_fen", filter=is_refund), 0),
        **{name: Coalesce(Sum(name), 0) for name in AMOUNTS},
    }
