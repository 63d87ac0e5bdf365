"""Why a line of a statement says what it says: to the merchant, and to who has a part in it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from coupons.settlement.access import PayeeAccess, access_line, access_payee_line
from coupons.settlement.domain.payees import PAYEE_COLUMNS
from coupons.settlement.domain.reasons import explain_line
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import SettlementLine, Statement
from coupons.settlement.payee_views import READERS, payee_page
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page

PAGE = "merchant/statements/line_why.html"


@merchant_page(Role.OWNER, Role.FINANCE, Role.MANAGER, by=Scope.SETTLEMENT)
@require_safe
def line_why(request: MerchantRequest, line_id: int) -> HttpResponse:
    """The line's use, its order and payment, each party's part with its rule and rounding, and how it was booked."""
    line = access_line(access=request.access, line_id=line_id)
    slug = {"slug": request.merchant.slug}
    context = {
        "frame": "merchant/base.html",
        "is_merchant": True,
        "statement": line.statement,
        "statements_url": reverse("statements", kwargs=slug),
        "statement_url": line.statement
        and reverse("statement_detail", kwargs={**slug, "statement_id": line.statement.pk}),
        "use_url": line.refund_id
        and reverse("line_why", kwargs={**slug, "line_id": line.use.settlement_line.pk}),
    }
    return _show(request, line, context)


@payee_page(*READERS)
@require_safe
def payee_line_why(request: HttpRequest, access: PayeeAccess, line_id: int) -> HttpResponse:
    """The same to a provider, a station or a creator: all rates, since his fen rest on them, and nobody's name but his."""
    line = access_payee_line(access=access, line_id=line_id)
    column = PAYEE_COLUMNS[PayeeKind(access.party.kind)].statement
    statement: Statement | None = getattr(line, column.removesuffix("_id"))
    party = {"party_id": access.party.pk}
    context = {
        "frame": "merchant/statements/payee_frame.html",
        "is_merchant": False,
        "party": access.party,
        "statement": statement,
        "statements_url": reverse("payee_statements", kwargs=party),
        "statement_url": statement
        and reverse("payee_statement_detail", kwargs={**party, "statement_id": statement.pk}),
        "use_url": line.refund_id
        and reverse("payee_line_why", kwargs={**party, "line_id": line.use.settlement_line.pk}),
    }
    return _show(request, line, context)


def _show(request: HttpRequest, line: SettlementLine, context: dict[str, Any]) -> HttpResponse:
    context |= {"reasons": explain_line(line=line), "line": line, "currency": line.merchant.currency}
    with timezone.override(line.merchant.tzinfo):
        return render(request, PAGE, context)
