"""The counter by token: look at a coupon, redeem it, undo; for tills and staff apps."""

from typing import Any

from django_scopes import scope
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import IdField, WholeNumber, show_moment
from core.api.idempotency import IDEMPOTENCY_KEY, read_key
from core.api.throttles import LocalThrottle
from core.errors import NotFound
from coupons.access import access_redemption
from coupons.domain.deal_terms import describe_terms
from coupons.domain.redemption import check_coupon, redeem_coupons
from coupons.domain.reversal import reverse_redemptions
from identity.api.authentication import read_digest
from merchants.access import COUNTER_ROLES, MerchantAccess, access_merchant, access_store
from merchants.counter_access import AtCounter, find_by_token


class CheckSerializer(serializers.Serializer[Any]):
    merchant = serializers.SlugField(max_length=60)
    store_id = IdField()
    code = serializers.CharField(max_length=64, help_text="As typed or scanned; spaces do not matter.")
    device = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")


class CheckedSerializer(serializers.Serializer[Any]):
    coupon_id = serializers.CharField()
    code = serializers.CharField()
    deal_title = serializers.CharField()
    rules = serializers.ListField(child=serializers.CharField())
    price_fen = serializers.IntegerField(help_text="Of the next use.")
    list_price_fen = serializers.IntegerField()
    customer_tail = serializers.CharField(allow_blank=True)
    bought_at = serializers.DateTimeField()
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()
    uses_left = serializers.IntegerField()
    uses_total = serializers.IntegerField()
    usable_count = serializers.IntegerField(help_text="Uses that can be redeemed now, over the whole order.")


class RedeemSerializer(CheckSerializer):
    count = WholeNumber(min_value=1, max_value=1000, required=False, default=1)


class UseSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    code = serializers.CharField()
    use_no = serializers.IntegerField()
    gross_fen = serializers.IntegerField()


class ReceiptSerializer(serializers.Serializer[Any]):
    redemptions = UseSerializer(many=True)
    deal_title = serializers.CharField()
    store_name = serializers.CharField()
    gross_fen = serializers.IntegerField()
    redeemed_at = serializers.DateTimeField()
    undo_until = serializers.DateTimeField()
    replayed = serializers.BooleanField(
        help_text="This was the answer to an earlier request under the same key."
    )


class ReversalSerializer(serializers.Serializer[Any]):
    merchant = serializers.SlugField(max_length=60)
    redemption_ids = serializers.ListField(child=IdField(), min_length=1, max_length=100)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ReversedSerializer(serializers.Serializer[Any]):
    reversed = serializers.IntegerField()


class CounterView(APIView):
    throttle_scope = "redeem"
    throttle_classes = (LocalThrottle,)  # guessing codes is slowed down by the domain, in PostgreSQL

    def enter(self, request: Request, slug: str) -> MerchantAccess:
        """The shop, where the token's user may stand at its counter; refusals show its local time."""
        access = access_merchant(user=request.user, slug=slug, roles=COUNTER_ROLES)
        self.zone = access.merchant.tzinfo
        return access


class CheckView(CounterView):
    @extend_schema(
        operation_id="check_coupon", request=CheckSerializer, responses=CheckedSerializer, tags=["counter"]
    )
    def post(self, request: Request) -> Response:
        """Look at a coupon without using it: what it is, and how many uses are left."""
        wish = CheckSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        data = wish.validated_data
        access = self.enter(request, data["merchant"])
        checked = check_coupon(
            merchant=access.merchant,
            store=access_store(access=access, store_id=data["store_id"]),
            code=data["code"],
            clerk=access.user,
            device=data["device"],
        )
        return Response(
            {
                "coupon_id": str(checked.coupon_id),
                "code": checked.code,
                "deal_title": checked.deal_title,
                "rules": describe_terms(checked.terms),
                "price_fen": checked.price_fen,
                "list_price_fen": checked.list_price_fen,
                "customer_tail": checked.customer_tail,
                "bought_at": show_moment(checked.bought_at, self.zone),
                "valid_from": show_moment(checked.valid_from, self.zone),
                "valid_until": show_moment(checked.valid_until, self.zone),
                "uses_left": checked.uses_left,
                "uses_total": checked.uses_total,
                "usable_count": checked.usable_count,
            }
        )


class RedemptionView(CounterView):
    wish = RedeemSerializer()  # made once: copying its fields for every request is dearer than asking them

    def perform_authentication(self, request: Request) -> None:
        """Who asks and where he may redeem, in one statement (docs/performance/redeem.md).

        That needs the body before anything else; what is wrong with it is said later, where it would be without this.
        Whoever is not found so is asked as everywhere.
        """
        self.counter: AtCounter | None = None
        self.refusal: Exception | None = None
        try:
            self.data = self.wish.run_validation(request.data)
        except exceptions.APIException as refusal:
            self.refusal = refusal
        else:
            digest = read_digest(request)
            if digest:
                place = {"slug": self.data["merchant"], "store_id": self.data["store_id"]}
                self.counter = find_by_token(digest=digest, **place)
        if self.counter is None:
            super().perform_authentication(request)
        else:
            request.user = self.counter.user

    @extend_schema(
        operation_id="redeem_coupons",
        parameters=[IDEMPOTENCY_KEY],
        request=RedeemSerializer,
        responses=ReceiptSerializer,
        tags=["counter"],
    )
    def post(self, request: Request) -> Response:
        """Redeem `count` uses, exactly once per Idempotency-Key: a repeat gets the first receipt."""
        key = read_key(request)
        if self.refusal is not None:
            raise self.refusal
        if self.counter is None or self.counter.place is None:
            raise NotFound
        access, store = self.counter.place
        data = self.data
        self.zone = access.merchant.tzinfo
        receipt = redeem_coupons(
            merchant=access.merchant,
            store=store,
            code=data["code"],
            clerk=access.user,
            attempt_key=key,
            count=data["count"],
            device=data["device"],
        )
        return Response(
            {
                "redemptions": [
                    {"id": str(use.id), "code": use.code, "use_no": use.use_no, "gross_fen": use.gross_fen}
                    for use in receipt.redemptions
                ],
                "deal_title": receipt.deal_title,
                "store_name": receipt.store_name,
                "gross_fen": receipt.gross_fen,
                "redeemed_at": show_moment(receipt.redeemed_at, self.zone),
                "undo_until": show_moment(receipt.undo_until, self.zone),
                "replayed": receipt.replayed,
            }
        )


class ReversalView(CounterView):
    @extend_schema(
        operation_id="reverse_redemptions",
        request=ReversalSerializer,
        responses=ReversedSerializer,
        tags=["counter"],
    )
    def post(self, request: Request) -> Response:
        """Undo redemptions of your stores within the window, all or none."""
        wish = ReversalSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        data = wish.validated_data
        access = self.enter(request, data["merchant"])
        with scope(merchant=access.merchant.pk):
            for redemption_id in data["redemption_ids"]:
                access_redemption(access=access, redemption_id=redemption_id)
        count = reverse_redemptions(
            merchant=access.merchant,
            redemption_ids=data["redemption_ids"],
            by=access.user,
            reason=data["reason"],
        )
        return Response({"reversed": count})
