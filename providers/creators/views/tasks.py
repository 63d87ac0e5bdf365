"""The merchant's tasks for creators: list, form, page, and what is done with one."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from core.refusals import describe
from identity.enums import PartyKind, Role, Scope
from merchants.decorators import MerchantRequest, merchant_page
from providers.creators.access import access_claims, access_task, access_tasks
from providers.creators.domain.figures import Brought, count_claims
from providers.creators.domain.tasks import change_draft, create_task, end_task, extend_task, open_task
from providers.creators.enums import ClaimState, TaskState
from providers.creators.forms import ExtendForm, ReasonForm, TaskForm
from providers.creators.models import CreatorTask, TaskClaim
from providers.creators.views.words import CLAIM_STATUS, TASK_STATUS

EDITORS = (Role.OWNER, Role.MANAGER)
PER_PAGE = 20
CLAIMS_PER_PAGE = 50
WAITING = (ClaimState.CLAIMED, ClaimState.SUBMITTED)  # for the shop's answer
# What the shop can do with a claim in each state, in the order of the buttons; those with True want a reason.
ANSWERS: dict[ClaimState, list[tuple[str, bool]]] = {
    ClaimState.CLAIMED: [("approve", False), ("decline", True)],
    ClaimState.APPROVED: [("visit", False), ("release", True)],
    ClaimState.VISITED: [("release", True)],
    ClaimState.SUBMITTED: [("accept", False), ("return", True)],
    ClaimState.RETURNED: [("release", True)],
}
REFUSED_FIELDS = {
    "not_on_sale": gettext_lazy("This deal is not on sale to everybody. Put it on sale first."),
    "above_whole": gettext_lazy("With the fees agreed with others more than the whole would be given away."),
    "over": gettext_lazy("This moment is over."),
}


@merchant_page(*EDITORS, by=Scope.DEALS)
@require_safe
def tasks(request: MerchantRequest) -> HttpResponse:
    """The newest first, ?state= narrows."""
    found = access_tasks(access=request.access)
    counts = dict(found.order_by().values_list("state").annotate(Count("pk")))
    state = request.GET.get("state", "")
    state = state if state in TaskState.values else ""
    page = Paginator(found.filter(state=state) if state else found, PER_PAGE).get_page(
        request.GET.get("page")
    )
    claims = TaskClaim.objects.filter(task__in=list(page)).values_list("task_id", "state")
    waiting: dict[int, int] = {}
    for task_id, claim_state in claims:
        if claim_state in WAITING:
            waiting[task_id] = waiting.get(task_id, 0) + 1
    context = {
        "page": page,
        "rows": [(task, waiting.get(task.pk, 0), TASK_STATUS[TaskState(task.state)]) for task in page],
        "is_empty": not counts,
        "tabs": [
            {
                "label": label,
                "url": f"{request.path}?state={value}" if value else request.path,
                "current": value == state,
                "count": counts.get(value, 0) if value else sum(counts.values()),
            }
            for value, label in [("", _("All")), *TaskState.choices]
        ],
    }
    return render(request, "merchant/tasks/list.html", context)


@merchant_page(*EDITORS, by=Scope.DEALS)
@require_http_methods(["GET", "HEAD", "POST"])
def task_new(request: MerchantRequest) -> HttpResponse:
    """Write a draft; who serves the shop publishes it in his firm's name."""
    form = TaskForm(request.POST or None, access=request.access)
    if request.method == "POST" and form.is_valid():
        served_by = request.access.for_party
        try:
            task = create_task(
                merchant=request.merchant,
                plan=form.plan(),
                by=request.user,
                provider_id=served_by.pk if served_by and served_by.kind == PartyKind.PROVIDER else None,
            )
        except DomainError as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("Saved as a draft. Look at it, then open it to creators."))
            return redirect("creator_task_detail", slug=request.merchant.slug, task_id=task.pk)
    return _form_page(request, form, None)


@merchant_page(*EDITORS, by=Scope.DEALS)
@require_http_methods(["GET", "HEAD", "POST"])
def task_edit(request: MerchantRequest, task_id: int) -> HttpResponse:
    """Rewrite a draft."""
    task = access_task(access=request.access, task_id=task_id)
    if task.state != TaskState.DRAFT:
        messages.error(request, _("Only a draft is rewritten; creators rely on what an open task says."))
        return redirect("creator_task_detail", slug=request.merchant.slug, task_id=task.pk)
    form = TaskForm(request.POST or None, access=request.access, task=task)
    if request.method == "POST" and form.is_valid():
        try:
            change_draft(task=task, plan=form.plan(), by=request.user)
        except DomainError as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("creator_task_detail", slug=request.merchant.slug, task_id=task.pk)
    return _form_page(request, form, task)


@merchant_page(*EDITORS, by=Scope.DEALS)
@require_safe
def task_detail(request: MerchantRequest, task_id: int) -> HttpResponse:
    """The task, who took its places (those that wait for an answer first), and what each brought."""
    return render_task(request, access_task(access=request.access, task_id=task_id))


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def task_open(request: MerchantRequest, task_id: int) -> HttpResponse:
    """Put the draft on the board."""
    task = access_task(access=request.access, task_id=task_id)
    said = _("It is open: creators near the store see it now.")
    return _do(request, task, lambda: open_task(task=task, by=request.user), said)


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def task_extend(request: MerchantRequest, task_id: int) -> HttpResponse:
    """More places, more time."""
    task = access_task(access=request.access, task_id=task_id)
    form = ExtendForm(request.POST)
    if not form.is_valid():
        return render_task(request, task, extend_form=form, status=422)
    return _do(
        request, task, lambda: extend_task(task=task, by=request.user, **form.cleaned_data), _("Saved.")
    )


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def task_end(request: MerchantRequest, task_id: int) -> HttpResponse:
    """Over before its time."""
    task = access_task(access=request.access, task_id=task_id)
    said = _("The task is over and its links are closed. What was sold by them stays the creators'.")
    return _do(request, task, lambda: end_task(task=task, by=request.user), said)


def render_task(
    request: MerchantRequest,
    task: CreatorTask,
    *,
    extend_form: ExtendForm | None = None,
    reason_forms: dict[int, ReasonForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    claims = sorted(access_claims(task=task), key=lambda claim: (claim.state not in WAITING, claim.pk))
    sums = count_claims(claims=claims)
    asked = next((place for place, one in enumerate(claims) if one.pk in (reason_forms or {})), None)
    number = request.GET.get("page") if asked is None else asked // CLAIMS_PER_PAGE + 1
    page = Paginator(claims, CLAIMS_PER_PAGE).get_page(number)
    rows = [
        {
            "claim": claim,
            "sums": sums[claim.pk],
            "status": CLAIM_STATUS[ClaimState(claim.state)],
            "answers": ANSWERS.get(ClaimState(claim.state), []),
            "reason_form": (reason_forms or {}).get(claim.pk) or ReasonForm(auto_id=f"id_{claim.pk}_%s"),
        }
        for claim in page
    ]
    context: dict[str, Any] = {
        "task": task,
        "status": TASK_STATUS[TaskState(task.state)],
        "page": page,
        "rows": rows,
        "total": _total(list(sums.values())),
        "targeted": list(task.targeted.order_by("name")),
        "extend_form": extend_form or ExtendForm(initial={"quota": task.quota, "closes_at": task.closes_at}),
        "is_going_on": task.state in (TaskState.OPEN, TaskState.FULL),
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/tasks/detail.html", context, status=status)


def _total(sums: list[Brought]) -> Brought:
    names = Brought.__dataclass_fields__
    return Brought(**{name: sum(getattr(one, name) for one in sums) for name in names})


def _do(request: MerchantRequest, task: CreatorTask, act: Callable[[], Any], said: str) -> HttpResponse:
    try:
        act()
    except DomainError as refused:
        messages.error(request, _sentence(refused))
    else:
        messages.success(request, said)
    return redirect("creator_task_detail", slug=request.merchant.slug, task_id=task.pk)


def _sentence(refused: DomainError) -> str:
    if (why := refused.facts.get("why")) in REFUSED_FIELDS:
        return str(REFUSED_FIELDS[why])
    described = describe(refused)
    return f"{described.title} {described.next_step}"


def _refuse(form: TaskForm, refused: DomainError) -> None:
    field = refused.facts.get("field")
    field = "commission" if field == "commission_bps" else field
    form.add_error(field if field in form.fields else None, _sentence(refused))


def _form_page(request: MerchantRequest, form: TaskForm, task: CreatorTask | None) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, "merchant/tasks/edit.html", {"form": form, "task": task}, status=status)
