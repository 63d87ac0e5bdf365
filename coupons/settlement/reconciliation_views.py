"""/m/<slug>/reconciliation/: the days, a day's differences, one taken apart and answered, and bills that come as files."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Min, Sum
from django.db.models.functions import Abs
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.enums import JobState
from core.errors import DomainError
from core.imports.mapping import ColumnMissing
from core.imports.table import MAX_FILE_BYTES, TableFault, TableUnreadable
from core.models import Job
from core.refusals import describe
from coupons.settlement.domain.breaks import adjust_break, explain_break, take_break
from coupons.settlement.domain.uploads import finish_upload, preview_upload, start_upload
from coupons.settlement.enums import BillRowRefusal, BreakState
from coupons.settlement.models import Break, ProviderBill, ReconciliationRun
from coupons.settlement.reconciliation_access import (
    access_bill,
    access_bills,
    access_break,
    access_breaks,
    access_day,
    access_days,
    access_upload,
)
from coupons.settlement.reconciliation_forms import (
    AdjustForm,
    BillFileForm,
    ConfirmBillForm,
    DayFilter,
    ExplainForm,
)
from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page

PURSE = (Role.OWNER, Role.FINANCE)
DAYS_PER_PAGE = 31
BREAKS_PER_PAGE = 50
ROWS_SHOWN = 50
BILLS_SHOWN = 5
STATUS = {
    BreakState.OPEN: "bad",
    BreakState.EXPLAINED: "ok",
    BreakState.ADJUSTED: "ok",
    BreakState.CLEARED: "idle",
}


@merchant_page(*PURSE)
@require_safe
def reconciliation(request: MerchantRequest) -> HttpResponse:
    """Newest day first, ?state=open narrows; on htmx only the list."""
    found: Any = access_days(access=request.access)  # with its breaks counted
    form = DayFilter(request.GET)
    state = form.cleaned_data["state"] if form.is_valid() else ""
    still_open = found.filter(open_breaks__gt=0)
    page = Paginator(still_open if state else found, DAYS_PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "page": page,
        "days": [(run, *_verdict(run)) for run in page],
        "state": state,
        "tabs": [
            {"label": _("All"), "url": request.path, "current": not state, "count": found.count()},
            {
                "label": _("To be answered"),
                "url": f"{request.path}?state=open",
                "current": bool(state),
                "count": still_open.count(),
            },
        ],
        "currency": request.merchant.currency,
    }
    if request.htmx:
        return render(request, "merchant/reconciliation/_days.html", context)
    unanswered = access_breaks(access=request.access).filter(state=BreakState.OPEN)
    context["unanswered"] = unanswered.count()
    context |= unanswered.order_by().aggregate(difference_fen=Sum(Abs("clearing_fen")), oldest=Min("day"))
    context["oldest_age"] = _age_days(context["oldest"]) if context["oldest"] else 0
    context["bills"] = access_bills(access=request.access)[:BILLS_SHOWN]
    return render(request, "merchant/reconciliation/days.html", context)


@merchant_page(*PURSE)
@require_safe
def reconciliation_day(request: MerchantRequest, run_id: int) -> HttpResponse:
    """The three sides of a day and what does not agree."""
    run = access_day(access=request.access, run_id=run_id)
    found = access_breaks(access=request.access).filter(run=run).exclude(state=BreakState.CLEARED)
    page = Paginator(found, BREAKS_PER_PAGE).get_page(request.GET.get("page"))
    label, kind = _verdict(run)
    context = {
        "run": run,
        "label": label,
        "status": kind,
        "sides": _sides(run),
        "page": page,
        "rows": [(one, STATUS[BreakState(one.state)], _age_days(one.day)) for one in page],
        "currency": request.merchant.currency,
    }
    if request.htmx:
        return render(request, "merchant/reconciliation/_breaks.html", context)
    return render(request, "merchant/reconciliation/day.html", context)


@merchant_page(*PURSE)
@require_safe
def reconciliation_break(request: MerchantRequest, break_id: int) -> HttpResponse:
    """What was found, the likely reason, and how it can be answered."""
    return _render_break(request, access_break(access=request.access, break_id=break_id))


@merchant_page(*PURSE)
@require_POST
def break_take(request: MerchantRequest, break_id: int) -> HttpResponse:
    """I look after it."""
    found = access_break(access=request.access, break_id=break_id)
    try:
        take_break(found=found, by=request.user)
    except DomainError as error:
        _tell(request, error)
    else:
        messages.success(request, _("You look after this difference now."))
    return redirect("reconciliation_break", slug=request.merchant.slug, break_id=break_id)


@merchant_page(*PURSE)
@require_POST
def break_explain(request: MerchantRequest, break_id: int) -> HttpResponse:
    """Right as it is, and why; without words nothing is changed."""
    return _answer(
        request, break_id, ExplainForm(request.POST), explain_break, _("The difference is explained.")
    )


@merchant_page(*PURSE)
@require_POST
def break_adjust(request: MerchantRequest, break_id: int) -> HttpResponse:
    """A new entry brings the ledger to what the provider says."""
    return _answer(
        request,
        break_id,
        AdjustForm(request.POST),
        adjust_break,
        _("The difference is adjusted by a new entry."),
    )


@merchant_page(*PURSE)
@require_http_methods(["GET", "HEAD", "POST"])
def bill_upload_new(request: MerchantRequest) -> HttpResponse:
    """Take a file; nothing is compared yet."""
    form = BillFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > MAX_FILE_BYTES:
                raise TableUnreadable(why=TableFault.TOO_LARGE)
            upload = start_upload(
                merchant=request.merchant, file_name=file.name, content=file.read(), by=request.user
            )
        except TableUnreadable as error:
            form.add_error("file", str(TableFault(error.facts["why"]).label))
        except ColumnMissing as error:
            form.add_error(
                "file",
                _("A column is missing: %(column)s. There are: %(columns)s.")
                % {"column": error.facts["field"], "columns": "、".join(error.facts["columns"])[:300]},
            )
        else:
            return redirect("bill_upload", slug=request.merchant.slug, upload_id=upload.pk)
    return render(
        request, "merchant/reconciliation/upload.html", {"form": form}, status=422 if form.errors else 200
    )


@merchant_page(*PURSE)
@require_http_methods(["GET", "HEAD", "POST"])
def bill_upload(request: MerchantRequest, upload_id: int) -> HttpResponse:
    """What the file says, before anything is imported; posting imports it."""
    upload = access_upload(access=request.access, upload_id=upload_id)
    if upload.bill_id:
        return redirect("provider_bill", slug=request.merchant.slug, bill_id=upload.bill_id)
    form = ConfirmBillForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            done = finish_upload(upload=upload, by=request.user, replaces=form.cleaned_data["replaces"])
        except DomainError as error:
            _tell(request, error)
            return redirect("bill_upload", slug=request.merchant.slug, upload_id=upload.pk)
        return redirect("provider_bill", slug=request.merchant.slug, bill_id=done.bill.pk)
    preview = preview_upload(upload=upload)
    words = {str(code): code.label for code in BillRowRefusal}
    context = {
        "upload": upload,
        "preview": preview,
        "form": form,
        "refused": [(row, words[row.codes[0]]) for row in preview.read.refused[:ROWS_SHOWN]],
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/reconciliation/upload_preview.html", context)


@merchant_page(*PURSE)
@require_safe
def provider_bill(request: MerchantRequest, bill_id: int) -> HttpResponse:
    """A bill, how far its days are compared (on htmx only that part), and what came of them."""
    bill = access_bill(access=request.access, bill_id=bill_id)
    days = access_days(access=request.access).filter(day__range=(bill.first_day, bill.last_day))
    done, total = _progress(bill)
    context = {
        "bill": bill,
        "done": done,
        "total": total,
        "is_done": done >= total,
        "days": [(run, *_verdict(run)) for run in days],
        "currency": request.merchant.currency,
    }
    if not request.htmx:
        return render(request, "merchant/reconciliation/bill.html", context)
    response = render(request, "merchant/reconciliation/_bill_progress.html", context)
    if context["is_done"]:
        response["HX-Refresh"] = "true"  # the page once more, without asking every two seconds
    return response


def _progress(bill: ProviderBill) -> tuple[int, int]:
    """(days compared since it was imported, all its days)."""
    total = (bill.last_day - bill.first_day).days + 1
    keys = [f"{bill.pk}:{bill.first_day + timedelta(days=offset)}" for offset in range(total)]
    waiting = Job.objects.filter(kind="reconcile_day", key__in=keys).exclude(state=JobState.DONE).count()
    return total - waiting, total


def _verdict(run: ReconciliationRun) -> tuple[str, str]:
    """A day in a word and its colour; of a run with its breaks counted."""
    counted: Any = run
    if counted.open_breaks:
        return _("%(count)s open") % {"count": counted.open_breaks}, "bad"
    if not run.is_billed:
        return _("No bill yet"), "warn"
    return (_("Answered"), "ok") if counted.all_breaks else (_("Agrees"), "ok")


def _sides(run: ReconciliationRun) -> list[tuple[str, int, int | None, int]]:
    """(what, by our orders, by the bill, by the ledger) in fen; no bill says nothing."""
    rows = [
        (_("Received"), run.payments_fen, run.billed_payments_fen, run.booked_payments_fen),
        (_("Paid back"), -run.refunds_fen, -run.billed_refunds_fen, -run.booked_refunds_fen),
        (
            _("Together"),
            run.payments_fen - run.refunds_fen,
            run.billed_payments_fen - run.billed_refunds_fen,
            run.booked_payments_fen - run.booked_refunds_fen,
        ),
    ]
    return [(name, ours, bill if run.is_billed else None, ledger) for name, ours, bill, ledger in rows]


def _age_days(day: Any) -> int:
    return max((timezone.localdate() - day).days, 0)


def _answer(
    request: MerchantRequest, break_id: int, form: forms.Form, answer: Callable[..., None], said: str
) -> HttpResponse:
    found = access_break(access=request.access, break_id=break_id)
    if not form.is_valid():
        return _render_break(request, found, answered=form, status=422)
    try:
        answer(found=found, by=request.user, words=form.cleaned_data["explanation"])
    except DomainError as error:
        _tell(request, error)
    else:
        messages.success(request, said)
    return redirect("reconciliation_break", slug=request.merchant.slug, break_id=break_id)


def _render_break(
    request: MerchantRequest, found: Break, *, answered: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "found": found,
        "status": STATUS[BreakState(found.state)],
        "is_open": found.state == BreakState.OPEN,
        "age": _age_days(found.day),
        "difference_fen": found.found_fen - found.expected_fen,
        "adjustment_fen": abs(found.clearing_fen),
        "explain_form": answered if isinstance(answered, ExplainForm) else ExplainForm(),
        "adjust_form": answered if isinstance(answered, AdjustForm) else AdjustForm(),
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/reconciliation/break.html", context, status=status)


def _tell(request: MerchantRequest, error: DomainError) -> None:
    described = describe(error, zone=request.merchant.tzinfo)
    messages.error(request, f"{described.title} {described.next_step}")
