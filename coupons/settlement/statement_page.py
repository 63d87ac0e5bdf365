"""One statement's page, answers and files, whichever side its reader comes from: the merchant's or that of who serves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.errors import DomainError
from core.refusals import describe
from coupons.settlement import export
from coupons.settlement.access import access_file, access_files
from coupons.settlement.domain.breakdown import list_lines, sum_by_day, sum_by_store, total_lines
from coupons.settlement.domain.files import (
    BACKGROUND_LINES,
    is_large,
    read_file,
    record_download,
    request_file,
)
from coupons.settlement.domain.objections import list_objections
from coupons.settlement.domain.statements import confirm_statement, dispute_statement
from coupons.settlement.enums import (
    STATEMENT_TRANSITIONS,
    FileForm,
    FileState,
    ObjectionState,
    PayeeKind,
    StatementState,
)
from coupons.settlement.forms import DisputeForm
from coupons.settlement.ledger import list_ledger
from coupons.settlement.models import Statement, StatementFile
from coupons.settlement.payout_views import shown_payout
from identity.models import User

ROWS_PER_PAGE = 50
TABS = {"store": sum_by_store, "day": sum_by_day, "coupon": list_lines}
FORMS = tuple(FileForm)
NEWS_COOKIE = "statement_files"

STATUS = {
    StatementState.SEALED: "warn",
    StatementState.CONFIRMED: "info",
    StatementState.DISPUTED: "bad",
    StatementState.PAID: "ok",
}


OBJECTION_STATUS = {
    ObjectionState.OPEN: "warn",
    ObjectionState.UPHELD: "ok",
    ObjectionState.DECLINED: "idle",
}


@dataclass(frozen=True)
class Side:
    """Where a reader stands: the beginning of his URLs' names, their arguments, the frame of his pages, what he may do."""

    user: User
    prefix: str
    arguments: Mapping[str, Any]
    frame: str
    may_answer: bool

    def url(self, name: str, **arguments: Any) -> str:
        return reverse(f"{self.prefix}{name}", kwargs={**self.arguments, **arguments})

    def links(self, statement: Statement) -> dict[str, str]:
        names = ("detail", "confirm", "dispute", "files")
        return {
            "list": self.url("s"),
            **{name: self.url(f"_{name}", statement_id=statement.pk) for name in names},
            **{form: self.url("_export", statement_id=statement.pk, kind=form) for form in FORMS},
        }


def show_statement(
    request: Any,
    side: Side,
    statement: Statement,
    *,
    dispute_form: DisputeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The ledger, the seal, and the lines by store, day or coupon (?by=), ?all=1 on one page; on htmx only the lines."""
    by = request.GET.get("by", "")
    by = by if by in TABS else "store"
    rows = BACKGROUND_LINES if "all" in request.GET and not is_large(statement=statement) else ROWS_PER_PAGE
    totals = total_lines(statement=statement)
    context = {
        "statement": statement,
        "links": side.links(statement),
        "by": by,
        "page": Paginator(TABS[by](statement=statement), rows).get_page(request.GET.get("page")),
        "totals": totals,
        "currency": statement.merchant.currency,
        "is_large": is_large(statement=statement),
        "shows_people": statement.kind == PayeeKind.MERCHANT,
        "can_object": side.may_answer and statement.state in (StatementState.SEALED, StatementState.DISPUTED),
    }
    with timezone.override(statement.merchant.tzinfo):
        if request.htmx:
            return render(request, "merchant/statements/statement_lines.html", context)
        state = StatementState(statement.state)
        answers = STATEMENT_TRANSITIONS[state] if side.may_answer else set()
        previous = statement.previous
        context |= {
            "frame": side.frame,
            "status_kind": STATUS[state],
            "ledger": list_ledger(statement=statement, agreed=totals.agreed),
            "previous": previous,
            "previous_url": previous and side.url("_detail", statement_id=previous.pk),
            "payout": shown_payout(statement),
            "payout_url": _payout_url(side, statement),
            "can_confirm": StatementState.CONFIRMED in answers,
            "can_dispute": StatementState.DISPUTED in answers,
            "objections": [
                (objection, OBJECTION_STATUS[ObjectionState(objection.state)])
                for objection in list_objections(statement=statement)
            ]
            if statement.dispute_reason
            else [],
            "dispute_form": dispute_form or DisputeForm(),
            **_files(side, statement),
        }
        return render(request, "merchant/statements/statement.html", context, status=status)


def _payout_url(side: Side, statement: Statement) -> str:
    """The payout's page, which the shop's owner and finance have."""
    payout = shown_payout(statement)
    if payout is None or not side.may_answer or statement.kind != PayeeKind.MERCHANT:
        return ""
    return reverse("payout_detail", kwargs={**side.arguments, "payout_id": payout.pk})


def confirm(request: HttpRequest, side: Side, statement: Statement) -> HttpResponse:
    """The payee agrees. Somebody who answered before him is told of."""
    try:
        confirm_statement(statement=statement, by=side.user)
    except DomainError as error:
        _tell(request, error, statement)
    else:
        messages.success(request, _("Statement %(number)s is confirmed.") % {"number": statement.number})
    return redirect(side.url("_detail", statement_id=statement.pk))


def dispute(request: HttpRequest, side: Side, statement: Statement) -> HttpResponse:
    """The payee says what is wrong, with the whole or with the lines he marked; without words nothing is changed."""
    form = DisputeForm(request.POST)
    if not form.is_valid():
        return show_statement(request, side, statement, dispute_form=form, status=422)
    try:
        dispute_statement(
            statement=statement,
            by=side.user,
            reason=form.cleaned_data["reason"],
            line_ids=_marked(request.POST),
        )
    except DomainError as error:
        _tell(request, error, statement)
    else:
        messages.success(
            request, _("Your question about %(number)s was passed on.") % {"number": statement.number}
        )
    return redirect(side.url("_detail", statement_id=statement.pk))


def _marked(sent: QueryDict) -> list[int]:
    """Ids of lines; what is no number is no line of any statement."""
    return [int(text) if text.isdecimal() else 0 for text in sent.getlist("line")]


def send_export(side: Side, statement: Statement, kind: str) -> HttpResponseBase:
    """The whole file at once; a large statement's is asked for on its page instead."""
    if kind not in FORMS:
        raise Http404
    if is_large(statement=statement):
        return redirect(side.url("_detail", statement_id=statement.pk) + "#files")
    form = FileForm(kind)
    file = export.open_file(statement, form)
    record_download(statement=statement, form=form, by=side.user, verb="statement.downloaded")
    return _attachment(iter(lambda: file.read(1 << 16), b""), statement, form)


def ask_for_file(request: Any, side: Side, statement: Statement) -> HttpResponse:
    """GET: how far the files are (polled). POST: have one made, or tried again."""
    if request.method == "POST":
        kind = request.POST.get("kind")
        if kind not in FORMS or not is_large(statement=statement):
            return HttpResponse(status=422)
        request_file(statement=statement, form=FileForm(kind), language=get_language() or "en", by=side.user)
        if not request.htmx:
            return _watched(redirect(side.url("_detail", statement_id=statement.pk) + "#files"))
    context = {"statement": statement, "links": side.links(statement), **_files(side, statement)}
    response = render(request, "merchant/statements/statement_files.html", context)
    return _watched(response) if request.method == "POST" else response


def _watched(response: HttpResponse) -> HttpResponse:
    """Pages of this browser ask for news of files until there are none; nobody else's pages ask."""
    response.set_cookie(
        NEWS_COOKIE, "1", max_age=86_400, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
    return response


def send_file(side: Side, statement: Statement, file_id: int) -> HttpResponseBase:
    """A file of the reader's own that is ready."""
    file = access_file(statement=statement, user=side.user, file_id=file_id)
    form = FileForm(file.form)
    record_download(statement=statement, form=form, by=side.user, verb="statement.downloaded")
    response = _attachment(read_file(file=file), statement, form)
    response["Content-Length"] = str(file.size)
    return response


def _files(side: Side, statement: Statement) -> dict[str, Any]:
    """The row of each form; a small statement has links instead and costs no query."""
    if not is_large(statement=statement):
        return {"is_large": False}
    made: dict[str, StatementFile] = {
        file.form: file for file in access_files(statement=statement, user=side.user)
    }
    rows = [
        {
            "form": form,
            "file": made.get(form),
            "url": form in made and side.url("_file", statement_id=statement.pk, file_id=made[form].pk),
        }
        for form in FORMS
    ]
    return {
        "is_large": True,
        "files": rows,
        "is_waiting": any(file.state == FileState.MAKING for file in made.values()),
    }


def _attachment(body: Any, statement: Statement, form: FileForm) -> StreamingHttpResponse:
    response = StreamingHttpResponse(body, content_type=export.CONTENT_TYPES[form])
    name = export.file_name(statement=statement, form=form)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _tell(request: HttpRequest, error: DomainError, statement: Statement) -> None:
    described = describe(error, zone=statement.merchant.tzinfo)
    messages.error(request, f"{described.title} {described.next_step}")
