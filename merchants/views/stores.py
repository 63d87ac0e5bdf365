"""/m/<slug>/stores/: list, add, edit, close down, reopen, poster."""

from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, NotFound
from core.refusals import describe
from identity.enums import Role, Scope
from merchants.access import (
    MerchantAccess,
    access_memberships,
    access_store,
    access_stores,
    clerk_count,
)
from merchants.decorators import MerchantRequest, merchant_page
from merchants.domain.stores import (
    StoreNumberTaken,
    StoreStateChanged,
    add_store,
    close_store,
    edit_store,
    reopen_store,
)
from merchants.enums import StoreDoubt
from merchants.forms import DAYS, StoreFilterForm, StoreForm
from merchants.models import Store
from merchants.posters import poster_qr_svg

PER_PAGE = 50
MOST_CLERKS = 50
EDITORS = (Role.OWNER, Role.MANAGER)
READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)


@merchant_page(*READERS, by=Scope.STORES)
@require_safe
def stores(request: MerchantRequest) -> HttpResponse:
    """The stores the reader may see, by city; ?q= ?city= ?state= narrow them."""
    found = access_stores(access=request.access)
    cities = list(found.exclude(city="").order_by("city").values_list("city", flat=True).distinct())
    form = StoreFilterForm(request.GET or None, cities=cities)
    is_filtered = False
    if form.is_bound and form.is_valid():
        text, city, state = (form.cleaned_data[name].strip() for name in ("q", "city", "state"))
        is_filtered = bool(text or city or state)
        if text:
            found = found.filter(
                Q(name__icontains=text) | Q(number__icontains=text) | Q(address__icontains=text)
            )
        if city:
            found = found.filter(city=city)
        if state:
            found = found.filter(state=state)
    page = Paginator(found.annotate(clerks=clerk_count()), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "is_filtered": is_filtered,
        "may_edit": request.access.allows(EDITORS, by=Scope.STORES),
        "may_add": _may_add(request.access),
    }
    return render(
        request, "merchant/stores/rows.html" if request.htmx else "merchant/stores/list.html", context
    )


@merchant_page(*READERS, by=Scope.STORES)
@require_safe
def store_detail(request: MerchantRequest, store_id: int) -> HttpResponse:
    """Everything written about one store."""
    store = access_store(access=request.access, store_id=store_id)
    context = {
        "store": store,
        "doubts": [StoreDoubt(code).label for code in store.import_warnings if code in StoreDoubt.values],
        "hours": _hours(store),
        "clerks": request.merchant_role
        and access_memberships(access=request.access).filter(stores=store)[:MOST_CLERKS],
        "may_edit": request.access.allows(EDITORS, by=Scope.STORES),
    }
    return render(request, "merchant/stores/detail.html", context)


@merchant_page(*EDITORS, by=Scope.STORES)
@require_http_methods(["GET", "HEAD", "POST"])
def store_add(request: MerchantRequest) -> HttpResponse:
    """A new store; only for those in charge of all stores."""
    if not _may_add(request.access):
        raise NotFound
    form = StoreForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            store = add_store(merchant=request.merchant, details=form.details(), by=request.user)
        except StoreNumberTaken as error:
            form.add_error("number", describe(error).title)
        else:
            messages.success(request, _("%(store)s was added.") % {"store": store.name})
            return redirect("store_detail", slug=request.merchant.slug, store_id=store.pk)
    return _form_page(request, form, store=None)


@merchant_page(*EDITORS, by=Scope.STORES)
@require_http_methods(["GET", "HEAD", "POST"])
def store_edit(request: MerchantRequest, store_id: int) -> HttpResponse:
    """Change what is written about a store."""
    store = access_store(access=request.access, store_id=store_id)
    form = StoreForm(request.POST or None, initial=StoreForm.initial_of(store))
    if request.method == "POST" and form.is_valid():
        try:
            edit_store(store=store, details=form.details(country=store.country), by=request.user)
        except StoreNumberTaken as error:
            form.add_error("number", describe(error).title)
        else:
            messages.success(request, _("Saved."))
            return redirect("store_detail", slug=request.merchant.slug, store_id=store.pk)
    return _form_page(request, form, store=store)


@merchant_page(*EDITORS, by=Scope.STORES)
@require_http_methods(["GET", "HEAD", "POST"])
def store_close(request: MerchantRequest, store_id: int) -> HttpResponse:
    """Ask, saying what happens to coupons, then close the store down."""
    store = access_store(access=request.access, store_id=store_id)
    if request.method == "POST":
        return _change_state(request, store, close_store, _("%(store)s is closed down."))
    return render(
        request, "merchant/stores/close.html", {"store": store, "coupons_url": _coupons_url(request, store)}
    )


@merchant_page(*EDITORS, by=Scope.STORES)
@require_POST
def store_reopen(request: MerchantRequest, store_id: int) -> HttpResponse:
    """Open a closed store again."""
    store = access_store(access=request.access, store_id=store_id)
    return _change_state(request, store, reopen_store, _("%(store)s is open again."))


@merchant_page(*READERS, by=Scope.STORES)
@require_safe
def store_poster(request: MerchantRequest, store_id: int) -> HttpResponse:
    """A page to print: the QR code that opens the shop at this store."""
    store = access_store(access=request.access, store_id=store_id)
    url = request.build_absolute_uri(f"/h5/{request.merchant.slug}/?store={store.pk}")
    return render(
        request, "merchant/stores/poster.html", {"store": store, "url": url, "qr": poster_qr_svg(url)}
    )


def _may_add(access: MerchantAccess) -> bool:
    return access.allows(EDITORS, by=Scope.STORES) and access.store_ids is None


def _form_page(request: MerchantRequest, form: StoreForm, *, store: Store | None) -> HttpResponse:
    return render(
        request,
        "merchant/stores/form.html",
        {"form": form, "store": store},
        status=422 if form.errors else 200,
    )


def _change_state(
    request: MerchantRequest, store: Store, change: Callable[..., None], done: str
) -> HttpResponse:
    try:
        change(store=store, by=request.user)
    except StoreStateChanged as error:
        messages.error(request, _sentence(error))
    else:
        messages.success(request, done % {"store": store.name})
    return redirect("store_detail", slug=request.merchant.slug, store_id=store.pk)


def _sentence(error: DomainError) -> str:
    told = describe(error)
    return f"{told.title} {told.next_step}"


def _coupons_url(request: MerchantRequest, store: Store) -> str:
    """Where the floor of the coupons says how many are valid here; "" where there is no such page."""
    try:
        return reverse("store_coupons", kwargs={"slug": request.merchant.slug, "store_id": store.pk})
    except NoReverseMatch:
        return ""


def _hours(store: Store) -> list[tuple[str, str]]:
    """(weekday, spans) for the days that have hours."""
    return [
        (str(WEEKDAYS[number]), ", ".join("–".join(span) for span in store.hours[day]))
        for number, day in enumerate(DAYS)
        if store.hours.get(day)
    ]
