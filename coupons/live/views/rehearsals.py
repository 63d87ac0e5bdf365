"""Rehearsals of a session: ask for one, watch it, cancel it, read its report, take it along as a file."""

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from core.invariants import load_catalogue
from core.refusals import describe
from coupons.live.access import access_rehearsal, access_rehearsals, access_session
from coupons.live.domain.rehearsals import (
    DAYS_AHEAD,
    cancel_rehearsal,
    end_lost_rehearsals,
    request_rehearsal,
    rounds_in_time,
)
from coupons.live.enums import LiveState, RehearsalPhase, RehearsalState
from coupons.live.forms import RehearsalForm
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.rehearsal.bottleneck import PARTIES
from coupons.live.rehearsal.report import count_rounds, read_bottleneck, sustained_rate
from coupons.live.rehearsal.report_text import go_words, in_catalogue_order, write_markdown
from coupons.live.rehearsal.sentences import (
    answer_name,
    describe_bottleneck,
    describe_fault,
    describe_reason,
    fault_name,
    part_name,
    request_name,
)
from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page

REHEARSERS = (Role.OWNER, Role.MANAGER)
STATUS = {
    RehearsalState.REQUESTED: "info",
    RehearsalState.RUNNING: "info",
    RehearsalState.FINISHED: "idle",
    RehearsalState.FAILED: "bad",
    RehearsalState.CANCELLED: "idle",
}
FILES = {"md": "text/markdown; charset=utf-8", "json": "application/json"}


@merchant_page(*REHEARSERS)
@require_http_methods(["GET", "HEAD", "POST"])
def rehearsals(request: MerchantRequest, session_id: int) -> HttpResponse:
    """The rounds of a session, and the form that asks for the next."""
    session = access_session(access=request.access, session_id=session_id)
    end_lost_rehearsals()
    form = RehearsalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rehearsal = request_rehearsal(session=session, by=request.user, **form.order())
        except DomainError as refused:
            form.add_error(None, " ".join((describe(refused).title, describe(refused).next_step)))
        else:
            return redirect("rehearsal", slug=request.merchant.slug, session_id=session.pk, rehearsal_id=rehearsal.pk)  # fmt: skip
    found = list(access_rehearsals(access=request.access, session=session).select_related("asked_by"))
    context = {
        "session": session,
        "form": form,
        "rows": [_row(one) for one in found],
        "rounds": _rounds(session, found),
        "days_ahead": DAYS_AHEAD,
        "can_ask": session.state == LiveState.PLANNED and session.deals.exists(),
        "is_planned": session.state == LiveState.PLANNED,
        "under_way": next((one for one in found if one.is_under_way), None),
    }
    status = 422 if form.is_bound else 200
    return render(request, "merchant/live/rehearsals/list.html", context, status=status)


@merchant_page(*REHEARSERS)
@require_safe
def rehearsal(request: MerchantRequest, session_id: int, rehearsal_id: int) -> HttpResponse:
    """Progress while it runs (on htmx only that part), afterwards the report."""
    session = access_session(access=request.access, session_id=session_id)
    end_lost_rehearsals()
    found = access_rehearsal(access=request.access, session=session, rehearsal_id=rehearsal_id)
    context: dict[str, Any] = {
        "session": session,
        "rehearsal": found,
        "status": STATUS[RehearsalState(found.state)],
        "number": _number(request, session, found),
    }
    if found.is_under_way:
        context |= _progress(found)
        template = "_progress.html" if request.htmx else "progress.html"
        return render(request, f"merchant/live/rehearsals/{template}", context)
    if request.htmx:  # it ended while somebody watched
        return HttpResponse(headers={"HX-Refresh": "true"})
    if found.state != RehearsalState.FINISHED:
        return render(request, "merchant/live/rehearsals/ended.html", context)
    return render(request, "merchant/live/rehearsals/report.html", context | _report(found))


@merchant_page(*REHEARSERS)
@require_POST
def rehearsal_cancel(request: MerchantRequest, session_id: int, rehearsal_id: int) -> HttpResponse:
    """Stop it; what it measured until then is no report."""
    session = access_session(access=request.access, session_id=session_id)
    found = access_rehearsal(access=request.access, session=session, rehearsal_id=rehearsal_id)
    try:
        cancel_rehearsal(rehearsal=found, by=request.user)
    except DomainError as refused:
        messages.error(request, describe(refused).title)
    else:
        messages.success(request, _("The rehearsal stops within a few seconds."))
    return redirect("rehearsal", slug=request.merchant.slug, session_id=session.pk, rehearsal_id=found.pk)


@merchant_page(*REHEARSERS)
@require_safe
def rehearsal_file(request: MerchantRequest, session_id: int, rehearsal_id: int, suffix: str) -> HttpResponse:
    """The report as report.md or report.json."""
    session = access_session(access=request.access, session_id=session_id)
    found = access_rehearsal(access=request.access, session=session, rehearsal_id=rehearsal_id)
    if found.report is None or found.state != RehearsalState.FINISHED or suffix not in FILES:
        raise Http404
    if suffix == "md":
        text = write_markdown(
            rehearsal=found, rounds=count_rounds(rehearsal=found, in_time=rounds_in_time(session=session))
        )
    else:
        text = json.dumps(found.report, ensure_ascii=False, indent=1)
    response = HttpResponse(text, content_type=FILES[suffix])
    response["Content-Disposition"] = (
        f'attachment; filename="{request.merchant.slug}-rehearsal-{found.pk}.{suffix}"'
    )
    return response


def _number(request: MerchantRequest, session: LiveSession, found: Rehearsal) -> int:
    """Which of the session's rounds it is."""
    earlier = access_rehearsals(access=request.access, session=session).filter(pk__lte=found.pk)
    return earlier.count()


def _row(one: Rehearsal) -> dict[str, Any]:
    report = one.report or {}
    return {
        "rehearsal": one,
        "status": _go_status(one),
        "rate": sustained_rate(report) if one.state == RehearsalState.FINISHED else None,
        "is_valid": one.state != RehearsalState.FINISHED or report["verdict"]["is_valid"],
    }


def _go_status(one: Rehearsal) -> tuple[str, str]:
    if one.state != RehearsalState.FINISHED:
        return STATUS[RehearsalState(one.state)], one.get_state_display()
    return "ok" if one.go else "bad", go_words(bool(one.go))


def _rounds(session: LiveSession, found: list[Rehearsal]) -> Any:
    blank = Rehearsal(session=session)
    return count_rounds(rehearsal=blank, in_time=rounds_in_time(session=session))


def _progress(found: Rehearsal) -> dict[str, Any]:
    seen = found.progress or {}
    phases = list(RehearsalPhase)
    here = phases.index(RehearsalPhase(found.phase)) if found.phase else 0
    return {
        "seen": seen,
        "percent": _percent(found, seen),
        "phases": [
            {"label": phase.label, "done": place < here, "current": place == here and bool(found.phase)}
            for place, phase in enumerate(phases)
        ],
        "faults": [
            {"at": fault["at"], "name": fault_name(fault["kind"])} for fault in seen.get("faults", [])
        ],
        "is_cancelled": found.cancel_asked_at is not None,
    }


def _percent(found: Rehearsal, seen: dict[str, Any]) -> int:
    """Of the whole: preparing is a twentieth, the load up to nine tenths, then the rest."""
    match found.phase:
        case RehearsalPhase.LOADING:
            return 5 + round(80 * min(1.0, seen.get("second", 0) / max(1, seen.get("seconds", 1))))
        case RehearsalPhase.SELLING_OUT:
            return 85 + round(8 * min(1.0, seen.get("sold", 0) / max(1, seen.get("stock", 1))))
        case RehearsalPhase.CHECKING:
            return 95
    return 2


def _report(found: Rehearsal) -> dict[str, Any]:
    report = found.report or {}
    catalogue = load_catalogue()
    figures = report["invariants"]
    bottleneck = read_bottleneck(report)
    peak = [step for step in report["steps"] if not step["is_overload"]][-1]
    return {
        "report": report,
        "verdict": report["verdict"],
        "reasons": [describe_reason(reason) for reason in report["verdict"]["reasons"]],
        "rate": sustained_rate(report),
        "peak": peak,
        "steps": report["steps"],
        "parts": [
            {"name": part_name(part), "cores": [step["machine"].get(part) for step in report["steps"]]}
            for part in PARTIES
        ],
        "busy": [_as_percent(step["machine"].get("machine")) for step in report["steps"]],
        "lags": [step["machine"].get("lag_seconds") for step in report["steps"]],
        "bottleneck": describe_bottleneck(bottleneck),
        "faults": [
            {**fault, "name": fault_name(fault["kind"]), "how": describe_fault(fault["kind"])}
            for fault in report["faults"]
        ],
        "invariants": [
            {
                "name": name,
                "sentence": catalogue[name].sentence if name in catalogue else name,
                "rows": rows,
            }
            for name, rows in in_catalogue_order(figures)
        ],
        "held": sum(1 for rows in figures.values() if not rows),
        "requests": [{"name": request_name(name), **one} for name, one in report["requests"].items()],
        "answers": [_answer(key, count) for key, count in report["answers"].items()],
        "errors": [_answer(key, count) for key, count in report["errors"].items()],
        "rounds": count_rounds(rehearsal=found, in_time=rounds_in_time(session=found.session)),
        "days_ahead": DAYS_AHEAD,
        "rate_chart": _chart(report, "rate", _("Orders a second")),
        "time_chart": _chart(report, "p95_ms", _("p95 of placing an order, ms")),
    }


def _answer(key: str, count: int) -> dict[str, Any]:
    request, code = answer_name(key)
    return {"request": request, "code": code, "count": count}


def _as_percent(share: float | None) -> int | None:
    return None if share is None else round(share * 100)


def _chart(report: dict[str, Any], figure: str, name: str) -> dict[str, Any]:
    """What static/js/charts.js draws; each fault is a mark at its second."""
    seconds = [point["second"] for point in report["series"]]
    series: list[dict[str, Any]] = [{"name": name, "data": [point[figure] for point in report["series"]]}]
    if figure == "rate":
        series.append(
            {"name": pgettext("rehearsal", "Asked for"), "data": _asked(report, seconds), "dashed": True}
        )
    return {
        "categories": [str(second) for second in seconds],
        "unit": "count",
        "series": series,
        "marks": [
            {
                "at": str(max((second for second in seconds if second <= fault["at"]), default=0)),
                "name": str(number),
            }
            for number, fault in enumerate(report["faults"], start=1)
        ],
    }


def _asked(report: dict[str, Any], seconds: list[int]) -> list[float | None]:
    """The steps of the plan, second by second; nothing once they are over."""
    asked: list[float | None] = []
    for second in seconds:
        begin, found = 0.0, None
        for step in report["steps"]:
            if begin <= second < begin + step["seconds"]:
                found = step["asked"]
            begin += step["seconds"]
        asked.append(found)
    return asked
