"""One button, one step: go live, end, cancel, pieces, one more deal, notes."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.errors import DomainError, NotFound
from core.refusals import describe
from coupons.live.access import access_note, access_session
from coupons.live.domain.notes import add_note, tick_note
from coupons.live.domain.session_deals import Allotment, add_deal, change_pieces
from coupons.live.domain.session_states import cancel_session, end_session, go_live
from coupons.live.forms import AddDealForm, NoteForm, PiecesForm
from coupons.live.views.sessions import EDITORS, render_session
from identity.enums import Scope
from merchants.decorators import MerchantRequest, merchant_page


def _step(step: Callable[..., object], done: str | Promise) -> Callable[..., HttpResponseBase]:
    @require_POST
    @merchant_page(*EDITORS, by=Scope.DEALS)
    def view(request: MerchantRequest, session_id: int) -> HttpResponse:
        session = access_session(access=request.access, session_id=session_id)
        try:
            step(session=session, by=request.user)
        except DomainError as refused:
            _tell(request, refused)
        else:
            messages.success(request, str(done))
        return _back(request, session_id)

    return view


live_start = _step(go_live, gettext_lazy("You are live: the cards lead to the deals."))
live_end = _step(end_session, gettext_lazy("Ended. Pieces that were left are back in general sale."))
live_cancel = _step(cancel_session, gettext_lazy("Cancelled. The pieces are back in general sale."))


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def live_deal_pieces(request: MerchantRequest, session_id: int, live_deal_id: int) -> HttpResponse:
    """More or fewer pieces of one deal, before or during the show."""
    session = access_session(access=request.access, session_id=session_id)
    live_deal = session.deals.select_related("session", "deal").filter(pk=live_deal_id).first()
    if live_deal is None:
        raise NotFound
    form = PiecesForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors["pieces"]))))
        return _back(request, session_id)
    try:
        change_pieces(live_deal=live_deal, pieces=form.cleaned_data["pieces"], by=request.user)
    except DomainError as refused:
        _tell(request, refused)
    else:
        messages.success(
            request,
            _("%(deal)s: %(pieces)s pieces in this session.")
            % {"deal": live_deal.deal.title, "pieces": form.cleaned_data["pieces"]},
        )
    return _back(request, session_id)


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def live_deal_add(request: MerchantRequest, session_id: int) -> HttpResponse:
    """One more deal while the show runs."""
    session = access_session(access=request.access, session_id=session_id)
    form = AddDealForm(request.POST, access=request.access, session=session)
    if form.is_valid():
        wanted = Allotment(form.cleaned_data["deal"], form.cleaned_data["pieces"])
        try:
            add_deal(session=session, allotment=wanted, by=request.user)
        except DomainError as refused:
            form.add_error(None, describe(refused).title)
        else:
            messages.success(request, _("The deal is in the session."))
            return _back(request, session_id)
    return render_session(request, session, add_form=form, status=422)


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def live_note_add(request: MerchantRequest, session_id: int) -> HttpResponse:
    """Write down what was learned, or what is to be done."""
    session = access_session(access=request.access, session_id=session_id)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return render_session(request, session, note_form=form, status=422)
    add_note(session=session, by=request.user, **form.cleaned_data)
    return _back(request, session_id, "#notes")


@require_POST
@merchant_page(*EDITORS, by=Scope.DEALS)
def live_note_tick(request: MerchantRequest, session_id: int, note_id: int) -> HttpResponse:
    """Done, or not after all."""
    session = access_session(access=request.access, session_id=session_id)
    note = access_note(access=request.access, session=session, note_id=note_id)
    tick_note(note=note, is_done=request.POST.get("done") == "1")
    return _back(request, session_id, "#notes")


def _back(request: MerchantRequest, session_id: int, place: str = "") -> HttpResponse:
    response = redirect("live_session", slug=request.merchant.slug, session_id=session_id)
    response["Location"] += place
    return response


def _tell(request: MerchantRequest, refused: DomainError) -> None:
    described = describe(refused, zone=request.merchant.tzinfo)
    messages.error(request, f"{described.title} {described.next_step}")
