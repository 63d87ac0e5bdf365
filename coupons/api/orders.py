"""A customer's orders: place, look, pay, cancel."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_scopes import scopes_disabled
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from core.api.fields import IdField, WholeNumber
from core.api.idempotency import IDEMPOTENCY_KEY, answer_once, kept_answer, read_key
from core.api.pages import NewestFirst
from coupons.access import access_own_order, access_own_orders, access_shop
from coupons.admission.gate import Waiting, pass_gate
from coupons.api.moments import MaybeMomentField, MomentField
from coupons.api.shop import page_of
from coupons.api.waiting import WaitingOrderSerializer, answer_waiting
from coupons.domain.codes import mask_code
from coupons.domain.deal_terms import describe_terms
from coupons.domain.orders import UNPAID_SECONDS, OverPersonLimit, SoldOut, close_order, write_order
from coupons.domain.payments import start_payment
from coupons.domain.placements import find_placement
from coupons.enums import CouponState, OrderCloseReason, OrderState
from coupons.models import Order
from identity.api.permissions import IsCustomer, signed_in_customer
from identity.models import Customer

LONGEST_ADDRESS = 200  # what a provider is told to come back to


class PlaceOrderSerializer(serializers.Serializer[Any]):
    merchant = serializers.SlugField(max_length=60)
    deal_id = IdField()
    quantity = WholeNumber(
        min_value=1, max_value=1000, help_text="Above the deal's limit it is refused by name."
    )
    placement = serializers.CharField(
        required=False,
        max_length=60,
        help_text="`from` of the link the customer came by; one that is not known or over counts for nothing.",
    )


class OrderSerializer(serializers.Serializer[Any]):
    """Amounts in fen; `expires_at` is when an unpaid order closes, `seconds_left` the same by the server's clock."""

    id = IdField()
    merchant = serializers.CharField(source="merchant.slug")
    merchant_name = serializers.CharField(source="merchant.name")
    deal_id = IdField()
    deal_title = serializers.CharField(source="terms.title")
    quantity = serializers.IntegerField()
    unit_price_fen = serializers.IntegerField()
    total_fen = serializers.IntegerField()
    currency = serializers.CharField()
    state = serializers.ChoiceField(choices=OrderState.choices)
    close_reason = serializers.ChoiceField(choices=OrderCloseReason.choices, allow_blank=True)
    paid_fen = serializers.IntegerField()
    refunded_fen = serializers.IntegerField()
    placed_at = MomentField()
    expires_at = MomentField()
    seconds_left = serializers.SerializerMethodField()
    paid_at = MaybeMomentField()
    closed_at = MaybeMomentField()

    def get_seconds_left(self, order: Order) -> int:
        return getattr(order, "seconds_left", UNPAID_SECONDS) if order.state == OrderState.CREATED else 0


class OrderedCouponSerializer(serializers.Serializer[Any]):
    id = IdField()
    code_masked = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=CouponState.choices)

    def get_code_masked(self, coupon: Any) -> str:
        return mask_code(coupon.code)


class OrderDetailSerializer(OrderSerializer):
    rules = serializers.SerializerMethodField()
    coupons = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_rules(self, order: Order) -> list[str]:
        return describe_terms(order.terms)

    @extend_schema_field(OrderedCouponSerializer(many=True))
    def get_coupons(self, order: Order) -> Any:
        return OrderedCouponSerializer(order.coupons.order_by("id"), many=True).data


class PayUrlSerializer(serializers.Serializer[Any]):
    pay_url = serializers.CharField(help_text="Where the customer pays; absolute, or a path of this site.")
    reference = serializers.CharField()


class StartPaymentSerializer(serializers.Serializer[Any]):
    return_url = serializers.CharField(
        required=False,
        max_length=LONGEST_ADDRESS,
        help_text="Where the cashier sends the customer afterwards; on this site.",
    )

    def validate_return_url(self, value: str) -> str:
        request = self.context["request"]
        if not url_has_allowed_host_and_scheme(
            value, {request.get_host()}, require_https=settings.HTTPS_ONLY
        ):
            raise serializers.ValidationError(_("This address is not on this site."), code="not_this_site")
        address: str = request.build_absolute_uri(value)
        if len(address) > LONGEST_ADDRESS:
            raise serializers.ValidationError(_("This address is too long."), code="max_length")
        return address


class CustomerView(APIView):
    """Everything in here belongs to the customer who asks."""

    permission_classes = (IsCustomer,)
    throttle_scope = "lookup"

    @property
    def customer(self) -> Customer:
        customer = signed_in_customer(self.request)
        assert customer is not None, "IsCustomer stands before"  # noqa: S101
        return customer


class OrderFilterSerializer(serializers.Serializer[Any]):
    merchant = serializers.SlugField(max_length=60, required=False, source="merchant__slug")
    state = serializers.ChoiceField(choices=OrderState.choices, required=False)


class OrdersView(CustomerView):
    pagination_class = NewestFirst

    def get_throttles(self) -> Any:
        # The gate counts the tries to order, in the one call it makes anyway.
        return [] if self.request.method == "POST" else super().get_throttles()

    @extend_schema(
        operation_id="list_orders",
        parameters=[OrderFilterSerializer],
        responses=OrderSerializer(many=True),
        tags=["orders"],
    )
    def get(self, request: Request) -> Response:
        """My orders, newest first."""
        wish = OrderFilterSerializer(data=request.query_params.dict())
        wish.is_valid(raise_exception=True)
        with scopes_disabled():
            orders = access_own_orders(customer=self.customer).filter(**wish.validated_data)
            return page_of(request, self, orders, OrderSerializer)

    @extend_schema(
        operation_id="place_order",
        parameters=[IDEMPOTENCY_KEY],
        request=PlaceOrderSerializer,
        responses={201: OrderSerializer, 202: WaitingOrderSerializer},
        tags=["orders"],
    )
    def post(self, request: Request) -> Response:
        """Place an order; unpaid it closes after 15 minutes. The same key and body again get the first answer.

        In a rush the answer is 202 and a place in the waiting room: nothing was ordered yet. Ask for the place until it
        is your turn, then send the same request with the same key again.
        """
        key = read_key(request)
        wish = PlaceOrderSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        deal_id, quantity = wish.validated_data["deal_id"], wish.validated_data["quantity"]
        slug, token = wish.validated_data["merchant"], wish.validated_data.get("placement")
        # Only who comes by a link is looked up before the gate: his pieces, and so his queue, may be others.
        merchant = access_shop(slug=slug) if token else None
        placement = find_placement(merchant=merchant, token=token) if merchant else None
        if placement and placement.deal_id != deal_id:
            placement = None
        try:
            with pass_gate(
                customer_id=self.customer.pk,
                address=BaseThrottle().get_ident(request) or "",
                deal_id=deal_id,
                quantity=quantity,
                pool_id=placement.pool_id if placement else None,
                shop=slug,
            ):
                merchant = merchant or access_shop(slug=slug)
                return answer_once(
                    request,
                    key=key,
                    endpoint="orders",
                    status=201,
                    effect=lambda: (
                        OrderSerializer(
                            write_order(
                                customer=self.customer,
                                merchant=merchant,
                                deal_id=deal_id,
                                quantity=quantity,
                                placement=placement,
                            )
                        ).data
                    ),
                )
        except (Waiting, SoldOut, OverPersonLimit) as error:
            # The order may exist already and only its answer was lost: then that answer comes first.
            kept = kept_answer(request, key=key, endpoint="orders")
            if kept is not None:
                return kept
            if isinstance(error, Waiting):
                return answer_waiting(error)
            raise


class OrderView(CustomerView):
    @extend_schema(operation_id="get_order", responses=OrderDetailSerializer, tags=["orders"])
    def get(self, request: Request, order_id: int) -> Response:
        """One of my orders; once paid, with its coupons."""
        with scopes_disabled():
            order = access_own_order(customer=self.customer, order_id=order_id)
            return Response(OrderDetailSerializer(order).data)


class OrderPaymentView(CustomerView):
    throttle_scope = "orders"

    @extend_schema(
        operation_id="pay_order", request=StartPaymentSerializer, responses=PayUrlSerializer, tags=["orders"]
    )
    def post(self, request: Request, order_id: int) -> Response:
        """Where to pay this order. Asking again gives the same payment, so nothing can be paid twice by it."""
        wish = StartPaymentSerializer(data=request.data, context={"request": request})
        wish.is_valid(raise_exception=True)
        order = access_own_order(customer=self.customer, order_id=order_id)
        own_page = request.build_absolute_uri(reverse("shop_order", args=[order.merchant.slug, order.pk]))
        started = start_payment(order=order, return_url=wish.validated_data.get("return_url", own_page))
        return Response({"pay_url": started.pay_url, "reference": started.payment.reference})


class OrderCancellationView(CustomerView):
    throttle_scope = "orders"

    @extend_schema(
        operation_id="cancel_order", request=None, responses=OrderDetailSerializer, tags=["orders"]
    )
    def post(self, request: Request, order_id: int) -> Response:
        """Cancel an unpaid order; its pieces can be bought by others at once."""
        with scopes_disabled():
            order = access_own_order(customer=self.customer, order_id=order_id)
            close_order(
                order_id=order.pk,
                merchant_id=order.merchant_id,
                reason=OrderCloseReason.BUYER,
                by=request.user,
            )
            order = access_own_order(customer=self.customer, order_id=order_id)
            return Response(OrderDetailSerializer(order).data)
