"""One engagement as either side sees it: what is granted now, what is offered, what was before; and the answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_scopes import scope

from core.errors import DomainError, Invalid
from core.refusals import describe
from identity.enums import Scope
from identity.models import User
from merchants.models import Merchant, Store
from providers.access import access_offer, access_offers
from providers.domain.engagements import (
    agree_offer,
    end_engagement,
    propose_change,
    refuse_offer,
    withdraw_offer,
)
from providers.enums import EngagementState, OfferState
from providers.forms import MOST_STORES_TO_TICK, OfferForm
from providers.models import Engagement, EngagementOffer

STATUS: dict[str, str] = {
    EngagementState.PROPOSED: "info",
    EngagementState.ACTIVE: "ok",
    EngagementState.CHANGING: "warn",
    EngagementState.ENDED: "idle",
}
ANSWERS: dict[str, Callable[..., Engagement]] = {
    "agree": agree_offer,
    "refuse": refuse_offer,
    "withdraw": withdraw_offer,
}


@dataclass(frozen=True)
class Side:
    """Who reads: for which party, and by which addresses its pages go (`prefix` is the name of the page itself)."""

    user: User
    party_id: int
    speaks: bool  # an owner: may offer, agree and end
    prefix: str
    arguments: dict[str, Any]
    list_name: str
    frame: str  # the folder of its templates

    def url(self, step: str = "", **more: Any) -> str:
        return reverse(f"{self.prefix}_{step}" if step else self.prefix, kwargs=self.arguments | more)

    def list_url(self) -> str:
        return reverse(
            self.list_name,
            kwargs={key: value for key, value in self.arguments.items() if key != "engagement_id"},
        )


def tell_grants(
    scopes: Iterable[str], store_ids: Iterable[int] | None, *, merchant: Merchant
) -> dict[str, Any]:
    """Every scope, granted or not, and the names of the stores it is bound to (None: the whole shop)."""
    held = set(scopes)
    names = None
    if store_ids is not None:
        with scope(merchant=merchant.pk):
            names = list(
                Store.objects.filter(pk__in=list(store_ids)).order_by("name").values_list("name", flat=True)
            )
    return {
        "rows": [(one, one.value in held) for one in Scope],
        "held": [one for one in Scope if one.value in held],
        "stores": names,
    }


def show(request: HttpRequest, side: Side, engagement: Engagement, **extra: Any) -> HttpResponse:
    """The page of one engagement."""
    offers = list(access_offers(engagement=engagement)[:50])
    waiting = next((offer for offer in offers if offer.state == OfferState.PROPOSED), None)
    context = {
        "engagement": engagement,
        "status": STATUS[engagement.state],
        "granted": tell_grants(engagement.scopes, engagement.store_ids, merchant=engagement.merchant),
        "in_force": engagement.state in (EngagementState.ACTIVE, EngagementState.CHANGING),
        "offer": waiting,
        "offered": _tell_offer(side, engagement, waiting) if waiting else None,
        "history": [offer for offer in offers if offer is not waiting],
        "side": side,
        "speaks": side.speaks,
        "list_url": side.list_url(),
        "urls": {
            "change": side.url("change"),
            "end": side.url("end"),
            **{step: side.url(step, offer_id=waiting.pk) for step in ANSWERS if waiting},
        },
    } | extra
    return render(request, f"{side.frame}/engagement.html", context)


def change(request: HttpRequest, side: Side, engagement: Engagement) -> HttpResponse:
    """Offer other terms; what was agreed holds until the other side agrees."""
    latest = access_offers(engagement=engagement).filter(state=OfferState.AGREED).first()
    initial = OfferForm.initial_of(latest) if latest else {}
    form = OfferForm(request.POST or None, stores=stores_of(engagement.merchant), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            propose_change(engagement=engagement, for_party_id=side.party_id, by=side.user, **form.offered())
        except DomainError as error:
            add_error(form, error)
        else:
            messages.success(request, _("Offered. What was agreed before holds until the other side agrees."))
            return redirect(side.url())
    context = {"form": form, "engagement": engagement, "back_url": side.url(), "is_change": True}
    return render(request, f"{side.frame}/offer.html", context, status=422 if form.errors else 200)


def answer(
    request: HttpRequest, side: Side, engagement: Engagement, offer_id: int, step: str
) -> HttpResponse:
    """Agree, refuse or withdraw the offer that was read: an offer made since is another one."""
    done = {
        "agree": _("Agreed: it holds from now on."),
        "refuse": _("Refused: what was agreed before still holds."),
        "withdraw": _("Withdrawn."),
    }[step]
    offer = access_offer(engagement=engagement, offer_id=offer_id)
    return act(request, side, done, lambda: ANSWERS[step](offer=offer, by=side.user))


def end(request: HttpRequest, side: Side, engagement: Engagement) -> HttpResponse:
    done = _("Ended. The provider's people are out of the shop.")
    return act(request, side, done, lambda: end_engagement(engagement=engagement, by=side.user))


def act(request: HttpRequest, side: Side, done: str, step: Callable[[], object]) -> HttpResponse:
    """Do one thing and say so, or say why not; back to the engagement."""
    try:
        step()
    except DomainError as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, done)
    return redirect(side.url())


def stores_of(merchant: Merchant) -> list[Store]:
    with scope(merchant=merchant.pk):
        return list(Store.objects.order_by("city", "name", "id")[:MOST_STORES_TO_TICK])


def add_error(form: Any, error: DomainError) -> None:
    """To the field it is about, where the form has that one."""
    fields = {"service_fee_bps": "percent", "store_ids": "stores"}
    field = str(error.facts.get("field", "")) if isinstance(error, Invalid) else ""
    field = fields.get(field, field)
    form.add_error(field if field in form.fields else None, sentence(error))


def sentence(error: DomainError) -> str:
    told = describe(error)
    return f"{told.title} {told.next_step}"


def _tell_offer(side: Side, engagement: Engagement, offer: EngagementOffer) -> dict[str, Any]:
    """What the open offer would grant, what of it is new and what would go, and what the reader may say to it."""
    now, then = set(engagement.scopes), set(offer.scopes)
    is_ours = offer.proposed_for_id == side.party_id
    return {
        "grants": tell_grants(offer.scopes, offer.store_ids, merchant=engagement.merchant),
        "more": [one for one in Scope if one.value in then - now],
        "less": [one for one in Scope if one.value in now - then],
        "fee_now_bps": engagement.terms.bps if engagement.terms else 0,
        "is_ours": is_ours,
        "may_answer": side.speaks and not is_ours and offer.proposed_by_id != side.user.pk,
        "may_withdraw": side.speaks and is_ours,
    }
