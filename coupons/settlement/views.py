"""The merchant's statements: the list, one taken apart, the merchant's answer to it, its files."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coupons.settlement import statement_page
from coupons.settlement.access import access_statement, access_statements
from coupons.settlement.domain.bank_accounts import read_bank_accounts
from coupons.settlement.domain.outstanding import sum_next_payout, sum_waiting
from coupons.settlement.enums import StatementState
from coupons.settlement.forms import StatementFilter
from coupons.settlement.statement_page import STATUS, Side
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page

STATEMENTS_PER_PAGE = 30
READERS = (Role.OWNER, Role.FINANCE, Role.MANAGER)
ANSWERERS = (Role.OWNER, Role.FINANCE)


@merchant_page(*READERS, by=Scope.SETTLEMENT)
@require_safe
def statements(request: MerchantRequest) -> HttpResponse:
    """Newest first, ?state= narrows; on htmx only the list."""
    found = access_statements(access=request.access)
    form = StatementFilter(request.GET)
    state = form.cleaned_data["state"] if form.is_valid() else ""
    counts = dict(found.order_by().values_list("state").annotate(Count("pk")))
    page = Paginator(found.filter(state=state) if state else found, STATEMENTS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": [
            {
                "statement": statement,
                "uses": statement.lines_count - statement.refund_lines,
                "redeemed_fen": statement.gross_fen + statement.refunded_fen,
                "fees_fen": statement.merchant_fen - statement.gross_fen,
                "status": STATUS[StatementState(statement.state)],
            }
            for statement in page
        ],
        "has_refunds": any(statement.refund_lines for statement in page),
        "state": state,
        "tabs": _state_tabs(request, counts, state),
        "currency": request.merchant.currency,
    }
    if request.htmx:
        return render(request, "merchant/statements/statement_list.html", context)
    context["waiting"] = sum_waiting(merchant=request.merchant)
    context["payout"] = sum_next_payout(merchant=request.merchant)
    if request.merchant_role in ANSWERERS:
        context["accounts"] = read_bank_accounts(payee_id=request.merchant.pk)
    return render(request, "merchant/statements/statements.html", context)


@merchant_page(*READERS, by=Scope.SETTLEMENT)
@require_safe
def statement_detail(request: MerchantRequest, statement_id: int) -> HttpResponse:
    statement = access_statement(access=request.access, statement_id=statement_id)
    return statement_page.show_statement(request, _side(request), statement)


@merchant_page(*ANSWERERS)
@require_POST
def statement_confirm(request: MerchantRequest, statement_id: int) -> HttpResponse:
    statement = access_statement(access=request.access, statement_id=statement_id)
    return statement_page.confirm(request, _side(request), statement)


@merchant_page(*ANSWERERS)
@require_POST
def statement_dispute(request: MerchantRequest, statement_id: int) -> HttpResponse:
    statement = access_statement(access=request.access, statement_id=statement_id)
    return statement_page.dispute(request, _side(request), statement)


@merchant_page(*READERS, by=Scope.SETTLEMENT)
@require_safe
def statement_export(request: MerchantRequest, statement_id: int, kind: str) -> HttpResponseBase:
    statement = access_statement(access=request.access, statement_id=statement_id)
    return statement_page.send_export(_side(request), statement, kind)


@merchant_page(*READERS, by=Scope.SETTLEMENT)
@require_http_methods(["GET", "POST"])
def statement_files(request: MerchantRequest, statement_id: int) -> HttpResponse:
    statement = access_statement(access=request.access, statement_id=statement_id)
    return statement_page.ask_for_file(request, _side(request), statement)


@merchant_page(*READERS, by=Scope.SETTLEMENT)
@require_safe
def statement_file(request: MerchantRequest, statement_id: int, file_id: int) -> HttpResponseBase:
    statement = access_statement(access=request.access, statement_id=statement_id)
    return statement_page.send_file(_side(request), statement, file_id)


def _side(request: MerchantRequest) -> Side:
    return Side(
        user=request.user,
        prefix="statement",
        arguments={"slug": request.merchant.slug},
        frame="merchant/base.html",
        may_answer=request.merchant_role in ANSWERERS,
    )


def _state_tabs(request: MerchantRequest, counts: dict[str, int], state: str) -> list[dict[str, Any]]:
    choices: list[tuple[str, Any, int]] = [("", _("All"), sum(counts.values()))]
    choices += [(value, label, counts.get(value, 0)) for value, label in StatementState.choices]
    return [
        {
            "label": label,
            "url": f"{request.path}?state={value}" if value else request.path,
            "current": value == state,
            "count": count,
        }
        for value, label, count in choices
        if count or not value or value == state
    ]
