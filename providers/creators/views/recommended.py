"""The recommended board with its reasons, and what a creator says about it."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.refusals import describe
from merchants.enums import Category
from providers.creators.access import access_board_task
from providers.creators.domain.board import BoardFilter
from providers.creators.domain.hiding import hide_task, list_hidden, show_task
from providers.creators.domain.impressions import log_page
from providers.creators.domain.recommending import list_closed, recommend_tasks
from providers.creators.domain.viewers import correct_interests, know_profile
from providers.creators.reasons import tell_learned, tell_reasons
from providers.creators.recommendation.rating import Interest
from providers.creators.recommendation.slots import PAGE
from providers.creators.views.doors import CreatorRequest, creator_page


def recommended_context(request: CreatorRequest, narrow: BoardFilter) -> dict[str, Any]:
    """A page of what suits him; what it shows is logged, what is closed to him near by is told of on the first page."""
    asked = request.GET.get("page", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1
    board = recommend_tasks(creator=request.creator, narrow=narrow, number=number)
    if request.method == "GET":
        log_page(page=board)
    page = Paginator(range(board.total), PAGE).get_page(number)
    closed = list_closed(creator=request.creator, narrow=narrow) if page.number == 1 else []
    return {
        "page": page,
        "rows": [
            {
                "task": row.task,
                "metres": "",  # the reasons say it
                "reasons": tell_reasons(row),
                "can_hide": True,
            }
            for row in board.rows
        ],
        "closed": [(task, describe(refused)) for task, refused in closed],
    }


@creator_page
@require_POST
def creator_task_hide(request: CreatorRequest, task_id: int) -> HttpResponse:
    """Take a task off his board."""
    hide_task(task=access_board_task(creator=request.creator, task_id=task_id), creator=request.creator)
    messages.success(request, _("This task stands on your board no more."))
    return redirect("creator_board")


@creator_page
@require_POST
def creator_task_show(request: CreatorRequest, task_id: int) -> HttpResponse:
    """Let a hidden task onto his board again."""
    show_task(task=access_board_task(creator=request.creator, task_id=task_id), creator=request.creator)
    messages.success(request, _("It may stand on your board again."))
    return redirect("creator_interests")


@creator_page
@require_http_methods(["GET", "HEAD", "POST"])
def creator_interests(request: CreatorRequest) -> HttpResponse:
    """What the board concluded about him, to be corrected; what he hid."""
    profile = know_profile(creator=request.creator)
    if request.method == "POST":
        learned = set(request.POST.getlist("learn"))
        # What was not on the page is left as it is: there was no tick to take away.
        asked = {Category(one) for one in request.POST.getlist("asked") if one in Category.values}
        kept = {Category(one) for one in profile.unlearned} - asked
        correct_interests(
            creator=request.creator,
            unlearned=kept | {one for one in asked if one not in learned},
            by=request.user,
        )
        messages.success(request, _("Saved. The next page goes by it."))
        return redirect("creator_interests")
    rows = [
        {
            "category": category,
            "learns": category not in profile.unlearned,
            "why": why,
        }
        for category in Category
        if (why := tell_learned(profile.interests.get(category, Interest()))) or category in profile.unlearned
    ]
    context = {"rows": rows, "hidden": list_hidden(creator=request.creator)[:50], "tab": "profile"}
    return render(request, "creator/interests.html", context)
