"""What a proposal would change of an amount, by the rule that splits every amount."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.money import split_fen
from merchants.enums import ShareKind
from merchants.models import Terms

EXAMPLE_FEN = 12_800


@dataclass(frozen=True)
class Effect:
    """Fen the merchant keeps of `amount_fen`, commissions aside; `then_fen` is None where nothing would be left to split."""

    amount_fen: int
    now_fen: int
    then_fen: int | None


def reckon_effect(*, proposal: Terms, in_force: Sequence[Terms], amount_fen: int = EXAMPLE_FEN) -> Effect:
    """With the terms in force, and with the proposal in place of those of its kind (a commission beside them)."""
    now = {terms.kind: terms.bps for terms in in_force if terms.kind != ShareKind.COMMISSION}
    then = now | {proposal.kind: proposal.bps}
    if proposal.kind == ShareKind.COMMISSION:
        theirs = [
            terms.bps
            for terms in in_force
            if (terms.kind, terms.payee_id) == (proposal.kind, proposal.payee_id)
        ]
        now = now | {ShareKind.COMMISSION: sum(theirs)}
    return Effect(
        amount_fen=amount_fen, now_fen=_kept(now, amount_fen) or 0, then_fen=_kept(then, amount_fen)
    )


def _kept(rates: dict[str, int], amount_fen: int) -> int | None:
    if sum(rates.values()) > 10_000:
        return None
    return split_fen(amount_fen, [rates[kind] for kind in ShareKind if kind in rates])[0]
