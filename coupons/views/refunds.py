"""Refunds: what waits for a decision, what is on its way, what went back; one refund, its effect, the merchant's answer."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.newest import PARAMETER, NewestPage, read_newest
from core.refusals import describe
from coupons.access import access_redemption, access_refund, access_refunds
from coupons.domain.refund_effect import split_refund
from coupons.domain.refunds import find_stuck_job, retry_refund
from coupons.domain.use_refunds import approve_refund, check_refundable, refund_use, reject_refund
from coupons.enums import RefundState
from coupons.forms.refunds import ApproveForm, GiveForm, RejectForm
from coupons.models import OrderShare, Redemption, Refund
from coupons.views.timeline import tell_story
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page

READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)
DECIDERS = (Role.OWNER, Role.MANAGER)
ROWS_PER_PAGE = 50
APPROVE_IDS, REJECT_IDS = "approve_%s", "reject_%s"  # both questions stand on one page
MOST_COUNTED = 1_000  # a tab counts up to here: more is "999+"
TABS: dict[str, tuple[str | Promise, list[RefundState]]] = {
    "": (gettext_lazy("To decide"), [RefundState.REQUESTED]),
    "running": (gettext_lazy("On their way"), [RefundState.APPROVED, RefundState.FAILED]),
    "done": (gettext_lazy("Paid back"), [RefundState.PAID_OUT]),
    "rejected": (pgettext_lazy("refund", "Rejected"), [RefundState.REJECTED]),
}
STATUS = {
    RefundState.REQUESTED: "warn",
    RefundState.APPROVED: "info",
    RefundState.FAILED: "bad",
    RefundState.PAID_OUT: "ok",
    RefundState.REJECTED: "idle",
}
OF_ROWS = ("coupon__deal", "coupon__customer", "order", "redemption__store", "decided_by")


@merchant_page(*READERS, by=Scope.REFUNDS)
@require_safe
def refunds(request: MerchantRequest) -> HttpResponse:
    """?state= chooses the tab; what waits for a decision is shown by its deadline, the rest newest first."""
    tab = request.GET.get("state", "")
    tab = tab if tab in TABS else ""
    found = _of_tab(request, tab)
    page = (
        read_newest(found.select_related(*OF_ROWS), before=request.GET.get(PARAMETER), size=ROWS_PER_PAGE)
        if tab
        else _waiting(found)
    )
    context = {
        "page": page,
        "tab": tab,
        "rows": [(refund, STATUS[RefundState(refund.state)], _seconds_left(refund)) for refund in page],
        "tabs": _tabs(request, tab),
        "currency": request.merchant.currency,
        "may_recall": request.merchant_role in DECIDERS and request.access.store_ids is None,
    }
    template = "merchant/refunds/list.html" if request.htmx else "merchant/refunds/refunds.html"
    return render(request, template, context)


@merchant_page(*READERS, by=Scope.REFUNDS)
@require_safe
def refund_detail(request: MerchantRequest, refund_id: int) -> HttpResponse:
    """What was asked, what the records say, what it does to the next statements; ?ask= opens a question."""
    refund = access_refund(access=request.access, refund_id=refund_id)
    return _show(request, refund, ask=request.GET.get("ask", ""))


@merchant_page(*DECIDERS, by=Scope.REFUNDS)
@require_POST
def refund_approve(request: MerchantRequest, refund_id: int) -> HttpResponse:
    """Agree, to all or to a part."""
    refund = access_refund(access=request.access, refund_id=refund_id)
    form = ApproveForm(request.POST, refund=refund, auto_id=APPROVE_IDS)
    if not form.is_valid():
        return _show(request, refund, ask="approve", approve=form, status=422)
    return _answer(
        request,
        lambda: approve_refund(
            refund=refund,
            by=request.user,
            amount_fen=form.cleaned_data["amount"],
            reason=form.cleaned_data["reason"],
        ),
        _("Agreed. The money goes back to the customer."),
        refund,
    )


@merchant_page(*DECIDERS, by=Scope.REFUNDS)
@require_POST
def refund_reject(request: MerchantRequest, refund_id: int) -> HttpResponse:
    """Say no, with a reason."""
    refund = access_refund(access=request.access, refund_id=refund_id)
    form = RejectForm(request.POST, auto_id=REJECT_IDS)
    if not form.is_valid():
        return _show(request, refund, ask="reject", reject=form, status=422)
    return _answer(
        request,
        lambda: reject_refund(refund=refund, by=request.user, reason=form.cleaned_data["reason"]),
        _("Rejected. The customer reads your reason."),
        refund,
    )


@merchant_page(*DECIDERS, by=Scope.REFUNDS)
@require_POST
def refund_retry(request: MerchantRequest, refund_id: int) -> HttpResponse:
    """Ask the payment provider again."""
    refund = access_refund(access=request.access, refund_id=refund_id)
    return _answer(
        request,
        lambda: retry_refund(refund=refund, by=request.user),
        _("The payment provider is asked again."),
        refund,
    )


@merchant_page(*DECIDERS, by=Scope.REFUNDS)
def redemption_refund(request: MerchantRequest, redemption_id: int) -> HttpResponse:
    """Give all or part of a use back without a request."""
    redemption = access_redemption(access=request.access, redemption_id=redemption_id)
    redemption = (
        Redemption.objects.filter(pk=redemption.pk)
        .select_related("coupon__customer", "deal", "store", "clerk", "order", "merchant")
        .get()
    )
    refused = None
    form = GiveForm(request.POST or None, gross_fen=redemption.gross_fen)
    try:
        if request.method == "POST" and form.is_valid():
            refund = refund_use(
                redemption=redemption,
                amount_fen=form.cleaned_data["amount"],
                cause=form.cleaned_data["cause"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
            messages.success(request, _("Agreed. The money goes back to the customer."))
            return redirect("refund_detail", slug=request.merchant.slug, refund_id=refund.pk)
        check_refundable(redemption=redemption)
    except DomainError as error:
        refused = describe(error, zone=request.merchant.tzinfo)
    context = {
        "redemption": redemption,
        "form": form,
        "refused": refused,
        "effect": _effect(redemption, redemption.gross_fen),
        "currency": request.merchant.currency,
    }
    status = 422 if form.is_bound and form.errors else 409 if refused and form.is_bound else 200
    return render(request, "merchant/refunds/give.html", context, status=status)


def _show(
    request: MerchantRequest,
    refund: Refund,
    *,
    ask: str = "",
    approve: ApproveForm | None = None,
    reject: RejectForm | None = None,
    status: int = 200,
) -> HttpResponse:
    refund = (
        Refund.objects.filter(pk=refund.pk)
        .select_related(
            "coupon__customer",
            "coupon__deal",
            "order__customer",
            "redemption__store",
            "redemption__clerk",
            "requested_by",
            "decided_by",
            "recall",
            "settlement_line__statement",
        )
        .get()
    )
    seconds = _seconds_left(refund)
    may_decide = (
        request.access.allows(DECIDERS, by=Scope.REFUNDS)
        and refund.state == RefundState.REQUESTED
        and seconds > 0
    )
    context = {
        "refund": refund,
        "kind": STATUS[RefundState(refund.state)],
        "line": getattr(refund, "settlement_line", None),
        "seconds": seconds,
        "may_decide": may_decide,
        "may_retry": request.access.allows(DECIDERS, by=Scope.REFUNDS)
        and find_stuck_job(refund=refund) is not None,
        "ask": ask if may_decide else "",
        "approve_form": approve or ApproveForm(refund=refund, auto_id=APPROVE_IDS),
        "reject_form": reject or RejectForm(auto_id=REJECT_IDS),
        "effect": _effect(refund.redemption, refund.amount_fen) if refund.redemption else [],
        "events": tell_story(refund.coupon, currency=request.merchant.currency) if refund.coupon else [],
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/refunds/detail.html", context, status=status)


def _answer(request: MerchantRequest, step: Callable[[], object], done: str, refund: Refund) -> HttpResponse:
    """Do it once; whoever was first is told of. A second click changes nothing."""
    try:
        step()
    except DomainError as error:
        described = describe(error, zone=request.merchant.tzinfo)
        messages.error(request, f"{described.title} {described.next_step}")
    else:
        messages.success(request, done)
    return redirect("refund_detail", slug=request.merchant.slug, refund_id=refund.pk)


def _effect(redemption: Redemption, amount_fen: int) -> list[dict[str, Any]]:
    """Each party's part of the refund, the merchant's first; nothing where it takes from him alone and is all."""
    shares = list(OrderShare.objects.filter(order_id=redemption.order_id).select_related("payee"))
    parts = split_refund(gross_fen=redemption.gross_fen, amount_fen=amount_fen, shares=shares)
    return [
        {"label": part.kind.label if part.kind else _("You"), "payee": part.payee or "", "fen": -part.fen}
        for part in parts
        if part.fen or part.kind is None
    ]


def _of_tab(request: MerchantRequest, tab: str) -> "QuerySet[Refund]":
    return access_refunds(access=request.access).filter(merchant=request.merchant, state__in=TABS[tab][1])


def _waiting(found: "QuerySet[Refund]") -> NewestPage:
    """By deadline; those beyond the page come up as the first are decided."""
    rows = list(found.select_related(*OF_ROWS).order_by("review_due_at", "id")[: 2 * ROWS_PER_PAGE])
    return NewestPage(object_list=rows, is_first=True, older=None)


def _tabs(request: MerchantRequest, current: str) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "url": f"{request.path}?state={tab}" if tab else request.path,
            "current": tab == current,
            "count": _of_tab(request, tab).order_by()[:MOST_COUNTED].count(),
        }
        for tab, (label, _states) in TABS.items()
    ]


def _seconds_left(refund: Refund) -> int:
    """Until the clock agrees; 0 where nothing waits for it."""
    if refund.state != RefundState.REQUESTED or refund.review_due_at is None:
        return 0
    return max(0, int((refund.review_due_at - timezone.now()).total_seconds()))
