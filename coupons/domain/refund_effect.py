"""What a refund of a use takes back from whom: the rule of the settlement line it will become."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.money import split_fen
from coupons.models import OrderShare
from merchants.enums import ShareKind


@dataclass(frozen=True)
class GivenBack:
    """One party's part (fen). `kind` and `payee` are None for the merchant, who gives what is left."""

    kind: ShareKind | None
    payee: str | None
    fen: int


def split_refund(*, gross_fen: int, amount_fen: int, shares: Sequence[OrderShare]) -> list[GivenBack]:
    """The parts of a refund of `amount_fen` of a use that cost `gross_fen`; they sum to the amount.

    Split by the shares frozen into the order; nobody gives back more than he got of the use.
    """
    ordered = sorted(shares, key=lambda share: list(ShareKind).index(ShareKind(share.kind)))
    rates = [share.bps for share in ordered]
    _, got = split_fen(gross_fen, rates)
    _, parts = split_fen(amount_fen, rates)
    parts = [min(part, had) for part, had in zip(parts, got, strict=True)]
    back = [
        GivenBack(kind=ShareKind(share.kind), payee=share.payee.name, fen=part)
        for share, part in zip(ordered, parts, strict=True)
    ]
    return [GivenBack(kind=None, payee=None, fen=amount_fen - sum(parts)), *back]
