"""Statements: the list, one taken apart, the merchant's answer to it, its lines as a file."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.exports import ROWS_AT_ONCE, stream_csv, write_xlsx
from core.refusals import describe
from coupons.settlement import export
from coupons.settlement.access import access_statement, access_statements
from coupons.settlement.domain.breakdown import list_lines, sum_by_day, sum_by_store, total_lines
from coupons.settlement.domain.outstanding import sum_next_payout, sum_waiting
from coupons.settlement.domain.statements import confirm_statement, dispute_statement
from coupons.settlement.enums import STATEMENT_TRANSITIONS, StatementState
from coupons.settlement.forms import DisputeForm, StatementFilter
from coupons.settlement.models import Statement
from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page

STATEMENTS_PER_PAGE = 30
ROWS_PER_PAGE = 50
TABS = {"store": sum_by_store, "day": sum_by_day, "coupon": list_lines}
READERS = (Role.OWNER, Role.FINANCE, Role.MANAGER)
ANSWERERS = (Role.OWNER, Role.FINANCE)

STATUS = {
    StatementState.SEALED: "warn",
    StatementState.CONFIRMED: "info",
    StatementState.DISPUTED: "bad",
    StatementState.PAID: "ok",
}


@merchant_page(*READERS)
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
            (statement, statement.merchant_fen - statement.gross_fen, STATUS[StatementState(statement.state)])
            for statement in page
        ],
        "state": state,
        "tabs": _state_tabs(request, counts, state),
        "currency": request.merchant.currency,
    }
    if request.htmx:
        return render(request, "merchant/statements/statement_list.html", context)
    context["waiting"] = sum_waiting(merchant=request.merchant)
    context["payout"] = sum_next_payout(merchant=request.merchant)
    return render(request, "merchant/statements/statements.html", context)


@merchant_page(*READERS)
@require_safe
def statement_detail(request: MerchantRequest, statement_id: int) -> HttpResponse:
    """The ledger, and its lines by store, day or coupon (?by=); on htmx only the lines."""
    statement = access_statement(access=request.access, statement_id=statement_id)
    return _render_statement(request, statement)


@merchant_page(*ANSWERERS)
@require_POST
def statement_confirm(request: MerchantRequest, statement_id: int) -> HttpResponse:
    """The merchant agrees. Somebody who answered before him is told of."""
    statement = access_statement(access=request.access, statement_id=statement_id)
    try:
        confirm_statement(statement=statement, by=request.user)
    except DomainError as error:
        _tell(request, error)
    else:
        messages.success(request, _("Statement %(number)s is confirmed.") % {"number": statement.number})
    return redirect("statement_detail", slug=request.merchant.slug, statement_id=statement_id)


@merchant_page(*ANSWERERS)
@require_POST
def statement_dispute(request: MerchantRequest, statement_id: int) -> HttpResponse:
    """The merchant says what is wrong; without words nothing is changed."""
    statement = access_statement(access=request.access, statement_id=statement_id)
    form = DisputeForm(request.POST)
    if not form.is_valid():
        return _render_statement(request, statement, dispute_form=form, status=422)
    try:
        dispute_statement(statement=statement, by=request.user, reason=form.cleaned_data["reason"])
    except DomainError as error:
        _tell(request, error)
    else:
        messages.success(
            request, _("Your question about %(number)s was passed on.") % {"number": statement.number}
        )
    return redirect("statement_detail", slug=request.merchant.slug, statement_id=statement_id)


@merchant_page(*READERS)
@require_safe
def statement_export(request: MerchantRequest, statement_id: int, kind: str) -> HttpResponseBase:
    """Every line as lines.csv or lines.xlsx."""
    statement = access_statement(access=request.access, statement_id=statement_id)
    head = export.header(currency=request.merchant.currency)
    lines = list_lines(statement=statement).iterator(chunk_size=ROWS_AT_ONCE)
    body = export.rows(statement=statement, lines=lines, zone=request.merchant.tzinfo)
    name = f"{request.merchant.slug}-{statement.number}.{kind}"
    if kind == "csv":
        response = StreamingHttpResponse(
            stream_csv(head=head, body=body), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    if kind == "xlsx":
        file = write_xlsx(title=statement.number, head=head, body=body)
        return FileResponse(file, as_attachment=True, filename=name)
    raise Http404


def _render_statement(
    request: MerchantRequest,
    statement: Statement,
    *,
    dispute_form: DisputeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    by = request.GET.get("by", "")
    by = by if by in TABS else "store"
    page = Paginator(TABS[by](statement=statement), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    state = StatementState(statement.state)
    context = {
        "statement": statement,
        "by": by,
        "page": page,
        "totals": total_lines(statement=statement),
        "currency": request.merchant.currency,
    }
    if request.htmx:
        return render(request, "merchant/statements/statement_lines.html", context)
    answers = STATEMENT_TRANSITIONS[state] if request.merchant_role in ANSWERERS else set()
    context |= {
        "status": STATUS[state],
        "deductions": _deductions(statement),
        "can_confirm": StatementState.CONFIRMED in answers,
        "can_dispute": StatementState.DISPUTED in answers,
        "dispute_form": dispute_form or DisputeForm(),
    }
    return render(request, "merchant/statements/statement.html", context, status=status)


def _deductions(statement: Statement) -> list[dict[str, Any]]:
    """What is taken off, in the ledger's order; the platform's fee always, the others where there are any."""
    parts = [
        (_("Platform fee"), statement.platform_fee_fen),
        (_("Service fee of your provider"), statement.service_fee_fen),
        (_("Station share"), statement.station_share_fen),
        (_("Commission of creators"), statement.commission_fen),
    ]
    return [
        {"label": label, "fen": -fen, "bps": _share_bps(fen, statement.gross_fen)}
        for number, (label, fen) in enumerate(parts)
        if fen or number == 0
    ]


def _share_bps(part_fen: int, gross_fen: int) -> int:
    """The share in basis points, rounded half up: for reading, never for reckoning."""
    return (2 * part_fen * 10_000 + gross_fen) // (2 * gross_fen) if gross_fen else 0


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


def _tell(request: MerchantRequest, error: DomainError) -> None:
    described = describe(error, zone=request.merchant.tzinfo)
    messages.error(request, f"{described.title} {described.next_step}")
