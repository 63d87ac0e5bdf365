"""The operator's review of deals, and everything sold, used and refused to look at."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.operator_admin import ReadOnlyAdmin, ReadOnlyRows
from core.refusals import describe
from coupons.domain.deal_checks import DealInvalid, find_gaps
from coupons.domain.deal_draft import read_draft
from coupons.domain.deal_states import approve_deal, reject_deal
from coupons.domain.deal_view import STORES_SHOWN, content_worth_fen, view_deal
from coupons.enums import DealState
from coupons.forms.deal_problems import describe_problem
from coupons.models import (
    Coupon,
    Deal,
    DealReview,
    Order,
    OrderShare,
    Payment,
    PaymentNotification,
    Recall,
    Redemption,
    RedemptionRefusal,
    Refund,
)
from merchants.enums import StoreState
from merchants.models import Store


class RejectionForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("What is to be changed"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The merchant reads this sentence."),
    )


class ReviewRows(ReadOnlyRows):
    model = DealReview
    fk_name = "deal"
    hidden_columns = ("id", "merchant", "deal")
    ordering = ("-id",)


@admin.register(Deal)
class DealAdmin(ReadOnlyAdmin):
    list_display = ("title", "merchant", "kind", "price_fen", "list_price_fen", "state", "updated_at")
    list_filter = ("state", "kind")
    list_select_related = ("merchant",)
    search_fields = ("title", "merchant__name", "=id")
    ordering = ("-updated_at",)
    inlines = (ReviewRows,)
    # What these say stands in the customer's view above them, in words.
    hidden_columns = (
        "description", "usable_weekdays", "usable_hours", "blackout_dates", "valid_from_date", "valid_until_date",
        "valid_days", "validity_kind", "refundable_before_use", "refund_on_expiry", "all_stores",
    )  # fmt: skip
    change_form_outer_before_template = "ops/deal_review.html"

    class Media:
        css = {"all": ["css/deal.css", "css/ops.css"]}  # noqa: RUF012 - Django's own way

    def get_urls(self) -> list[URLPattern]:
        steps = [
            path("<int:deal_id>/approve/", self.admin_site.admin_view(self.approve), name="deal_approve"),
            path("<int:deal_id>/reject/", self.admin_site.admin_view(self.reject), name="deal_reject"),
        ]
        return [*steps, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        deal = self.get_object(request, object_id)
        if deal is not None:
            kwargs["extra_context"] = self._review(request, deal)
        return super().change_view(request, object_id, *args, **kwargs)

    @method_decorator(require_POST)
    def approve(self, request: HttpRequest, deal_id: int) -> HttpResponse:
        deal = self._deal_to_decide(request, deal_id)
        try:
            approve_deal(deal=deal, by=request.user)
        except DealInvalid as refused:
            for problem in refused.problems:
                messages.error(request, describe_problem(problem))
            return redirect("admin:coupons_deal_change", deal.pk)
        except DomainError as refused:
            messages.error(request, describe(refused).title)
            return redirect("admin:coupons_deal_change", deal.pk)
        messages.success(request, _("%(title)s is on sale.") % {"title": deal.title})
        return redirect(_waiting_url())

    @method_decorator(require_POST)
    def reject(self, request: HttpRequest, deal_id: int) -> HttpResponse:
        deal = self._deal_to_decide(request, deal_id)
        form = RejectionForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Say what is to be changed, in at most 400 characters."))
            return redirect("admin:coupons_deal_change", deal.pk)
        try:
            reject_deal(deal=deal, reason=form.cleaned_data["reason"], by=request.user)
        except DomainError as refused:
            messages.error(request, describe(refused).title)
            return redirect("admin:coupons_deal_change", deal.pk)
        messages.success(request, _("%(title)s was sent back.") % {"title": deal.title})
        return redirect(_waiting_url())

    def has_review_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("coupons.change_deal")

    def _deal_to_decide(self, request: HttpRequest, deal_id: int) -> Deal:
        if not self.has_review_permission(request):
            raise PermissionDenied
        deal = Deal.objects.select_related("merchant").filter(pk=deal_id).first()
        if deal is None:
            raise Http404
        return deal

    def _review(self, request: HttpRequest, deal: Deal) -> dict[str, Any]:
        draft = read_draft(deal=deal)
        stores = Store.objects.filter(merchant=deal.merchant, state=StoreState.OPEN).order_by(
            "city", "name", "id"
        )
        gaps = find_gaps(
            draft,
            open_store_ids=set(stores.values_list("pk", flat=True)),
            zone=deal.merchant.tzinfo,
            at=timezone.now(),
        )
        usable = stores if draft.all_stores else stores.filter(pk__in=draft.store_ids)
        return {
            "deal": deal,
            "review": DealReview.objects.filter(deal=deal)
            .select_related("submitted_by")
            .order_by("-id")
            .first(),
            "preview": view_deal(
                deal=deal,
                currency=deal.merchant.currency,
                stores=usable[:STORES_SHOWN],
                store_count=usable.count(),
                left=None,
            ),
            "worth_fen": content_worth_fen(draft),
            "gaps": [describe_problem(gap) for gap in gaps],
            "can_decide": deal.state == DealState.IN_REVIEW and self.has_review_permission(request),
            "rejection_form": RejectionForm(),
        }


def _waiting_url() -> str:
    return f"{reverse('admin:coupons_deal_changelist')}?state__exact={DealState.IN_REVIEW}"


def count_waiting(request: HttpRequest) -> int:
    """Deals that wait for the operator, for the menu."""
    return Deal.objects.filter(state=DealState.IN_REVIEW).count()


class ShareRows(ReadOnlyRows):
    model = OrderShare
    hidden_columns = ("id", "merchant", "order")


class CouponRows(ReadOnlyRows):
    model = Coupon
    hidden_columns = ("id", "merchant", "order", "deal", "customer")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "merchant", "deal", "quantity", "total_fen", "paid_fen", "refunded_fen", "state", "placed_at")  # fmt: skip
    list_filter = ("state", "source", "close_reason")
    list_select_related = ("merchant", "deal")
    search_fields = ("=id", "deal__title", "merchant__name")
    ordering = ("-placed_at", "-id")
    inlines = (ShareRows, CouponRows)


@admin.register(Coupon)
class CouponAdmin(ReadOnlyAdmin):
    list_display = (
        "code",
        "merchant",
        "deal",
        "price_fen",
        "uses_left",
        "uses_total",
        "state",
        "valid_until",
    )
    list_filter = ("state",)
    list_select_related = ("merchant", "deal")
    search_fields = ("=code", "=id", "merchant__name")
    ordering = ("-id",)


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "coupon",
        "use_no",
        "merchant",
        "store",
        "clerk",
        "gross_fen",
        "redeemed_at",
        "reversed_at",
    )
    list_select_related = ("coupon", "merchant", "store", "clerk")
    search_fields = ("=coupon__code", "=id", "merchant__name")
    ordering = ("-redeemed_at", "-id")
    date_hierarchy = "business_date"


@admin.register(RedemptionRefusal)
class RedemptionRefusalAdmin(ReadOnlyAdmin):
    list_display = ("at", "masked_code", "code", "merchant", "store", "clerk")
    list_filter = ("code",)
    list_select_related = ("merchant", "store", "clerk")
    search_fields = ("merchant__name", "clerk__name")
    ordering = ("-at", "-id")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "reference",
        "merchant",
        "order",
        "provider",
        "amount_fen",
        "state",
        "created_at",
        "succeeded_at",
    )
    list_filter = ("state", "provider")
    list_select_related = ("merchant", "order")
    search_fields = ("=reference", "=provider_reference", "=order__id")
    ordering = ("-id",)


@admin.register(PaymentNotification)
class PaymentNotificationAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "provider", "kind", "reference", "outcome")
    list_filter = ("provider", "outcome")
    search_fields = ("=reference", "=event_id")
    ordering = ("-id",)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("id", "merchant", "order", "amount_fen", "reason", "state", "requested_at", "last_error")
    list_filter = ("state", "reason")
    list_select_related = ("merchant", "order")
    search_fields = ("=id", "=order__id", "merchant__name")
    ordering = ("-id",)


@admin.register(Recall)
class RecallAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "merchant", "deal", "state", "expected_coupons", "coupons", "voided", "amount_fen", "requested_at", "requested_by",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("merchant", "deal", "requested_by")
    search_fields = ("=id", "=deal__id", "merchant__name")
    ordering = ("-id",)
