"""Statements of who serves merchants: providers, stations, creators. One page for all their merchants' books."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import NotFound
from coupons.settlement import statement_page
from coupons.settlement.access import (
    PayeeAccess,
    access_payee,
    access_payee_statement,
    access_payee_statements,
)
from coupons.settlement.enums import StatementState
from coupons.settlement.models import Statement
from coupons.settlement.statement_page import STATUS, Side
from identity.enums import Role

STATEMENTS_PER_PAGE = 30
READERS = (Role.OWNER, Role.FINANCE, Role.MANAGER)
ANSWERERS = (Role.OWNER, Role.FINANCE)

View = Callable[..., HttpResponseBase]


def payee_page(*roles: Role) -> Callable[[View], View]:
    """Open a page under /payees/<party>/ to who holds one of the roles there; anybody else gets 404.

    The view is given the access, and the statement where the path names one.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def inside(
            request: Any, party_id: int, statement_id: int | None = None, **kwargs: Any
        ) -> HttpResponseBase:
            try:
                access = access_payee(user=request.user, party_id=party_id, roles=roles)
                if statement_id is None:
                    return view(request, access, **kwargs)
                statement = access_payee_statement(access=access, statement_id=statement_id)
                return view(request, _side(access), statement, **kwargs)
            except NotFound as error:
                raise Http404 from error

        return inside

    return decorate


@payee_page(*READERS)
@require_safe
def statements(request: Any, access: PayeeAccess) -> HttpResponse:
    """Newest first, of every merchant served."""
    page = Paginator(access_payee_statements(access=access), STATEMENTS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [(statement, STATUS[StatementState(statement.state)]) for statement in page]
    context = {"page": page, "rows": rows, "party": access.party, "frame": _side(access).frame}
    return render(request, "merchant/statements/payee_statements.html", context)


@payee_page(*READERS)
@require_safe
def statement_detail(request: Any, side: Side, statement: Statement) -> HttpResponse:
    return statement_page.show_statement(request, side, statement)


@payee_page(*ANSWERERS)
@require_POST
def statement_confirm(request: Any, side: Side, statement: Statement) -> HttpResponse:
    return statement_page.confirm(request, side, statement)


@payee_page(*ANSWERERS)
@require_POST
def statement_dispute(request: Any, side: Side, statement: Statement) -> HttpResponse:
    return statement_page.dispute(request, side, statement)


@payee_page(*READERS)
@require_safe
def statement_export(request: Any, side: Side, statement: Statement, kind: str) -> HttpResponseBase:
    return statement_page.send_export(side, statement, kind)


@payee_page(*READERS)
@require_http_methods(["GET", "POST"])
def statement_files(request: Any, side: Side, statement: Statement) -> HttpResponse:
    return statement_page.ask_for_file(request, side, statement)


@payee_page(*READERS)
@require_safe
def statement_file(request: Any, side: Side, statement: Statement, file_id: int) -> HttpResponseBase:
    return statement_page.send_file(side, statement, file_id)


def _side(access: PayeeAccess) -> Side:
    return Side(
        user=access.user,
        prefix="payee_statement",
        arguments={"party_id": access.party.pk},
        frame="merchant/statements/payee_frame.html",
        may_answer=access.role in ANSWERERS,
    )
