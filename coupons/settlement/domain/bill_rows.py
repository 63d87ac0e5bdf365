"""Rows of a provider's bill as files bring them: our own plain shape, and the shape of a shop's list of orders.

Plain: a row is one payment or one refund (reference, kind, amount in yuan, time; the number of our refund where the bill
has it). A shop's list of orders: a row is an order with its total, what was kept of it and what was refunded; the row is a
payment of the total and, where something went back, a refund. It names no moment of the refund: the payment's counts.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from core.imports.mapping import ImportField, check_mapping, guess_mapping, mapped_values
from core.imports.report import NamedRow, RowRefused
from core.imports.table import Row, Table
from coupons.settlement.enums import BillEntryKind, BillRowRefusal

MAX_REFERENCE = 80
MAX_NAMED = 500
MAX_FEN = 10**15

PLAIN_FIELDS = (
    ImportField("reference", _("Payment number"), ("商户订单号", "商户单号", "交易单号", "付款编号", "订单编号", "payment"), True),
    ImportField("kind", _("Payment or refund"), ("类型", "交易类型", "业务类型", "type"), True),
    ImportField("amount", _("Amount in yuan"), ("金额", "金额(元)", "交易金额", "amount_yuan"), True),
    ImportField("time", _("Time"), ("时间", "交易时间", "完成时间", "happened_at"), True),
    ImportField("refund_reference", _("Refund number"), ("退款单号", "商户退款单号", "退款编号")),
)  # fmt: skip
ORDER_FIELDS = (
    ImportField("number", _("Order number"), ("订单编号",), True),
    ImportField("total", _("Total"), ("总金额",), True),
    ImportField("kept", _("Paid, less what was refunded"), ("买家实际支付金额",), True),
    ImportField("created", _("Order created"), ("订单创建时间",), True),
    ImportField("paid", _("Order paid"), ("订单付款时间",), True),
    ImportField("refunded", _("Refunded"), ("退款金额",), True),
)
KINDS = {
    **dict.fromkeys(("payment", "付款", "收款", "支付", "消费", "交易"), BillEntryKind.PAYMENT),
    **dict.fromkeys(("refund", "退款", "退"), BillEntryKind.REFUND),
}


@dataclass(frozen=True)
class BillRow:
    """One amount of a bill (fen); `number` is the row in the file."""

    number: int
    kind: BillEntryKind
    reference: str
    amount_fen: int
    happened_at: datetime
    refund_reference: str = ""


@dataclass(frozen=True)
class OrderRow:
    """One order of a shop's list (fen); paid_at is None where it was never paid, and then nothing was refunded."""

    row: int
    number: str
    total_fen: int
    refunded_fen: int
    created_at: datetime
    paid_at: datetime | None


@dataclass
class ReadBill:
    """What a file says. Where `refused` has rows, the file must not be taken: nothing is ever half imported."""

    rows: list[BillRow] = field(default_factory=list)
    unpaid: int = 0
    refused: list[NamedRow] = field(default_factory=list)
    refused_count: int = 0
    file_rows: int = 0
    is_order_list: bool = False

    def refuse(self, row: Row, title: str, refusal: RowRefused) -> None:
        self.refused_count += 1
        if len(self.refused) < MAX_NAMED:
            self.refused.append(
                NamedRow(number=row.number, title=title[:80], codes=[refusal.code], value=refusal.value[:80])
            )


def read_bill(*, table: Table, zone: ZoneInfo) -> ReadBill:
    """Every amount of the file, times local to `zone`. Raises ColumnMissing where it has neither shape."""
    found = ReadBill(file_rows=len(table.rows), is_order_list=is_order_list(table))
    if found.is_order_list:
        for order in read_orders(table=table, zone=zone, into=found):
            if order.paid_at is None:
                found.unpaid += 1
            else:
                found.rows += bill_rows_of(order=order, paid_at=order.paid_at)
        return found
    mapping = _checked(PLAIN_FIELDS, table)
    for row in table.rows:
        values = mapped_values(row=row, mapping=mapping)
        try:
            found.rows.append(_read_plain(row, values, zone))
        except RowRefused as refusal:
            found.refuse(row, values["reference"], refusal)
    return found


def is_order_list(table: Table) -> bool:
    """Whether every column of a shop's list of orders is there."""
    required = {one.name for one in ORDER_FIELDS}
    return required <= set(guess_mapping(fields=ORDER_FIELDS, columns=table.columns))


def read_orders(*, table: Table, zone: ZoneInfo, into: ReadBill) -> Iterator[OrderRow]:
    """The orders of the list; rows that cannot be read are named in `into`. Raises ColumnMissing."""
    mapping = _checked(ORDER_FIELDS, table)
    for row in table.rows:
        values = mapped_values(row=row, mapping=mapping)
        try:
            yield _read_order(row, values, zone)
        except RowRefused as refusal:
            into.refuse(row, values["number"], refusal)


def bill_rows_of(*, order: OrderRow, paid_at: datetime) -> list[BillRow]:
    """What the payment provider would list of a paid order."""
    rows = [BillRow(order.row, BillEntryKind.PAYMENT, order.number, order.total_fen, paid_at)]
    if order.refunded_fen:
        rows.append(BillRow(order.row, BillEntryKind.REFUND, order.number, order.refunded_fen, paid_at))
    return [row for row in rows if row.amount_fen]


def read_fen(text: str) -> int:
    """Yuan as written in a file ("1,234.50", "¥21.0") in fen, exactly. Raises RowRefused."""
    plain = re.sub(r"[\s,，¥￥元]", "", text)
    try:
        fen = Decimal(plain) * 100 if re.fullmatch(r"[0-9]+(\.[0-9]+)?", plain) else None
    except InvalidOperation:  # more digits than any sum of money has
        fen = None
    if fen is None or fen != fen.to_integral_value() or fen > MAX_FEN:
        raise RowRefused(BillRowRefusal.AMOUNT_INVALID, text)
    return int(fen)


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A local date and time (or one with its offset). Raises RowRefused."""
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError as error:
        raise RowRefused(BillRowRefusal.TIME_INVALID, text) from error
    if not 2000 <= moment.year < 2200:
        raise RowRefused(BillRowRefusal.TIME_INVALID, text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _checked(fields: Iterable[ImportField], table: Table) -> dict[str, str]:
    wanted = list(fields)
    mapping = guess_mapping(fields=wanted, columns=table.columns)
    check_mapping(mapping=mapping, fields=wanted, columns=table.columns)
    return mapping


def _read_plain(row: Row, values: dict[str, str], zone: ZoneInfo) -> BillRow:
    reference = _read_reference(row, values["reference"])
    kind = KINDS.get(values["kind"].casefold())
    if kind is None:
        raise RowRefused(BillRowRefusal.KIND_UNKNOWN, values["kind"])
    amount_fen = read_fen(values["amount"])
    if amount_fen == 0:
        raise RowRefused(BillRowRefusal.AMOUNT_ZERO, values["amount"])
    moment = read_moment(values["time"], zone)
    refund_reference = values.get("refund_reference", "").lstrip("'`")
    if len(refund_reference) > MAX_REFERENCE:
        raise RowRefused(BillRowRefusal.REFERENCE_TOO_LONG, refund_reference)
    return BillRow(row.number, kind, reference, amount_fen, moment, refund_reference)


def _read_order(row: Row, values: dict[str, str], zone: ZoneInfo) -> OrderRow:
    number = _read_reference(row, values["number"])
    total, kept, refunded = (read_fen(values[name]) for name in ("total", "kept", "refunded"))
    created_at = read_moment(values["created"], zone)
    if not values["paid"]:
        if kept or refunded:
            raise RowRefused(BillRowRefusal.MONEY_WITHOUT_TIME, values["kept"])
        return OrderRow(row.number, number, total, 0, created_at, None)
    if total != kept + refunded:
        raise RowRefused(
            BillRowRefusal.SUMS_DIFFER, f"{values['total']} / {values['kept']} / {values['refunded']}"
        )
    return OrderRow(row.number, number, total, refunded, created_at, read_moment(values["paid"], zone))


def _read_reference(row: Row, text: str) -> str:
    if row.is_ragged:
        raise RowRefused(BillRowRefusal.RAGGED)
    reference = text.lstrip("'`")  # spreadsheets and bills put these in front of long numbers
    if not reference:
        raise RowRefused(BillRowRefusal.REFERENCE_MISSING)
    if len(reference) > MAX_REFERENCE:
        raise RowRefused(BillRowRefusal.REFERENCE_TOO_LONG, reference)
    return reference
