"""The creator's own tasks: where each stands, its links, what they brought, and his next step."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.qr import qr_svg
from core.refusals import describe
from providers.creators.access import access_own_claim, access_own_claims
from providers.creators.domain.claims import mark_visited, quit_claim, submit_work
from providers.creators.domain.figures import count_claim, count_claims, newest_orders
from providers.creators.domain.links import claim_links
from providers.creators.enums import HOLDING, ClaimState
from providers.creators.forms import ProofForm
from providers.creators.models import TaskClaim
from providers.creators.views.doors import CreatorRequest, creator_page
from providers.creators.views.words import CLAIM_STATUS

PER_PAGE = 20
AT_WORK = (ClaimState.APPROVED, ClaimState.VISITED, ClaimState.RETURNED)


@creator_page
@require_safe
def creator_claims(request: CreatorRequest) -> HttpResponse:
    """His places, those that go on first choice; ?done=1 those that are over."""
    is_done = request.GET.get("done") == "1"
    claims = access_own_claims(creator=request.creator)
    narrowed = claims.exclude(state__in=HOLDING) if is_done else claims.filter(state__in=HOLDING)
    page = Paginator(narrowed, PER_PAGE).get_page(request.GET.get("page"))
    sums = count_claims(claims=list(page))
    context = {
        "tab": "claims",
        "page": page,
        "rows": [(claim, sums[claim.pk], CLAIM_STATUS[ClaimState(claim.state)]) for claim in page],
        "is_done": is_done,
        "tabs": [
            {"label": pgettext("claims", "Going on"), "url": request.path, "current": not is_done},
            {"label": pgettext("claims", "Over"), "url": f"{request.path}?done=1", "current": is_done},
        ],
    }
    return render(request, "creator/claims.html", context)


@creator_page
@require_safe
def creator_claim(request: CreatorRequest, claim_id: int) -> HttpResponse:
    return _show(request, access_own_claim(creator=request.creator, claim_id=claim_id))


@creator_page
@require_POST
def creator_claim_visit(request: CreatorRequest, claim_id: int) -> HttpResponse:
    """He was at the store."""
    claim = access_own_claim(creator=request.creator, claim_id=claim_id)
    said = _("Noted: you were at the store.")
    return _do(request, claim, lambda: mark_visited(claim=claim, by=request.user), said)


@creator_page
@require_POST
def creator_claim_submit(request: CreatorRequest, claim_id: int) -> HttpResponse:
    """He hands in the address of what he made."""
    claim = access_own_claim(creator=request.creator, claim_id=claim_id)
    form = ProofForm(request.POST)
    if form.is_valid():
        try:
            submit_work(claim=claim, proof_url=form.cleaned_data["proof_url"], by=request.user)
        except DomainError as refused:
            field = "proof_url" if refused.facts.get("field") == "proof_url" else None
            sentence = _("Write the whole address, with https://.") if field else describe(refused).title
            form.add_error(field, sentence)
        else:
            messages.success(request, _("Handed in. The shop looks at it within three days."))
            return redirect("creator_claim", claim_id=claim.pk)
    return _show(request, claim, proof_form=form, status=422)


@creator_page
@require_POST
def creator_claim_quit(request: CreatorRequest, claim_id: int) -> HttpResponse:
    """He gives his place back."""
    claim = access_own_claim(creator=request.creator, claim_id=claim_id)
    said = _("You gave the place back. What was sold by your links stays yours.")
    return _do(request, claim, lambda: quit_claim(claim=claim, by=request.user), said)


def _do(request: CreatorRequest, claim: TaskClaim, act: Callable[[], Any], said: str) -> HttpResponse:
    try:
        act()
    except DomainError as refused:
        described = describe(refused)
        messages.error(request, f"{described.title} {described.next_step}")
    else:
        messages.success(request, said)
    return redirect("creator_claim", claim_id=claim.pk)


def _show(
    request: CreatorRequest, claim: TaskClaim, *, proof_form: ProofForm | None = None, status: int = 200
) -> HttpResponse:
    state = ClaimState(claim.state)
    links = list(claim_links(claim=claim))
    path = reverse("shop_deal", args=(claim.task.merchant.slug, claim.task.deal_id))
    addresses = [
        (link, url, qr_svg(url, error="m"))
        for link in links
        for url in [request.build_absolute_uri(f"{path}?from={link.token}")]
    ]
    context: dict[str, Any] = {
        "tab": "claims",
        "claim": claim,
        "task": claim.task,
        "status": CLAIM_STATUS[state],
        "steps": steps(claim),
        "links": addresses,
        "links_open": bool(links) and links[0].closed_at is None,
        "sums": count_claim(claim=claim),
        "orders": newest_orders(claim=claim),
        "may_visit": state == ClaimState.APPROVED,
        "may_submit": state in AT_WORK,
        "may_quit": state in (*AT_WORK, ClaimState.CLAIMED),
        "proof_form": proof_form or ProofForm(initial={"proof_url": claim.proof_url}),
        "currency": claim.task.merchant.currency,
    }
    return render(request, "creator/claim.html", context, status=status)


def steps(claim: TaskClaim) -> list[dict[str, Any]]:
    """The way of a claim, each step with its moment; one that ended early ends its row."""
    way = [
        (ClaimState.CLAIMED, claim.claimed_at),
        (ClaimState.APPROVED, claim.approved_at),
        (ClaimState.VISITED, claim.visited_at),
        (ClaimState.SUBMITTED, claim.submitted_at),
    ]
    state = ClaimState(claim.state)
    if state not in HOLDING:
        done = [(one, at) for one, at in way if at is not None]
        return [
            *({"label": one.label, "at": at, "done": True, "current": False} for one, at in done),
            {"label": state.label, "at": claim.ended_at, "done": False, "current": True},
        ]
    if state == ClaimState.RETURNED:
        way.append((ClaimState.RETURNED, claim.answered_at))
    way.append((ClaimState.ACCEPTED, claim.answered_at if state == ClaimState.ACCEPTED else None))
    here = [one for one, _at in way].index(state)
    return [
        {
            "label": one.label,
            "at": at,
            "done": place < here and at is not None,
            "current": place == here,
        }
        for place, (one, at) in enumerate(way)
    ]
