"""Why a line says what it says: from its amount to the use, the order, the rules and the journal that made it."""

from dataclasses import dataclass
from decimal import Decimal

from django_scopes import scope

from core.money import split_fen
from coupons.models import OrderShare, Payment
from coupons.settlement.models import SettlementLine
from identity.models import Party
from ledger.models import Transfer
from merchants.enums import ShareKind
from merchants.models import Terms


@dataclass(frozen=True)
class Part:
    """One party's part (fen, negative where it is given back), the exact share in yuan, and the terms that gave the rate.

    `is_capped`: the rule alone would take back more than the use had given.
    """

    kind: ShareKind
    payee: Party | None
    bps: int
    rule: str
    terms: Terms | None
    exact: str
    fen: int
    is_capped: bool


@dataclass(frozen=True)
class Reasons:
    """Everything a line rests on beside its own columns."""

    line: SettlementLine
    parts: list[Part]
    merchant_bps: int
    merchant_exact: str
    payment: Payment | None
    transfers: list[Transfer]


_PARTS = (
    (ShareKind.PLATFORM_FEE, "platform_payee", "platform_fee_bps", "platform_fee_fen"),
    (ShareKind.SERVICE_FEE, "service_payee", "service_fee_bps", "service_fee_fen"),
    (ShareKind.STATION_SHARE, "station_payee", "station_share_bps", "station_share_fen"),
    (ShareKind.COMMISSION, "commission_payee", "commission_bps", "commission_fen"),
)


def explain_line(*, line: SettlementLine) -> Reasons:
    """The line's inputs, rules and bookings, as they are kept; nothing is reckoned that is not shown."""
    with scope(merchant=line.merchant_id):
        use = line.use
        rules = {share.kind: share.rule for share in OrderShare.objects.filter(order_id=use.order_id)}
        agreed = {
            f"terms:{terms.pk}": terms
            for terms in Terms.objects.filter(
                pk__in=[rule.removeprefix("terms:") for rule in rules.values() if rule.startswith("terms:")]
            )
        }
        payment = (
            Payment.objects.filter(order_id=use.order_id, succeeded_at__isnull=False).order_by("id").first()
        )
    _, by_rule = split_fen(abs(line.gross_fen), [getattr(line, bps) for _, _, bps, _ in _PARTS])
    sign = -1 if line.refund_id else 1
    parts = [
        Part(
            kind=kind,
            payee=getattr(line, payee),
            bps=getattr(line, bps),
            rule=rules.get(kind, ""),
            terms=agreed.get(rules.get(kind, "")),
            exact=_exact(line.gross_fen, getattr(line, bps)),
            fen=getattr(line, fen),
            is_capped=getattr(line, fen) != sign * ruled,
        )
        for (kind, payee, bps, fen), ruled in zip(_PARTS, by_rule, strict=True)
        if getattr(line, payee) is not None
    ]
    merchant_bps = 10_000 - sum(part.bps for part in parts)
    # A use that cost nothing is booked nowhere: then no journal has this key.
    transfers = Transfer.objects.filter(journal=line.batch.journal, merchant_id=line.merchant_id)
    return Reasons(
        line=line,
        parts=parts,
        merchant_bps=merchant_bps,
        merchant_exact=_exact(line.gross_fen, merchant_bps),
        payment=payment,
        transfers=list(transfers.select_related("debit_account", "credit_account").order_by("line")),
    )


def _exact(amount_fen: int, bps: int) -> str:
    """The share before it is rounded to the fen, in yuan: six decimals at most, none that say nothing."""
    return format(Decimal(amount_fen * bps).scaleb(-6).normalize(), "f").replace("-", "\u2212")
