"""What the merchant says to a claim: yes, no with a reason, accepted, once more."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from core.errors import DomainError, NotFound
from core.refusals import describe
from identity.enums import Scope
from merchants.decorators import MerchantRequest, merchant_page
from providers.creators.access import access_claim, access_task
from providers.creators.domain import claims as domain
from providers.creators.forms import ReasonForm
from providers.creators.views.tasks import EDITORS, render_task

PLAIN: dict[str, tuple[Callable[..., Any], str | Promise]] = {
    "approve": (domain.approve_claim, _("Approved: the creator has links of his own now.")),
    "visit": (domain.mark_visited, _("Noted: the creator was at the store.")),
    "accept": (domain.accept_work, _("Accepted. The links count until the task ends.")),
}
WITH_REASON: dict[str, tuple[Callable[..., Any], str | Promise]] = {
    "decline": (domain.decline_claim, _("Declined; the creator reads why.")),
    "return": (domain.return_work, _("Returned; the creator reads what has to change.")),
    "release": (
        domain.release_claim,
        _("Released: the place is free again, the links are closed, the creator reads why."),
    ),
}


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def claim_answer(request: MerchantRequest, task_id: int, claim_id: int, step: str) -> HttpResponse:
    """One answer to one claim; a reason that is missing is asked for beside it."""
    task = access_task(access=request.access, task_id=task_id)
    claim = access_claim(task=task, claim_id=claim_id)
    given: dict[str, str] = {}
    if step in WITH_REASON:
        act, said = WITH_REASON[step]
        form = ReasonForm(request.POST, auto_id=f"id_{claim.pk}_%s")
        if not form.is_valid():
            return render_task(request, task, reason_forms={claim.pk: form}, status=422)
        given = {"reason": form.cleaned_data["reason"]}
    elif step in PLAIN:
        act, said = PLAIN[step]
    else:
        raise NotFound
    try:
        act(claim=claim, by=request.user, **given)
    except DomainError as refused:
        described = describe(refused)
        messages.error(request, f"{described.title} {described.next_step}")
    else:
        messages.success(request, str(said))
    return redirect("creator_task_detail", slug=request.merchant.slug, task_id=task.pk)
