"""Money on its way to the merchant: not yet stated, to be confirmed, to be paid."""

from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django_scopes import scope

from coupons.insights.domain.days import sum_redeemed
from coupons.settlement.enums import PayeeKind, StatementState
from coupons.settlement.models import Statement
from merchants.models import Merchant


@dataclass(frozen=True)
class Waiting:
    """Redeemed and in no statement yet: before fees, since an undo may still come."""

    gross_fen: int
    uses: int


@dataclass(frozen=True)
class NextPayout:
    """What is stated and not yet paid: confirmed by the merchant, still to be confirmed, and disputed (not in the total)."""

    confirmed_fen: int
    to_confirm_fen: int
    to_confirm: int
    disputed_fen: int
    disputed: int

    @property
    def total_fen(self) -> int:
        return self.confirmed_fen + self.to_confirm_fen


def sum_waiting(*, merchant: Merchant) -> Waiting:
    """What stands and no statement says yet, whether settlement took it or not; amounts in fen.

    Everything redeemed, read first, less everything stated: a redemption is stated once, and one that is cannot be
    undone. Both are sums of days, so a long history costs little.
    """
    redeemed = sum_redeemed(merchant=merchant, stores=None)
    with scope(merchant=merchant.pk):
        stated = Statement.objects.filter(kind=PayeeKind.MERCHANT).aggregate(
            fen=Coalesce(Sum(F("gross_fen") + F("refunded_fen")), 0),
            uses=Coalesce(Sum(F("lines_count") - F("refund_lines")), 0),
        )
    return Waiting(gross_fen=redeemed.fen - stated["fen"], uses=redeemed.uses - stated["uses"])


def sum_next_payout(*, merchant: Merchant) -> NextPayout:
    """What the platform owes the merchant by statements not yet paid; one statement of SQL, amounts in fen."""
    sealed, disputed = Q(state=StatementState.SEALED), Q(state=StatementState.DISPUTED)
    with scope(merchant=merchant.pk):
        sums = (
            Statement.objects.filter(kind=PayeeKind.MERCHANT)
            .exclude(state=StatementState.PAID)
            .aggregate(
                confirmed_fen=Coalesce(Sum("merchant_fen", filter=Q(state=StatementState.CONFIRMED)), 0),
                to_confirm_fen=Coalesce(Sum("merchant_fen", filter=sealed), 0),
                to_confirm=Count("pk", filter=sealed),
                disputed_fen=Coalesce(Sum("merchant_fen", filter=disputed), 0),
                disputed=Count("pk", filter=disputed),
            )
        )
    return NextPayout(**sums)
