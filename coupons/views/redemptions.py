"""Redemption records: the list with its sums, files, one redemption with its coupon's story, the office's undo."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.exports import ROWS_AT_ONCE, safe_text, stream_csv, write_xlsx
from core.newest import PARAMETER, read_newest
from core.refusals import describe, describe_code
from coupons.access import access_redemption, access_redemptions, access_refusals
from coupons.domain.reversal import reverse_redemptions
from coupons.enums import RefundState
from coupons.forms.redemptions import RedemptionFilter, UndoForm
from coupons.insights.domain.days import Redeemed, Stores, sum_redeemed
from coupons.models import Redemption, RedemptionRefusal
from coupons.views.timeline import tell_story
from identity.enums import Role, Scope
from merchants.access import access_stores
from merchants.decorators import MerchantRequest, merchant_page

READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)
UNDOERS = (Role.OWNER, Role.MANAGER)
ROWS_PER_PAGE = 50
MOST_EXPORTED = 200_000
MOST_COUNTED = 1_000  # refusals are counted up to here: more is "999+"
STATES = ("", "redeemed", "reversed", "refused")


@merchant_page(*READERS, by=Scope.REDEMPTIONS)
@require_safe
def redemptions(request: MerchantRequest) -> HttpResponse:
    """Newest first, with sums over everything the filters leave; ?state=refused lists the refused codes instead."""
    form, state, filters = _read_filters(request)
    context = {
        "form": form,
        "state": state,
        "tabs": _tabs(request, state),
        "filtered": bool(filters) or not form.is_valid(),
        "currency": request.merchant.currency,
        "query": _query(request, without=PARAMETER),
        **(_list_refusals if state == "refused" else _list_redemptions)(request, form, filters, state),
    }
    template = "merchant/redemptions/list.html" if request.htmx else "merchant/redemptions/records.html"
    return render(request, template, context, status=200 if form.is_valid() else 422)


@merchant_page(*READERS, by=Scope.REDEMPTIONS)
@require_safe
def redemptions_export(request: MerchantRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as records.csv or records.xlsx."""
    form, state, filters = _read_filters(request)
    if not form.is_valid():
        return redirect("redemptions", slug=request.merchant.slug)
    if state == "refused":
        head = _refusal_head()
        body = _refusal_rows(request, _filter_refusals(request, filters))
    else:
        head = _redemption_head(request.merchant.currency)
        body = _redemption_rows(request, _filter_redemptions(request, filters, state))
    name = f"{request.merchant.slug}-{state or 'redemptions'}-{timezone.localdate():%Y%m%d}.{kind}"
    if kind == "csv":
        response = StreamingHttpResponse(
            stream_csv(head=head, body=body), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    if kind == "xlsx":
        return FileResponse(
            write_xlsx(title=_("Redemption records"), head=head, body=body), as_attachment=True, filename=name
        )
    raise Http404


@merchant_page(*READERS, by=Scope.REDEMPTIONS)
@require_safe
def redemption_detail(request: MerchantRequest, redemption_id: int) -> HttpResponse:
    """One redemption and everything that happened to its coupon."""
    return _show(request, access_redemption(access=request.access, redemption_id=redemption_id), UndoForm())


@merchant_page(*UNDOERS)
@require_POST
def redemption_undo(request: MerchantRequest, redemption_id: int) -> HttpResponse:
    """The office undoes one redemption and says why."""
    redemption = access_redemption(access=request.access, redemption_id=redemption_id)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _show(request, redemption, form, status=422)
    try:
        reverse_redemptions(
            merchant=request.merchant,
            redemption_ids=[redemption.pk],
            by=request.user,
            reason=form.cleaned_data["reason"],
        )
    except DomainError as error:
        described = describe(error, zone=request.merchant.tzinfo)
        messages.error(request, f"{described.title} {described.next_step}")
    else:
        messages.success(request, _("Undone. The coupon can be used again."))
    return redirect("redemption_detail", slug=request.merchant.slug, redemption_id=redemption_id)


def _show(
    request: MerchantRequest, redemption: Redemption, form: UndoForm, *, status: int = 200
) -> HttpResponse:
    redemption = (
        Redemption.objects.filter(pk=redemption.pk)
        .select_related("coupon__customer", "deal", "store", "clerk", "order", "settlement_line")
        .get()
    )
    seconds = max(0, int((redemption.due_at - timezone.now()).total_seconds()))
    may_undo = redemption.reversed_at is None and seconds > 0 and request.merchant_role in UNDOERS
    refunds = list(redemption.refunds.order_by("id"))
    may_refund = (
        request.merchant_role in UNDOERS
        and redemption.reversed_at is None
        and not seconds
        and all(refund.state == RefundState.REJECTED for refund in refunds)
    )
    context = {
        "refunds": refunds,
        "may_refund": may_refund,
        "redemption": redemption,
        "coupon": redemption.coupon,
        "line": getattr(redemption, "settlement_line", None),
        "events": tell_story(redemption.coupon, currency=request.merchant.currency),
        "currency": request.merchant.currency,
        "may_undo": may_undo,
        "seconds": seconds,
        "form": form,
    }
    return render(request, "merchant/redemptions/detail.html", context, status=status)


def _read_filters(request: MerchantRequest) -> tuple[RedemptionFilter, str, dict[str, Any]]:
    form = RedemptionFilter(request.GET, access=request.access)
    values = form.cleaned_data if form.is_valid() else {}
    filters = {name: value for name, value in values.items() if value and name != "state"}
    state = values.get("state", "")
    return form, state if state in STATES else "", filters


def _list_redemptions(
    request: MerchantRequest, form: RedemptionFilter, filters: dict[str, Any], state: str
) -> dict[str, Any]:
    found = _filter_redemptions(request, filters, state)
    if not form.is_valid():
        found = found.none()
    page = read_newest(
        found.select_related("coupon", "deal", "store", "clerk", "settlement_line"),
        before=request.GET.get(PARAMETER),
        size=ROWS_PER_PAGE,
        moment="redeemed_at",
    )
    return {"page": page, "sums": _sum(request, found, filters, state) if page.object_list else Redeemed()}


def _sum(
    request: MerchantRequest, found: "QuerySet[Redemption]", filters: dict[str, Any], state: str
) -> Redeemed:
    """Over everything the filters leave: from the sums of days, except that a clerk's uses are counted one by one."""
    if "clerk" in filters:
        standing = Q(reversed_at__isnull=True)
        counted = found.order_by().aggregate(
            uses=Count("pk", filter=standing),
            fen=Coalesce(Sum("gross_fen", filter=standing), 0),
            undone=Count("pk", filter=~standing),
            undone_fen=Coalesce(Sum("gross_fen", filter=~standing), 0),
        )
        return Redeemed(**counted)
    sums = sum_redeemed(
        merchant=request.merchant,
        stores=_filtered_stores(request, filters),
        first=filters.get("from_date"),
        last=filters.get("until_date"),
    )
    if state == "redeemed":
        return replace(sums, undone=0, undone_fen=0)
    return replace(sums, uses=0, fen=0) if state == "reversed" else sums


def _filtered_stores(request: MerchantRequest, filters: dict[str, Any]) -> Stores:
    store = filters.get("store")
    if isinstance(store, str):
        named = access_stores(access=request.access).filter(Q(name__icontains=store) | Q(number=store))
        return list(named.order_by().values_list("pk", flat=True))
    return [store.pk] if store else request.access.store_ids


def _list_refusals(
    request: MerchantRequest, form: RedemptionFilter, filters: dict[str, Any], state: str
) -> dict[str, Any]:
    found = _filter_refusals(request, filters)
    if not form.is_valid():
        found = found.none()
    page = read_newest(
        found.select_related("coupon__deal", "store", "clerk"),
        before=request.GET.get(PARAMETER),
        size=ROWS_PER_PAGE,
        moment="at",
    )
    rows = [
        (refusal, describe_code(refusal.code, refusal.facts, zone=request.merchant.tzinfo))
        for refusal in page
    ]
    return {"page": page, "refusals": rows, "refused": found.order_by()[:MOST_COUNTED].count()}


def _filter_redemptions(
    request: MerchantRequest, filters: dict[str, Any], state: str
) -> "QuerySet[Redemption]":
    found = _filter_place(access_redemptions(access=request.access), filters)
    if "from_date" in filters:
        found = found.filter(business_date__gte=filters["from_date"])
    if "until_date" in filters:
        found = found.filter(business_date__lte=filters["until_date"])
    if state:
        found = found.filter(reversed_at__isnull=state == "redeemed")
    return found


def _filter_refusals(request: MerchantRequest, filters: dict[str, Any]) -> "QuerySet[RedemptionRefusal]":
    found = _filter_place(access_refusals(access=request.access), filters)
    zone = request.merchant.tzinfo
    if "from_date" in filters:
        found = found.filter(at__gte=datetime.combine(filters["from_date"], time.min, zone))
    if "until_date" in filters:
        day_after = filters["until_date"] + timedelta(days=1)
        found = found.filter(at__lt=datetime.combine(day_after, time.min, zone))
    return found


def _filter_place(found: Any, filters: dict[str, Any]) -> Any:
    if "clerk" in filters:
        found = found.filter(clerk=filters["clerk"])
    store = filters.get("store")
    if isinstance(store, str):
        return found.filter(Q(store__name__icontains=store) | Q(store__number=store))
    return found.filter(store=store) if store else found


def _tabs(request: MerchantRequest, state: str) -> list[dict[str, Any]]:
    labels = {
        "": _("All redemptions"),
        "redeemed": _("Redeemed"),
        "reversed": _("Undone"),
        "refused": _("Refused codes"),
    }
    kept = _query(request, without="state")
    tabs = []
    for value in STATES:
        query = "&".join(part for part in (kept, f"state={value}" if value else "") if part)
        tabs.append({"label": labels[value], "url": f"{request.path}?{query}", "current": value == state})
    return tabs


def _query(request: MerchantRequest, *, without: str) -> str:
    """The filters as they stand, for links that change one thing."""
    query = request.GET.copy()
    for name in {without, PARAMETER}:
        query.pop(name, None)
    return query.urlencode()


def _redemption_head(currency: str) -> list[str]:
    return [
        _("Redemption"), _("Redeemed at"), _("Business date"), _("Store number"), _("Store"), _("Clerk"), _("Deal"),
        _("Coupon"), _("Use"), _("Amount (%(currency)s)") % {"currency": currency}, _("Undone at"), _("Settled"),
    ]  # fmt: skip


def _redemption_rows(request: MerchantRequest, found: "QuerySet[Redemption]") -> Iterator[list[Any]]:
    zone = request.merchant.tzinfo
    chosen = found.select_related("coupon", "deal", "store", "clerk", "settlement_line")[:MOST_EXPORTED]
    yes, no = _("Yes"), _("No")
    for redemption in chosen.iterator(chunk_size=ROWS_AT_ONCE):
        undone_at = redemption.reversed_at
        yield [
            str(redemption.pk),
            redemption.redeemed_at.astimezone(zone).isoformat(timespec="seconds"),
            redemption.business_date.isoformat(),
            safe_text(redemption.store.number),
            safe_text(redemption.store.name),
            safe_text(redemption.clerk.name),
            safe_text(redemption.deal.title),
            str(redemption.coupon),
            redemption.use_no,
            Decimal(redemption.gross_fen).scaleb(-2),
            undone_at.astimezone(zone).isoformat(timespec="seconds") if undone_at else "",
            yes if hasattr(redemption, "settlement_line") else no,
        ]


def _refusal_head() -> list[str]:
    return [
        _("Time"),
        _("Store number"),
        _("Store"),
        _("Clerk"),
        _("Deal"),
        _("Code"),
        _("Refused because"),
        _("Key"),
    ]


def _refusal_rows(request: MerchantRequest, found: "QuerySet[RedemptionRefusal]") -> Iterator[list[Any]]:
    zone = request.merchant.tzinfo
    chosen: Iterable[RedemptionRefusal] = found.select_related("coupon__deal", "store", "clerk")[
        :MOST_EXPORTED
    ].iterator(chunk_size=ROWS_AT_ONCE)
    for refusal in chosen:
        yield [
            refusal.at.astimezone(zone).isoformat(timespec="seconds"),
            safe_text(refusal.store.number if refusal.store else ""),
            safe_text(refusal.store.name if refusal.store else ""),
            safe_text(refusal.clerk.name),
            safe_text(refusal.coupon.deal.title if refusal.coupon else ""),
            refusal.masked_code,
            safe_text(describe_code(refusal.code, refusal.facts, zone=zone).title),
            refusal.code,
        ]
