"""One button, one step of a deal's life; each answers with a redirect and a sentence."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.refusals import describe
from coupons.access import access_deal
from coupons.domain.deal_checks import DealInvalid
from coupons.domain.deal_states import (
    end_deal,
    pause_deal,
    reopen_deal,
    resume_deal,
    submit_deal,
    withdraw_deal,
)
from coupons.domain.deals import change_offer, copy_deal
from coupons.forms.deal_problems import describe_problem
from coupons.forms.deals import OfferForm
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page

Answer = Callable[..., HttpResponseBase]


def _step(step: Callable[..., object], done: str | Promise, *, to_editor: bool = False) -> Answer:
    @require_POST
    @merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
    def view(request: MerchantRequest, deal_id: int) -> HttpResponse:
        deal = access_deal(access=request.access, deal_id=deal_id)
        slug = request.merchant.slug
        try:
            step(deal=deal, by=request.user)
        except DealInvalid as refused:
            for problem in refused.problems:
                messages.error(request, describe_problem(problem))
            return redirect("coupons:deal_edit", slug=slug, deal_id=deal.pk)
        except DomainError as refused:
            messages.error(request, describe(refused).title)
        else:
            messages.success(request, str(done))
        return redirect("coupons:deal_edit", slug, deal.pk) if to_editor else redirect("coupons:deals", slug)

    return view


submit = _step(submit_deal, gettext_lazy("Submitted: the platform will look at it."))
withdraw = _step(withdraw_deal, gettext_lazy("Taken back: it is a draft again."), to_editor=True)
reopen = _step(
    reopen_deal, gettext_lazy("It is a draft again; correct it and submit it anew."), to_editor=True
)
pause = _step(pause_deal, gettext_lazy("Paused. Coupons that were sold stay valid."))
resume = _step(resume_deal, gettext_lazy("On sale again."))
end = _step(end_deal, gettext_lazy("Ended. Coupons that were sold stay valid."))


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def copy(request: MerchantRequest, deal_id: int) -> HttpResponse:
    deal = access_deal(access=request.access, deal_id=deal_id)
    title = _("%(title)s (copy)") % {"title": deal.title}
    made = copy_deal(deal=deal, by=request.user, title=title)
    messages.success(request, _("Copied as a draft."))
    return redirect("coupons:deal_edit", request.merchant.slug, made.pk)


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def change_deal_offer(request: MerchantRequest, deal_id: int) -> HttpResponse:
    """What changes at once on a deal on sale; a refusal shows the page again with what was typed."""
    from coupons.views.deal_editor import show_deal

    deal = access_deal(access=request.access, deal_id=deal_id)
    form = OfferForm(request.POST)
    if form.is_valid():
        try:
            change_offer(deal=deal, by=request.user, **form.cleaned_data)
        except DealInvalid as refused:
            for problem in refused.problems:
                form.add_error(problem.field, describe_problem(problem))
        except DomainError as refused:
            field = "total" if refused.code == "stock_below_sold" else None
            form.add_error(field, describe(refused).title)
        else:
            messages.success(request, _("Saved; it holds from now on."))
            return redirect("coupons:deal_edit", request.merchant.slug, deal.pk)
    return show_deal(request, deal, offer_form=form, status=422)
