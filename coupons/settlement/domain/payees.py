"""Who gets statements, and which columns of a line are his."""

from dataclasses import dataclass
from datetime import date, timedelta

from coupons.settlement.enums import PayeeKind, StatementCycle

COMMISSION_FREEZE_DAYS = 7


@dataclass(frozen=True)
class PayeeColumns:
    """The column that names the payee (None: the merchant itself), his part, the statement the line is in for him.

    `prefix` begins the numbers of his statements. What is younger than freeze_days is not stated yet.
    """

    payee: str | None
    part: str
    statement: str
    prefix: str
    freeze_days: int = 0


PAYEE_COLUMNS = {
    PayeeKind.MERCHANT: PayeeColumns(None, "merchant_fen", "statement_id", "S"),
    PayeeKind.PROVIDER: PayeeColumns("service_payee_id", "service_fee_fen", "service_statement_id", "P"),
    PayeeKind.STATION: PayeeColumns("station_payee_id", "station_share_fen", "station_statement_id", "T"),
    PayeeKind.CREATOR: PayeeColumns(
        "commission_payee_id", "commission_fen", "commission_statement_id", "C", COMMISSION_FREEZE_DAYS
    ),
}


def statement_period(*, cycle: StatementCycle, day: date) -> tuple[date, date]:
    """The period of this cycle that `day` lies in, first and last day: a day, Monday to Sunday, a calendar month."""
    if cycle == StatementCycle.WEEKLY:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    if cycle == StatementCycle.MONTHLY:
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day, day
