"""/m/<slug>/terms/: what others take of each use, since when and who agreed; an owner answers what is proposed."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.refusals import describe
from identity.enums import Role
from merchants.access import access_terms, access_terms_one
from merchants.decorators import MerchantRequest, merchant_page
from merchants.domain.terms import accept_terms, refuse_terms
from merchants.domain.terms_effect import reckon_effect
from merchants.enums import ShareKind, TermsState
from merchants.models import Terms

MOST_SHOWN = 100
OVER = (TermsState.ENDED, TermsState.REFUSED, TermsState.WITHDRAWN)


@merchant_page(Role.OWNER, Role.MANAGER, Role.FINANCE)
@require_safe
def terms(request: MerchantRequest) -> HttpResponse:
    rows = access_terms(access=request.access)
    order = list(ShareKind)
    in_force = sorted(
        rows.filter(state=TermsState.IN_FORCE),
        key=lambda terms: (order.index(ShareKind(terms.kind)), terms.pk),
    )
    proposals = [
        {
            "terms": proposal,
            "key": str(proposal.pk),
            "effect": reckon_effect(proposal=proposal, in_force=in_force),
            "before": next(
                (t for t in in_force if (t.kind, t.payee_id) == (proposal.kind, proposal.payee_id)), None
            ),
            "may_answer": request.merchant_role == Role.OWNER
            and proposal.proposed_for_id != request.merchant.pk
            and proposal.proposed_by_id != request.user.pk,
            "is_ours": proposal.proposed_for_id == request.merchant.pk,
        }
        for proposal in rows.filter(state=TermsState.PROPOSED)
    ]
    context = {
        "in_force": in_force,
        "proposals": proposals,
        "history": rows.filter(state__in=OVER)[:MOST_SHOWN],
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/terms/terms.html", context)


@merchant_page(Role.OWNER)
@require_POST
def terms_accept(request: MerchantRequest, terms_id: int) -> HttpResponse:
    return _answer(request, terms_id, accept_terms, _("Agreed: it counts for orders placed from now on."))


@merchant_page(Role.OWNER)
@require_POST
def terms_refuse(request: MerchantRequest, terms_id: int) -> HttpResponse:
    return _answer(request, terms_id, refuse_terms, _("Refused: everything stays as it is."))


def _answer(request: MerchantRequest, terms_id: int, act: Callable[..., Terms], done: str) -> HttpResponse:
    try:
        act(terms=access_terms_one(access=request.access, terms_id=terms_id), by=request.user)
    except DomainError as error:
        described = describe(error, zone=request.merchant.tzinfo)
        if described.status == 404:
            raise
        messages.error(request, f"{described.title} {described.next_step}")
    else:
        messages.success(request, done)
    return redirect("terms", slug=request.merchant.slug)
