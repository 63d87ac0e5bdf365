"""/m/<slug>/payouts/: what was paid to the shop and what is on its way; one taken apart into its statements."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_scopes import scope

from core.errors import NotFound
from coupons.settlement.domain.bank_accounts import read_bank_accounts
from coupons.settlement.domain.outstanding import sum_next_payout
from coupons.settlement.domain.payout_proposals import read_balances
from coupons.settlement.enums import PayeeKind, PayoutState
from coupons.settlement.models import Payout, Statement
from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page

PURSE = (Role.OWNER, Role.FINANCE)
PAYOUTS_PER_PAGE = 30
# What an operator only proposed, or dropped before anything moved, is not the payee's business.
SHOWN = (PayoutState.APPROVED, PayoutState.SENT, PayoutState.PAID, PayoutState.FAILED)
STATUS = {
    PayoutState.APPROVED: "info",
    PayoutState.SENT: "info",
    PayoutState.PAID: "ok",
    PayoutState.FAILED: "bad",
}
AMOUNTS = (
    "gross_fen", "refunded_fen", "platform_fee_fen", "service_fee_fen", "station_share_fen", "commission_fen", "amount_fen",
)  # fmt: skip


@merchant_page(*PURSE)
@require_safe
def payouts(request: MerchantRequest) -> HttpResponse:
    """Newest first; above them what comes next, to which account, and the balance."""
    found = _payouts(request)
    page = Paginator(found, PAYOUTS_PER_PAGE).get_page(request.GET.get("page"))
    rows = [(payout, STATUS[PayoutState(payout.state)]) for payout in page]
    context: dict[str, Any] = {"page": page, "rows": rows, "currency": request.merchant.currency}
    if request.htmx:
        return render(request, "merchant/payouts/payout_list.html", context)
    own = (request.merchant.pk, request.merchant.pk, str(PayeeKind.MERCHANT))
    context |= {
        "accounts": read_bank_accounts(payee_id=request.merchant.pk),
        "next": sum_next_payout(merchant=request.merchant),
        "balance_fen": read_balances([own])[own],
        "under_way_fen": found.filter(state__in=[PayoutState.APPROVED, PayoutState.SENT]).aggregate(
            fen=Sum("amount_fen")
        )["fen"]
        or 0,
    }
    return render(request, "merchant/payouts/payouts.html", context)


@merchant_page(*PURSE)
@require_safe
def payout_detail(request: MerchantRequest, payout_id: int) -> HttpResponse:
    """Gross, refunds, fees, net: the sums of the statements it pays, which are listed below."""
    payout = _payouts(request).filter(pk=payout_id).first()
    if payout is None:
        raise NotFound
    items = list(payout.items.select_related("statement").order_by("statement__period_start", "statement_id"))
    statements = [item.statement for item in items]
    sums = {name: sum(getattr(statement, name) for statement in statements) for name in AMOUNTS}
    context = {
        "payout": payout,
        "statements": statements,
        "status": STATUS[PayoutState(payout.state)],
        "redeemed_fen": sums["gross_fen"] + sums["refunded_fen"],
        "sums": sums,
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/payouts/payout.html", context)


def _payouts(request: MerchantRequest) -> "QuerySet[Payout]":
    with scope(merchant=request.merchant.pk):
        return (
            Payout.objects.filter(kind=PayeeKind.MERCHANT, payee_id=request.merchant.pk, state__in=SHOWN)
            .select_related("account", "batch")
            .order_by("-id")
        )


def shown_payout(statement: Statement) -> Payout | None:
    """The payout that pays a statement or did, once it is approved."""
    payout = statement.payout
    return payout if payout is not None and payout.state in SHOWN else None
