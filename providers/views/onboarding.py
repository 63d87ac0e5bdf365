"""/p/<provider>/onboarding/: shops on their way in, what comes next at each, and how many days it took."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from identity.enums import Role, Scope
from merchants.enums import Category
from merchants.models import StaffInvitation
from providers.access import access_onboarding, access_onboardings
from providers.decorators import ProviderRequest, provider_page
from providers.domain.granting import IN_FORCE
from providers.domain.onboarding import (
    Step,
    begin_onboarding,
    give_up_onboarding,
    invite_owner_again,
    open_shop,
    read_progress,
)
from providers.enums import EngagementState
from providers.forms import OpenShopForm, OwnerLinkForm, ProspectForm
from providers.models import Engagement, Onboarding
from providers.views.agreements import add_error, sentence

PER_PAGE = 50
BRINGERS = (Role.OWNER, Role.MANAGER)
# Where a step is done in the client's shop, and by which scope.
DONE_AT = {
    Step.STORES: ("stores", Scope.STORES),
    Step.DEALS: ("coupons:deals", Scope.DEALS),
    Step.ON_SALE: ("coupons:deals", Scope.DEALS),
}


@provider_page(*BRINGERS)
@require_safe
def provider_onboardings(request: ProviderRequest) -> HttpResponse:
    """All of them, newest first, with the step that comes next; and how long the finished ones took."""
    found = access_onboardings(access=request.provider_access)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    progress = read_progress(onboardings=list(page))
    took = sorted(one.days for one in progress.values() if one.days is not None)
    context = {
        "page": page,
        "rows": [(one, progress[one.pk]) for one in page],
        "steps_count": len(Step),
        "median_days": took[len(took) // 2] if took else None,
        "finished": len(took),
    }
    return render(request, "provider/onboardings.html", context)


@provider_page(*BRINGERS)
@require_http_methods(["GET", "HEAD", "POST"])
def provider_onboarding_new(request: ProviderRequest) -> HttpResponse:
    form = ProspectForm(request.POST or None, initial={"first_contact_date": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        onboarding = begin_onboarding(
            provider=request.provider, name=data["name"], contact=data["contact"], city=data["city"],
            category=Category(data["category"]), first_contact_date=data["first_contact_date"], by=request.user,
        )  # fmt: skip
        return redirect(_url(onboarding))
    return render(request, "provider/onboarding_new.html", {"form": form}, status=422 if form.errors else 200)


@provider_page(*BRINGERS)
@require_safe
def provider_onboarding(request: ProviderRequest, onboarding_id: int) -> HttpResponse:
    """The steps with their days, and what to do next."""
    return _show(request, access_onboarding(access=request.provider_access, onboarding_id=onboarding_id))


@provider_page(*BRINGERS)
@never_cache
@require_POST
def provider_onboarding_open(request: ProviderRequest, onboarding_id: int) -> HttpResponse:
    """Open the shop; the owner's link is shown once, on the answer."""
    onboarding = access_onboarding(access=request.provider_access, onboarding_id=onboarding_id)
    form = OpenShopForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            invitation, secret = open_shop(
                onboarding=onboarding, slug=data["slug"], owner_name=data["owner_name"], phone=data["phone"],
                by=request.user,
            )  # fmt: skip
        except DomainError as error:
            add_error(form, error)
        else:
            return _show_link(request, onboarding, invitation, secret)
    return _show(request, onboarding, form=form, status=422)


@provider_page(*BRINGERS)
@never_cache
@require_POST
def provider_onboarding_invite(request: ProviderRequest, onboarding_id: int) -> HttpResponse:
    """Another link for the owner of a shop that has none yet."""
    onboarding = access_onboarding(access=request.provider_access, onboarding_id=onboarding_id)
    form = OwnerLinkForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            invitation, secret = invite_owner_again(
                onboarding=onboarding, owner_name=data["owner_name"], phone=data["phone"], by=request.user
            )
        except DomainError as error:
            add_error(form, error)
        else:
            return _show_link(request, onboarding, invitation, secret)
    return _show(request, onboarding, form=form, status=422)


@provider_page(*BRINGERS)
@require_POST
def provider_onboarding_give_up(request: ProviderRequest, onboarding_id: int) -> HttpResponse:
    onboarding = access_onboarding(access=request.provider_access, onboarding_id=onboarding_id)
    try:
        give_up_onboarding(onboarding=onboarding, by=request.user)
    except DomainError as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, _("Noted: nothing will come of it."))
    return redirect("provider_onboardings", provider_id=request.provider.pk)


def _show(
    request: ProviderRequest, onboarding: Onboarding, *, form: Any = None, status: int = 200
) -> HttpResponse:
    progress = read_progress(onboardings=[onboarding])[onboarding.pk]
    if onboarding.given_up_at is None and form is None:
        form = {Step.SHOP: OpenShopForm(), Step.OWNER: OwnerLinkForm()}.get(
            progress.next_step or Step.CONTACT
        )
    engagement = _engagement(onboarding)
    context = {
        "onboarding": onboarding,
        "progress": progress,
        "form": form,
        "engagement": engagement,
        "places": _places(onboarding, engagement),
        "speaks": request.provider_access.role == Role.OWNER,
    }
    return render(request, "provider/onboarding.html", context, status=status)


def _show_link(
    request: ProviderRequest, onboarding: Onboarding, invitation: StaffInvitation, secret: str
) -> HttpResponse:
    context = {
        "invitation": invitation,
        "link": request.build_absolute_uri(reverse("invitation_accept", kwargs={"secret": secret})),
        "back_url": _url(onboarding),
        "back_label": onboarding.name,
    }
    return render(request, "provider/invited.html", context)


def _engagement(onboarding: Onboarding) -> Engagement | None:
    """The one that is offered or in force with the new shop."""
    if onboarding.merchant_id is None:
        return None
    return (
        Engagement.objects.filter(provider=onboarding.provider_id, merchant=onboarding.merchant_id)
        .exclude(state=EngagementState.ENDED)
        .first()
    )


def _places(onboarding: Onboarding, engagement: Engagement | None) -> dict[str, str]:
    """Step -> the page where it is done, as far as the shop has let us in."""
    if onboarding.merchant is None or engagement is None or engagement.state not in IN_FORCE:
        return {}
    slug = onboarding.merchant.slug
    return {
        step.value: reverse(name, kwargs={"slug": slug})
        for step, (name, scope) in DONE_AT.items()
        if scope.value in engagement.scopes
    }


def _url(onboarding: Onboarding) -> str:
    return reverse(
        "provider_onboarding",
        kwargs={"provider_id": onboarding.provider_id, "onboarding_id": onboarding.pk},
    )
