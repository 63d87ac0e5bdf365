"""The shop as anybody sees it: merchant, stores, deals on sale."""

from typing import Any

from django.db.models import QuerySet
from django_scopes import scope
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import IdField
from core.api.pages import NewestFirst
from core.clock import database_now
from coupons.access import access_shop, access_shop_deal, access_shop_deals, access_shop_stores
from coupons.api.moments import MaybeMomentField
from coupons.domain.deal_terms import deal_terms, describe_terms
from coupons.domain.sale import most_per_order, sale_state
from coupons.enums import DealKind, SaleState
from coupons.models import Deal
from merchants.enums import CoordinateSystem


class MerchantSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    zone = serializers.CharField(help_text="IANA name; all rules of the shop hold in it.")


class StoreSerializer(serializers.Serializer[Any]):
    id = IdField()
    name = serializers.CharField()
    province = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    district = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    longitude = serializers.DecimalField(max_digits=9, decimal_places=6, allow_null=True)
    latitude = serializers.DecimalField(max_digits=9, decimal_places=6, allow_null=True)
    coordinate_system = serializers.ChoiceField(choices=CoordinateSystem.choices)
    hours = serializers.DictField(
        child=serializers.ListField(child=serializers.ListField(child=serializers.CharField())),
        help_text='{"mon": [["10:00", "22:00"]], …}, local time; empty: not stated.',
    )


class ItemSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price_fen = serializers.IntegerField()


class GroupSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True)
    choose = serializers.IntegerField(help_text="How many of the items the customer chooses.")
    items = ItemSerializer(many=True)


class DealCardSerializer(serializers.Serializer[Any]):
    """A deal in a list; amounts in fen of the merchant's currency."""

    id = IdField()
    merchant = serializers.CharField(source="merchant.slug")
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=DealKind.choices)
    category = serializers.CharField(allow_blank=True)
    price_fen = serializers.IntegerField()
    list_price_fen = serializers.IntegerField()
    face_value_fen = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField(source="merchant.currency")
    uses_total = serializers.IntegerField()
    sale_state = serializers.SerializerMethodField()
    sale_from = MaybeMomentField()
    sale_until = MaybeMomentField()
    left = serializers.IntegerField(source="stock.left", allow_null=True, help_text="Null: no end.")
    sold = serializers.IntegerField(source="stock.sold")
    per_order_limit = serializers.IntegerField()
    per_person_limit = serializers.IntegerField(allow_null=True)
    most_per_order = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=SaleState.choices))
    def get_sale_state(self, deal: Deal) -> str:
        return sale_state(deal=deal, at=self.context["at"]).value

    def get_most_per_order(self, deal: Deal) -> int:
        return most_per_order(deal=deal)


class DealSerializer(DealCardSerializer):
    """A deal with its content, rules and stores."""

    description = serializers.CharField(allow_blank=True)
    groups = GroupSerializer(many=True, source="terms.groups")
    rules = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences in the reader's language."
    )
    all_stores = serializers.BooleanField()
    stores = StoreSerializer(many=True, source="open_stores")


def describe_deal(deal: Deal) -> Deal:
    """Put content, rules and stores on the deal as the API and the pages show them."""
    terms = deal_terms(deal=deal)
    stores = access_shop_stores(merchant=deal.merchant)
    if not deal.all_stores:
        stores = stores.filter(pk__in=terms["store_ids"])
    deal.terms = terms  # type: ignore[attr-defined]
    deal.rules = describe_terms(terms)  # type: ignore[attr-defined]
    deal.open_stores = list(stores)  # type: ignore[attr-defined]
    return deal


class PublicView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "lookup"


class ShopView(PublicView):
    @extend_schema(operation_id="get_merchant", responses=MerchantSerializer, auth=[], tags=["shop"])
    def get(self, request: Request, slug: str) -> Response:
        """The shop's name, currency and time zone."""
        return Response(MerchantSerializer(access_shop(slug=slug)).data)


class StoresView(PublicView):
    pagination_class = NewestFirst

    @extend_schema(operation_id="list_stores", responses=StoreSerializer(many=True), auth=[], tags=["shop"])
    def get(self, request: Request, slug: str) -> Response:
        """The shop's open stores, newest first."""
        merchant = access_shop(slug=slug)
        with scope(merchant=merchant.pk):
            return page_of(
                request, self, access_shop_stores(merchant=merchant).order_by("-id"), StoreSerializer
            )


class DealsView(PublicView):
    pagination_class = NewestFirst

    @extend_schema(operation_id="list_deals", responses=DealCardSerializer(many=True), auth=[], tags=["shop"])
    def get(self, request: Request, slug: str) -> Response:
        """What the shop has on sale, newest first."""
        merchant = access_shop(slug=slug)
        with scope(merchant=merchant.pk):
            return page_of(request, self, access_shop_deals(merchant=merchant), DealCardSerializer)


class DealView(PublicView):
    @extend_schema(operation_id="get_deal", responses=DealSerializer, auth=[], tags=["shop"])
    def get(self, request: Request, deal_id: int) -> Response:
        """One deal with content, rules and stores; sale_state says whether it can be bought."""
        deal = access_shop_deal(deal_id=deal_id)
        with scope(merchant=deal.merchant_id):
            return Response(DealSerializer(describe_deal(deal), context={"at": deal.now}).data)


def page_of(request: Request, view: APIView, rows: "QuerySet[Any]", serializer: Any) -> Response:
    """One page of a list."""
    paginator = NewestFirst()
    page = paginator.paginate_queryset(rows, request, view=view)
    return paginator.get_paginated_response(serializer(page, many=True, context={"at": database_now()}).data)
