"""Money on its way to the merchant: not yet stated, to be confirmed, to be paid."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce
from django_scopes import scope

from core.clock import database_now
from coupons.models import Redemption
from coupons.settlement.enums import StatementState
from coupons.settlement.models import SettlementLine, Statement
from merchants.models import Merchant

LOOK_BACK_DAYS = 31


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
    """Redemptions that no settlement took yet, and lines that no statement took yet; amounts in fen.

    Only redemptions due later than 31 days ago are asked, so that a long history costs nothing: settlement takes them
    within minutes, and an invariant reports one that it never took.
    """
    oldest = database_now() - timedelta(days=LOOK_BACK_DAYS)
    with scope(merchant=merchant.pk):
        due = SettlementLine.objects.filter(statement__isnull=True).aggregate(
            fen=Coalesce(Sum("gross_fen"), 0), uses=Count("pk")
        )
        taken = SettlementLine.objects.filter(redemption=OuterRef("pk"))
        expected = Redemption.objects.filter(
            ~Exists(taken), merchant=merchant, reversed_at__isnull=True, due_at__gt=oldest
        ).aggregate(fen=Coalesce(Sum("gross_fen"), 0), uses=Count("pk"))
    return Waiting(gross_fen=due["fen"] + expected["fen"], uses=due["uses"] + expected["uses"])


def sum_next_payout(*, merchant: Merchant) -> NextPayout:
    """What the platform owes the merchant by statements not yet paid; one statement of SQL, amounts in fen."""
    sealed, disputed = Q(state=StatementState.SEALED), Q(state=StatementState.DISPUTED)
    with scope(merchant=merchant.pk):
        sums = Statement.objects.exclude(state=StatementState.PAID).aggregate(
            confirmed_fen=Coalesce(Sum("merchant_fen", filter=Q(state=StatementState.CONFIRMED)), 0),
            to_confirm_fen=Coalesce(Sum("merchant_fen", filter=sealed), 0),
            to_confirm=Count("pk", filter=sealed),
            disputed_fen=Coalesce(Sum("merchant_fen", filter=disputed), 0),
            disputed=Count("pk", filter=disputed),
        )
    return NextPayout(**sums)
