"""The list of sessions, the plan's form, a session's own page."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import DomainError, Invalid
from core.qr import qr_svg
from core.refusals import describe
from core.templatetags.tongdao import SYMBOLS
from coupons.live.access import access_session, access_sessions
from coupons.live.domain.figures import SessionFigures, Sums, count_figures, sum_sessions
from coupons.live.domain.plan import LiveChangedMeanwhile, change_plan, plan_session
from coupons.live.enums import LiveState
from coupons.live.forms import AddDealForm, NoteForm, SessionFilter, SessionForm
from coupons.live.models import LiveSession
from coupons.live.views.addresses import card_url
from coupons.live.views.meanings import MEANINGS, curve, funnel
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page

READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)
EDITORS = (Role.OWNER, Role.MANAGER)
PER_PAGE = 20
COMPARED = 5  # with how many sessions before
STATUS = {
    LiveState.PLANNED: "info",
    LiveState.LIVE: "ok",
    LiveState.ENDED: "idle",
    LiveState.CANCELLED: "idle",
}


@merchant_page(*READERS, by=Scope.DEALS)
@require_safe
def live_sessions(request: MerchantRequest) -> HttpResponse:
    """The latest planned first, ?state= narrows; on htmx only the list."""
    found = access_sessions(access=request.access)
    form = SessionFilter(request.GET)
    state = form.cleaned_data["state"] if form.is_valid() else ""
    counts = dict(found.order_by().values_list("state").annotate(Count("pk")))
    page = Paginator(found.filter(state=state) if state else found, PER_PAGE).get_page(
        request.GET.get("page")
    )
    sums = sum_sessions(sessions=list(page))
    context = {
        "page": page,
        "rows": [(session, sums[session.pk], STATUS[LiveState(session.state)]) for session in page],
        "state": state,
        "is_empty": not counts,
        "tabs": _tabs(request, counts, state),
        "currency": request.merchant.currency,
        "may_edit": request.access.allows(EDITORS, by=Scope.DEALS),
    }
    partial = request.htmx and not request.htmx.history_restore_request
    return render(request, "merchant/live/_list.html" if partial else "merchant/live/list.html", context)


@merchant_page(*EDITORS, by=Scope.DEALS)
@require_http_methods(["GET", "HEAD", "POST"])
def live_new(request: MerchantRequest) -> HttpResponse:
    """Plan a session."""
    form = SessionForm(request.POST or None, access=request.access)
    if request.method == "POST" and form.is_valid():
        try:
            session = plan_session(merchant=request.merchant, plan=form.plan(), by=request.user)
        except DomainError as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("Planned. The pieces are set aside for this session."))
            return redirect("live_session", slug=request.merchant.slug, session_id=session.pk)
    return _form_page(request, form, session=None)


@merchant_page(*EDITORS, by=Scope.DEALS)
@require_http_methods(["GET", "HEAD", "POST"])
def live_edit(request: MerchantRequest, session_id: int) -> HttpResponse:
    """Change a planned session; one that began is only looked at."""
    session = access_session(access=request.access, session_id=session_id)
    if session.state != LiveState.PLANNED:
        messages.error(request, _("Only a planned session is edited; pieces can be changed on its page."))
        return redirect("live_session", slug=request.merchant.slug, session_id=session.pk)
    form = SessionForm(request.POST or None, access=request.access, session=session)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            change_plan(
                session=session,
                plan=form.plan(),
                version=form.cleaned_data["version"] or 0,
                by=request.user,
            )
        except LiveChangedMeanwhile as refused:
            conflict = describe(refused, zone=request.merchant.tzinfo)
        except DomainError as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("live_session", slug=request.merchant.slug, session_id=session.pk)
    return _form_page(request, form, session=session, conflict=conflict)


@merchant_page(*READERS, by=Scope.DEALS)
@require_safe
def live_session(request: MerchantRequest, session_id: int) -> HttpResponse:
    """The session's page: steps, cards, products; once it ended the review."""
    session = access_session(access=request.access, session_id=session_id)
    return render_session(request, session)


def render_session(
    request: MerchantRequest,
    session: LiveSession,
    *,
    note_form: NoteForm | None = None,
    add_form: AddDealForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    figures = count_figures(session=session, at=now)
    may_edit = request.access.allows(EDITORS, by=Scope.DEALS)
    slug = request.merchant.slug
    url = card_url(request, session, slug=slug)
    can_change = may_edit and session.state in (LiveState.PLANNED, LiveState.LIVE)
    context: dict[str, Any] = {
        "session": session,
        "status": STATUS[LiveState(session.state)],
        "steps": _steps(session),
        "figures": figures,
        "products": [
            (product, card_url(request, session, slug=slug, deal_id=product.live_deal.deal_id))
            for product in figures.products
        ],
        "card_url": url,
        "card_qr": qr_svg(url, error="m"),
        "may_edit": may_edit,
        "can_change": can_change,
        "seconds_left": max(0, int((session.planned_from - now).total_seconds())),
        "is_late": session.state == LiveState.PLANNED and session.planned_from < now,
        "currency": request.merchant.currency,
        "meanings": MEANINGS,
        "notes": list(session.notes.select_related("by")),
        "note_form": note_form or NoteForm(),
    }
    if can_change and session.state == LiveState.LIVE:
        context["add_form"] = add_form or AddDealForm(access=request.access, session=session)
    if session.state in (LiveState.LIVE, LiveState.ENDED):
        context |= _review(request, session, figures)
    return render(request, "merchant/live/session.html", context, status=status)


def _review(request: MerchantRequest, session: LiveSession, figures: SessionFigures) -> dict[str, Any]:
    currency = request.merchant.currency
    context: dict[str, Any] = {
        "funnel": funnel(figures),
        "goal_bps": _goal_bps(session, figures),
        "curve": curve(
            figures,
            symbol=SYMBOLS.get(currency, f"{currency} "),
            zone=request.merchant.tzinfo,
            name=pgettext("live session", "Sold"),
        ),
    }
    if session.state == LiveState.ENDED:
        before = list(
            access_sessions(access=request.access)
            .filter(state=LiveState.ENDED, started_at__lt=session.started_at)
            .order_by("-started_at")[:COMPARED]
        )
        context["compared"] = _compare(figures.total, list(sum_sessions(sessions=before).values()))
        context["compared_count"] = len(before)
    return context


def _compare(now: Sums, before: list[Sums]) -> dict[str, int | None]:
    """Each number's change against the mean of the sessions before, in basis points; None without any."""
    changes: dict[str, int | None] = {}
    for name in ("gmv_fen", "paid_orders", "pieces", "redeemed_bps", "average_fen"):
        known = [value for value in (getattr(sums, name) for sums in before) if value is not None]
        mean = sum(known) / len(known) if known else 0
        value = getattr(now, name)
        changes[name] = round((value - mean) * 10_000 / mean) if mean and value is not None else None
    return changes


def _goal_bps(session: LiveSession, figures: SessionFigures) -> int | None:
    return figures.total.gmv_fen * 10_000 // session.goal_fen if session.goal_fen else None


def _steps(session: LiveSession) -> list[dict[str, Any]]:
    """Planned, live, ended: which is behind, which is now."""
    if session.state == LiveState.CANCELLED:
        return [
            {"label": LiveState.PLANNED.label, "at": session.created_at, "done": True, "current": False},
            {"label": LiveState.CANCELLED.label, "at": session.ended_at, "done": False, "current": True},
        ]
    order = [LiveState.PLANNED, LiveState.LIVE, LiveState.ENDED]
    here = order.index(LiveState(session.state))
    moments = [session.created_at, session.started_at, session.ended_at]
    return [
        {"label": state.label, "at": moments[place], "done": place < here, "current": place == here}
        for place, state in enumerate(order)
    ]


def _form_page(
    request: MerchantRequest, form: SessionForm, *, session: LiveSession | None, conflict: Any = None
) -> HttpResponse:
    status = 409 if conflict else 422 if form.is_bound else 200
    context = {
        "form": form,
        "session": session,
        "conflict": conflict,
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/live/edit.html", context, status=status)


def _refuse(form: SessionForm, refused: DomainError) -> None:
    sentence = describe(refused).title
    if "deal_id" in refused.facts:
        form.refuse_deal(refused.facts["deal_id"], sentence)
    elif isinstance(refused, Invalid) and refused.facts.get("field") in form.fields:
        form.add_error(refused.facts["field"], sentence)
    else:
        form.add_error(None, sentence)


def _tabs(request: MerchantRequest, counts: dict[str, int], state: str) -> list[dict[str, Any]]:
    choices: list[tuple[str, Any, int]] = [("", _("All"), sum(counts.values()))]
    choices += [(value, label, counts.get(value, 0)) for value, label in LiveState.choices]
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
