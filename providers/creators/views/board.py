"""The board, a task on it, and taking a place."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError, NotFound
from core.refusals import describe
from providers.creators.access import access_board_task, is_creator
from providers.creators.domain.board import BoardFilter, list_board
from providers.creators.domain.claims import claim_place, latest_claims
from providers.creators.domain.eligibility import CarriedByOthers, find_refusal
from providers.creators.domain.exclusivities import closed_by_exclusivity
from providers.creators.enums import HOLDING, ClaimState, TaskKind
from providers.creators.forms import RADII_KM, BoardForm
from providers.creators.views.compass import draw_compass
from providers.creators.views.doors import CreatorRequest, creator_page
from providers.creators.views.recommended import recommended_context
from providers.creators.views.words import CLAIM_STATUS, distance

PER_PAGE = 20


@login_required
@require_safe
def creator_board(request: HttpRequest) -> HttpResponse:
    """Open tasks near the creator; whoever is none yet becomes one first."""
    if not is_creator(user=request.user):  # type: ignore[arg-type]
        return redirect("creator_join")
    return _board(request)  # type: ignore[return-value]


@creator_page
def _board(request: CreatorRequest) -> HttpResponse:
    form = BoardForm(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    creator, place = request.creator, form.place
    narrow = BoardFilter(
        sort=chosen.get("sort") or "suits",
        kind=TaskKind(chosen["kind"]) if chosen.get("kind") else None,
        categories=[chosen["category"]] if chosen.get("category") else [],
        radius_km=chosen.get("radius"),
        at=place,
    )
    if narrow.sort == "suits":
        board = recommended_context(request, narrow)
    else:
        page = Paginator(list_board(creator=creator, narrow=narrow), PER_PAGE).get_page(
            request.GET.get("page")
        )
        rights = closed_by_exclusivity(tasks=page, creator=creator)
        board = {
            "page": page,
            "rows": [
                {
                    "task": task,
                    "metres": distance(getattr(task, "metres", None)),
                    "closed": describe(CarriedByOthers(**rights[task.pk].facts()))
                    if task.pk in rights
                    else None,
                }
                for task in page
            ],
        }
    radius = narrow.radius_km or creator.radius_km
    first = board["page"].start_index()
    home = place or (creator.longitude, creator.latitude)
    context: dict[str, Any] = {
        "tab": "board",
        **board,
        "sorts": [
            {"label": label, "value": value, "current": value == narrow.sort}
            for value, label in form.fields["sort"].choices  # type: ignore[attr-defined]
        ],
        "kinds": [
            {"label": label, "value": value, "current": value == chosen.get("kind", "")}
            for value, label in form.fields["kind"].choices  # type: ignore[attr-defined]
        ],
        "first": first,
        "compass": draw_compass(place=home, tasks=[row["task"] for row in board["rows"]], first=first),
        "form": form,
        "radius": radius,
        "wider": next((km for km in RADII_KM if km > radius), None),
        "has_place": place is not None or creator.longitude is not None,
        "is_here": place is not None,
    }
    return render(request, "creator/board.html", context)


@creator_page
@require_safe
def creator_task(request: CreatorRequest, task_id: int) -> HttpResponse:
    """What a task asks and gives, and the button that takes a place, or why there is none."""
    task = access_board_task(creator=request.creator, task_id=task_id)
    return render(request, "creator/task.html", _task_context(request, task))


@creator_page
@require_POST
def creator_task_claim(request: CreatorRequest, task_id: int) -> HttpResponse:
    """Take a place."""
    task = access_board_task(creator=request.creator, task_id=task_id)
    try:
        claim = claim_place(task=task, creator=request.creator)
    except NotFound:
        raise
    except DomainError as refused:
        described = describe(refused)
        messages.error(request, f"{described.title} {described.next_step}")
        return redirect("creator_task", task_id=task.pk)
    messages.success(request, _("You asked for a place. The shop answers within three days."))
    return redirect("creator_claim", claim_id=claim.pk)


def _task_context(request: CreatorRequest, task: Any) -> dict[str, Any]:
    claim = latest_claims(creator=request.creator, tasks=[task.pk]).get(task.pk)
    holds = claim is not None and claim.state in HOLDING
    refused = None if holds else find_refusal(task=task, creator=request.creator)
    return {
        "tab": "board",
        "task": task,
        "claim": claim,
        "claim_status": CLAIM_STATUS[ClaimState(claim.state)] if claim else "",
        "holds": holds,
        "is_open": task.is_open_now,
        "refused": describe(refused) if refused else None,
        "places_left": task.quota - task.taken,
        "currency": task.merchant.currency,
    }
