"""A customer's coupons: list, show at the counter, give back."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django_scopes import scopes_disabled
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import IdField
from core.api.pages import NewestFirst
from core.clock import database_now
from coupons.access import access_own_coupon, access_own_coupons, access_shop_stores
from coupons.api.moments import MomentField
from coupons.api.orders import CustomerView
from coupons.api.refunds import UseRefundSerializer
from coupons.api.shop import StoreSerializer, page_of
from coupons.domain.codes import mask_code
from coupons.domain.deal_terms import describe_terms
from coupons.domain.refunds import request_refund
from coupons.domain.use_refunds import REFUND_DAYS
from coupons.enums import CouponState, RefundReason, RefundState
from coupons.models import Coupon, Redemption
from coupons.qr import coupon_qr_svg


class CouponSerializer(serializers.Serializer[Any]):
    """Valid from `valid_from` until just before `valid_until`; `price_fen` was paid for all its uses."""

    id = IdField()
    merchant = serializers.CharField(source="merchant.slug")
    merchant_name = serializers.CharField(source="merchant.name")
    order_id = IdField()
    deal_id = IdField()
    deal_title = serializers.CharField(source="order.terms.title")
    code_masked = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField(help_text="An unused coupon past its time counts as expired.")
    price_fen = serializers.IntegerField()
    currency = serializers.CharField(source="order.currency")
    uses_total = serializers.IntegerField()
    uses_left = serializers.IntegerField()
    valid_from = MomentField()
    valid_until = MomentField()
    refundable = serializers.SerializerMethodField()

    def get_code_masked(self, coupon: Coupon) -> str:
        return mask_code(coupon.code)

    @extend_schema_field(serializers.ChoiceField(choices=CouponState.choices))
    def get_state(self, coupon: Any) -> str:
        over = coupon.state == CouponState.ISSUED and coupon.valid_until <= coupon.now
        return CouponState.EXPIRED if over else coupon.state

    def get_refundable(self, coupon: Any) -> bool:
        return (
            coupon.state == CouponState.ISSUED
            and coupon.uses_left == coupon.uses_total
            and coupon.order.terms["refundable_before_use"]
            and (coupon.now < coupon.valid_until or coupon.order.terms["refund_on_expiry"])
        )


class CouponUseSerializer(serializers.Serializer[Any]):
    """`refundable`: its money may be asked for now. Until `undo_until` the counter can undo the use instead."""

    id = IdField()
    redeemed_at = MomentField()
    store = serializers.CharField(source="store.name")
    use_no = serializers.IntegerField()
    price_fen = serializers.IntegerField(source="gross_fen")
    undo_until = MomentField(source="due_at")
    refundable = serializers.SerializerMethodField()
    refund = serializers.SerializerMethodField()

    def get_refundable(self, use: Redemption) -> bool:
        now = self.context["now"]
        over = use.redeemed_at + timedelta(days=REFUND_DAYS)
        return bool(use.gross_fen) and use.due_at <= now < over and not list(use.refunds.all())

    @extend_schema_field(UseRefundSerializer(allow_null=True))
    def get_refund(self, use: Redemption) -> Any:
        """The newest: what was rejected may have been given back later."""
        refunds = sorted(use.refunds.all(), key=lambda refund: refund.pk)
        return UseRefundSerializer(refunds[-1]).data if refunds else None


class CouponRefundSerializer(serializers.Serializer[Any]):
    """Of what was unused. `recall_words` is what the merchant said where he took it back himself."""

    id = IdField()
    amount_fen = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=RefundReason.choices)
    recall_words = serializers.CharField(source="recall.words", default="", allow_blank=True)
    state = serializers.ChoiceField(choices=RefundState.choices)
    requested_at = MomentField()


class CouponDetailSerializer(CouponSerializer):
    code = serializers.CharField(help_text="15 digits; show them in groups of four.")
    qr_payload = serializers.CharField(source="code", help_text="What the QR code holds: digits only.")
    qr_svg = serializers.SerializerMethodField(help_text="The QR code as an SVG document.")
    rules = serializers.SerializerMethodField()
    stores = serializers.SerializerMethodField()
    uses = serializers.SerializerMethodField(help_text="When and where it was used.")
    refund = serializers.SerializerMethodField()

    def get_qr_svg(self, coupon: Coupon) -> str:
        return str(coupon_qr_svg(coupon.code)).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_rules(self, coupon: Coupon) -> list[str]:
        return describe_terms(coupon.order.terms)

    @extend_schema_field(StoreSerializer(many=True))
    def get_stores(self, coupon: Coupon) -> Any:
        terms = coupon.order.terms
        stores = access_shop_stores(merchant=coupon.merchant)
        if not terms["all_stores"]:
            stores = stores.filter(pk__in=terms["store_ids"])
        return StoreSerializer(stores, many=True).data

    @extend_schema_field(CouponUseSerializer(many=True))
    def get_uses(self, coupon: Coupon) -> Any:
        uses = (
            coupon.redemptions.filter(reversed_at__isnull=True)
            .select_related("store", "merchant")
            .prefetch_related("refunds__merchant")
            .order_by("redeemed_at", "id")
        )
        return CouponUseSerializer(uses, many=True, context={"now": database_now()}).data

    @extend_schema_field(CouponRefundSerializer(allow_null=True))
    def get_refund(self, coupon: Coupon) -> Any:
        refund = coupon.refunds.filter(redemption__isnull=True).select_related("merchant", "recall").first()
        return CouponRefundSerializer(refund).data if refund else None


class CouponFilterSerializer(serializers.Serializer[Any]):
    merchant = serializers.SlugField(max_length=60, required=False)
    state = serializers.ChoiceField(choices=CouponState.choices, required=False)


def only_state(coupons: "QuerySet[Coupon]", state: str | None) -> "QuerySet[Coupon]":
    """Expired is a matter of time as well as of the row."""
    over = Q(state=CouponState.ISSUED, valid_until__lte=F("now"))
    if state == CouponState.ISSUED:
        return coupons.filter(state=state).exclude(over)
    if state == CouponState.EXPIRED:
        return coupons.filter(Q(state=state) | over)
    return coupons.filter(state=state) if state else coupons


class CouponsView(CustomerView):
    pagination_class = NewestFirst

    @extend_schema(
        operation_id="list_coupons",
        parameters=[CouponFilterSerializer],
        responses=CouponSerializer(many=True),
        tags=["coupons"],
    )
    def get(self, request: Request) -> Response:
        """My coupons, newest first."""
        wish = CouponFilterSerializer(data=request.query_params.dict())
        wish.is_valid(raise_exception=True)
        with scopes_disabled():
            coupons = only_state(access_own_coupons(customer=self.customer), wish.validated_data.get("state"))
            if "merchant" in wish.validated_data:
                coupons = coupons.filter(merchant__slug=wish.validated_data["merchant"])
            return page_of(request, self, coupons, CouponSerializer)


class CouponView(CustomerView):
    @extend_schema(operation_id="get_coupon", responses=CouponDetailSerializer, tags=["coupons"])
    def get(self, request: Request, coupon_id: int) -> Response:
        """One of my coupons with its code, QR code, rules and stores."""
        with scopes_disabled():
            coupon = access_own_coupon(customer=self.customer, coupon_id=coupon_id)
            return Response(CouponDetailSerializer(coupon).data)


class CouponRefundView(CustomerView):
    throttle_scope = "orders"

    @extend_schema(
        operation_id="refund_coupon", request=None, responses=CouponDetailSerializer, tags=["coupons"]
    )
    def post(self, request: Request, coupon_id: int) -> Response:
        """Give an unused coupon back; the money goes where it came from. A second request changes nothing."""
        with scopes_disabled():
            coupon = access_own_coupon(customer=self.customer, coupon_id=coupon_id)
            request_refund(coupon=coupon, by=request.user)
            coupon = access_own_coupon(customer=self.customer, coupon_id=coupon_id)
            return Response(CouponDetailSerializer(coupon).data)
