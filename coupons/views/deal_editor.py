"""The editor: a draft in full with its preview; a deal beyond drafts to read, with what may change at once."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.refusals import describe
from coupons.access import access_deal
from coupons.domain.deal_checks import DealInvalid, Problem, find_contradictions, find_gaps
from coupons.domain.deal_draft import DealDraft, read_draft
from coupons.domain.deal_states import submit_deal
from coupons.domain.deal_templates import deal_template
from coupons.domain.deal_view import STORES_SHOWN, DealView, content_worth_fen, view_draft
from coupons.domain.deals import DealChangedMeanwhile, save_deal
from coupons.domain.stock import StockBelowSold
from coupons.enums import DealState
from coupons.forms.deal_problems import describe_problem
from coupons.forms.deals import DealForm, OfferForm
from coupons.models import Deal, DealReview, DealStock
from coupons.views.deals import STATUS_KINDS
from identity.enums import Role, Scope
from merchants.access import MerchantAccess, access_stores
from merchants.decorators import MerchantRequest, merchant_page


@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def new_deal(request: MerchantRequest) -> HttpResponse:
    """An empty draft or a starter (?template=); nothing is stored before it is saved."""
    if request.method == "POST":
        return _write(request, deal=None)
    form = DealForm(access=request.access, draft=deal_template(request.GET.get("template", "")))
    return _show_editor(request, form=form, deal=None)


@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def edit_deal(request: MerchantRequest, deal_id: int) -> HttpResponse:
    deal = access_deal(access=request.access, deal_id=deal_id)
    if request.method == "POST":
        return _write(request, deal=deal)
    if deal.state != DealState.DRAFT:
        return show_deal(request, deal)
    form = DealForm(access=request.access, draft=read_draft(deal=deal), version=deal.version)
    return _show_editor(request, form=form, deal=deal)


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def preview_deal(request: MerchantRequest) -> HttpResponse:
    """What the customer would read, the number of things to correct, and, after a button of section 2, the groups."""
    action = request.POST.get("content", "")
    form = DealForm(request.POST, access=request.access)
    form.is_valid()
    if action:
        form.content = form.content.change(action)
    form.shown_draft = form.to_draft()
    context = _preview(request.access, form)
    return render(
        request, "merchant/deals/_preview_answer.html", {**context, "form": form, "with_content": action}
    )


def show_deal(
    request: MerchantRequest, deal: Deal, *, offer_form: OfferForm | None = None, status: int = 200
) -> HttpResponse:
    """A deal that is no draft: what customers read, what may change at once, and how to change the rest."""
    draft = read_draft(deal=deal)
    stock = DealStock.objects.get(deal_id=deal.pk)
    initial = {
        "total": stock.total,
        "per_person_limit": deal.per_person_limit,
        "sale_until": deal.sale_until,
    }
    review = DealReview.objects.filter(deal_id=deal.pk).order_by("-id").first()
    context = {
        "deal": deal,
        "stock": stock,
        "review": review,
        "offer_form": offer_form or OfferForm(initial=initial),
        "can_change_offer": deal.state in (DealState.ONLINE, DealState.PAUSED),
        "preview": _view(request.access, draft),
        "status_kind": STATUS_KINDS[DealState(deal.state)],
    }
    return render(request, "merchant/deals/show.html", context, status=status)


def _write(request: MerchantRequest, *, deal: Deal | None) -> HttpResponse:
    """Save, and submit where that button was pressed; on any refusal the page comes back as it was typed."""
    stored = read_draft(deal=deal) if deal else None
    form = DealForm(request.POST, access=request.access, draft=stored)
    action = request.POST.get("content", "")
    if action:  # a button of section 2, without JavaScript
        form.is_valid()
        form.content = form.content.change(action)
        form.shown_draft = form.to_draft()
        return _show_editor(request, form=form, deal=deal)
    if not form.is_valid():
        form.shown_draft = form.to_draft()
        _add_errors(form, find_contradictions(form.shown_draft))
        return _show_editor(request, form=form, deal=deal, status=422)
    form.shown_draft = form.to_draft()
    try:
        saved = save_deal(
            merchant=request.merchant,
            draft=form.shown_draft,
            by=request.user,
            deal_id=deal.pk if deal else None,
            version=form.cleaned_data["version"],
        )
    except DealInvalid as refused:
        _add_errors(form, refused.problems)
        return _show_editor(request, form=form, deal=deal, status=422)
    except DealChangedMeanwhile as refused:
        return _show_editor(request, form=form, deal=deal, conflict=describe(refused), status=409)
    except StockBelowSold as refused:
        form.add_error("stock", describe(refused).title)
        return _show_editor(request, form=form, deal=deal, status=422)
    except DomainError as refused:
        messages.error(request, describe(refused).title)
        return redirect("coupons:deals", request.merchant.slug)
    if request.POST.get("then") == "submit":
        try:
            submit_deal(deal=saved, by=request.user)
        except DealInvalid as refused:
            form = DealForm(_with_version(request, saved), access=request.access, draft=stored)
            form.is_valid()
            form.shown_draft = form.to_draft()
            _add_errors(form, refused.problems)
            messages.info(request, _("Saved as a draft. Correct what is marked, then submit again."))
            return _show_editor(request, form=form, deal=saved, status=422)
        messages.success(request, _("Submitted: the platform will look at it."))
        return redirect("coupons:deals", request.merchant.slug)
    messages.success(request, _("Draft saved."))
    return redirect("coupons:deal_edit", request.merchant.slug, saved.pk)


def _with_version(request: MerchantRequest, saved: Deal) -> Any:
    saved.refresh_from_db(fields=["version", "updated_at", "state"])
    data = request.POST.copy()
    data["version"] = str(saved.version)
    return data


def _add_errors(form: DealForm, problems: list[Problem]) -> None:
    for problem in problems:
        field, _dot, index = problem.field.partition(".")
        sentence = describe_problem(problem)
        if field == "groups":
            form.content.add_problem(int(index) if index else None, sentence)
        else:
            if field not in form.errors:  # a value that cannot be read comes first
                form.add_error(field, sentence)


def _show_editor(
    request: MerchantRequest, *, form: DealForm, deal: Deal | None, conflict: Any = None, status: int = 200
) -> HttpResponse:
    context = {
        **_preview(request.access, form),
        "form": form,
        "deal": deal,
        "conflict": conflict,
        "status_kind": STATUS_KINDS[DealState.DRAFT],
        "is_answer": status == 422,
    }
    return render(request, "merchant/deals/edit.html", context, status=status)


def _preview(access: MerchantAccess, form: DealForm) -> dict[str, Any]:
    draft = form.shown_draft
    open_ids = set(access_stores(access=access, only_open=True).values_list("pk", flat=True))
    gaps = find_gaps(draft, open_store_ids=open_ids, zone=access.merchant.tzinfo, at=timezone.now())
    return {
        "preview": _view(access, draft),
        "worth_fen": content_worth_fen(draft),
        "problems": form.list_problems(gaps),
    }


def _view(access: MerchantAccess, draft: DealDraft) -> DealView:
    stores = access_stores(access=access, only_open=True)
    if not draft.all_stores:
        stores = stores.filter(pk__in=draft.store_ids)
    return view_draft(
        draft=draft,
        currency=access.merchant.currency,
        stores=list(stores[:STORES_SHOWN]),
        store_count=stores.count(),
    )
