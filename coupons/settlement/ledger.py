"""The ledger on a statement's page: from what was redeemed to what is its payee's, in rows that add up."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coupons.settlement.domain.payees import PAYEE_COLUMNS
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import Statement


@dataclass(frozen=True)
class LedgerRow:
    """A row's sign is its part in the sum: what is taken off is negative. `bps` is its share of what was redeemed."""

    name: str
    label: str
    fen: int
    bps: int | None = None


def list_ledger(*, statement: Statement, agreed: Mapping[str, int] | None = None) -> list[LedgerRow]:
    """What was redeemed, refunds after use, everybody's part but the payee's own; the sum is amount_fen, always.

    Rows of parties that have no part in these lines are left out; the platform's fee always stands there. A rate is the
    `agreed` one (Totals.agreed) where all lines have the same, else the share that came of several.
    """
    redeemed = statement.gross_fen + statement.refunded_fen
    rows = [LedgerRow("redeemed", pgettext("amount", "Redeemed"), redeemed)]
    if statement.refund_lines:
        rows.append(LedgerRow("refunded", _("Refunds after use"), -statement.refunded_fen))
    own = PAYEE_COLUMNS[PayeeKind(statement.kind)].part
    for name, label in _parts(statement):
        fen = getattr(statement, name)
        if name != own and (fen or name == "platform_fee_fen"):
            rate = (agreed or {}).get(name.replace("_fen", "_bps"))
            rows.append(
                LedgerRow(name, label, -fen, _share_bps(fen, statement.gross_fen) if rate is None else rate)
            )
    return rows


def _parts(statement: Statement) -> list[tuple[str, str]]:
    is_merchants = statement.kind == PayeeKind.MERCHANT
    return [
        ("platform_fee_fen", _("Platform fee")),
        ("service_fee_fen", _("Service fee of your provider") if is_merchants else _("Service fee of the provider")),
        ("station_share_fen", _("Station share")),
        ("commission_fen", _("Commission of creators")),
        ("merchant_fen", _("What the merchant keeps")),
    ]  # fmt: skip


def _share_bps(part_fen: int, gross_fen: int) -> int | None:
    """The share in basis points, rounded half up: for reading, never for reckoning. None where it would say nothing."""
    if gross_fen <= 0 or not 0 <= part_fen <= gross_fen:
        return None
    return (2 * part_fen * 10_000 + gross_fen) // (2 * gross_fen)
