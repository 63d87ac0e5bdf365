"""Refunds of uses: a customer asks for one, the merchant's staff reads, decides and gives money back."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django_scopes import scopes_disabled
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import IdField, WholeNumber
from core.api.pages import NewestFirst
from coupons.access import (
    access_own_use,
    access_redemption,
    access_refund,
    access_refunds,
)
from coupons.api.moments import MaybeMomentField, MomentField
from coupons.api.orders import CustomerView
from coupons.api.shop import page_of
from coupons.domain.use_refunds import approve_refund, refund_use, reject_refund, request_refund_of_use
from coupons.enums import RefundCause, RefundReason, RefundState
from coupons.models import Refund
from identity.enums import Role, Scope
from merchants.access import MerchantAccess, access_merchant

READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)
DECIDERS = (Role.OWNER, Role.MANAGER)


class UseRefundSerializer(serializers.Serializer[Any]):
    """A refund of one use, as its customer sees it; `review_due_at` is when it is agreed to by itself."""

    id = IdField()
    amount_fen = serializers.IntegerField()
    asked_fen = serializers.IntegerField()
    state = serializers.ChoiceField(choices=RefundState.choices)
    cause = serializers.ChoiceField(choices=RefundCause.choices)
    words = serializers.CharField(allow_blank=True)
    decision_reason = serializers.CharField(allow_blank=True, help_text="The merchant's answer.")
    requested_at = MomentField()
    review_due_at = MaybeMomentField()
    rejected_at = MaybeMomentField()
    paid_out_at = MaybeMomentField()


class AskSerializer(serializers.Serializer[Any]):
    cause = serializers.ChoiceField(choices=RefundCause.choices, required=False, default=RefundCause.OTHER)
    words = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class UseRefundView(CustomerView):
    throttle_scope = "orders"

    @extend_schema(
        operation_id="request_refund_of_use",
        request=AskSerializer,
        responses=UseRefundSerializer,
        tags=["coupons"],
    )
    def post(self, request: Request, use_id: int) -> Response:
        """Ask for the money of a use of mine, within 30 days. The merchant decides within 24 hours, else it is agreed to."""
        wish = AskSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        with scopes_disabled():
            use = access_own_use(customer=self.customer, use_id=use_id)
            refund = request_refund_of_use(redemption=use, by=request.user, **wish.validated_data)
            refund = Refund.objects.select_related("merchant").get(pk=refund.pk)
            return Response(UseRefundSerializer(refund).data)


class MerchantRefundSerializer(serializers.Serializer[Any]):
    """`use_id` is null before use. `reason` is the rule by which the money goes back, `cause` what was wrong."""

    id = IdField()
    order_id = IdField()
    coupon_id = serializers.SerializerMethodField()
    use_id = serializers.SerializerMethodField()
    deal_title = serializers.CharField(source="order.terms.title")
    amount_fen = serializers.IntegerField()
    asked_fen = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField(source="order.currency")
    state = serializers.ChoiceField(choices=RefundState.choices)
    reason = serializers.ChoiceField(choices=RefundReason.choices)
    cause = serializers.ChoiceField(choices=RefundCause.choices, allow_blank=True)
    words = serializers.CharField(allow_blank=True)
    decision_reason = serializers.CharField(allow_blank=True)
    requested_at = MomentField()
    review_due_at = MaybeMomentField()
    approved_at = MaybeMomentField()
    rejected_at = MaybeMomentField()
    paid_out_at = MaybeMomentField()

    @extend_schema_field({"type": "string", "nullable": True})
    def get_coupon_id(self, refund: Refund) -> str | None:
        return str(refund.coupon_id) if refund.coupon_id else None

    @extend_schema_field({"type": "string", "nullable": True})
    def get_use_id(self, refund: Refund) -> str | None:
        return str(refund.redemption_id) if refund.redemption_id else None


class RefundFilterSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=RefundState.choices, required=False)


class DecisionSerializer(serializers.Serializer[Any]):
    approve = serializers.BooleanField()
    amount_fen = WholeNumber(
        required=False, min_value=1, help_text="When approving a part; all that was asked for without it."
    )
    reason = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="Read by the customer; needed for a rejection and for a part.",
    )


class GiveSerializer(serializers.Serializer[Any]):
    amount_fen = WholeNumber(min_value=1, help_text="At most what the use cost.")
    cause = serializers.ChoiceField(choices=RefundCause.choices)
    reason = serializers.CharField(max_length=200, help_text=_("The customer reads it."))


class StaffView(APIView):
    throttle_scope = "redeem"

    def enter(self, request: Request, slug: str, roles: tuple[Role, ...]) -> MerchantAccess:
        """The shop, where the token's user has one of the posts, or serves it with refunds by API.

        Refusals show its local time.
        """
        access = access_merchant(user=request.user, slug=slug, roles=roles, scopes=[Scope.API, Scope.REFUNDS])
        self.zone = access.merchant.tzinfo
        return access


class MerchantRefundsView(StaffView):
    pagination_class = NewestFirst

    @extend_schema(
        operation_id="list_refunds",
        parameters=[RefundFilterSerializer],
        responses=MerchantRefundSerializer(many=True),
        tags=["refunds"],
    )
    def get(self, request: Request, slug: str) -> Response:
        """The shop's refunds, newest first; for staff bound to stores those of uses there."""
        access = self.enter(request, slug, READERS)
        wish = RefundFilterSerializer(data=request.query_params.dict())
        wish.is_valid(raise_exception=True)
        with access.inside():
            found = access_refunds(access=access).select_related("order", "merchant")
            if "state" in wish.validated_data:
                found = found.filter(merchant=access.merchant, state=wish.validated_data["state"])
            return page_of(request, self, found, MerchantRefundSerializer)


class MerchantRefundView(StaffView):
    @extend_schema(operation_id="get_refund", responses=MerchantRefundSerializer, tags=["refunds"])
    def get(self, request: Request, slug: str, refund_id: int) -> Response:
        """One refund of the shop."""
        access = self.enter(request, slug, READERS)
        with access.inside():
            return _show(access_refund(access=access, refund_id=refund_id))


class RefundDecisionView(StaffView):
    @extend_schema(
        operation_id="decide_refund",
        request=DecisionSerializer,
        responses=MerchantRefundSerializer,
        tags=["refunds"],
    )
    def post(self, request: Request, slug: str, refund_id: int) -> Response:
        """Agree to a customer's request, in full or in part, or reject it. Decided once: a second answer is refused."""
        access = self.enter(request, slug, DECIDERS)
        with access.inside():
            refund = access_refund(access=access, refund_id=refund_id)
            wish = DecisionSerializer(data=request.data)
            wish.is_valid(raise_exception=True)
            answer = wish.validated_data
            if answer["approve"]:
                decided = approve_refund(
                    refund=refund,
                    by=access.user,
                    amount_fen=answer.get("amount_fen"),
                    reason=answer["reason"],
                )
            else:
                decided = reject_refund(refund=refund, by=access.user, reason=answer["reason"])
            return _show(decided)


class RedemptionRefundView(StaffView):
    @extend_schema(
        operation_id="refund_use",
        request=GiveSerializer,
        responses=MerchantRefundSerializer,
        tags=["refunds"],
    )
    def post(self, request: Request, slug: str, redemption_id: int) -> Response:
        """Give all or part of a use back, within 30 days and once its time to undo is over."""
        access = self.enter(request, slug, DECIDERS)
        with access.inside():
            redemption = access_redemption(access=access, redemption_id=redemption_id)
            wish = GiveSerializer(data=request.data)
            wish.is_valid(raise_exception=True)
            return _show(refund_use(redemption=redemption, by=access.user, **wish.validated_data))


def _show(refund: Refund) -> Response:
    found = Refund.objects.select_related("order", "merchant").get(pk=refund.pk)
    return Response(MerchantRefundSerializer(found).data)
