"""How deals, orders, coupons and redemptions enter a view.

For staff from the user's grants, and for a clerk from his stores; for customers what is on sale and what is his own.
"""

from functools import cache

from django.conf import settings
from django.db.models import F, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Cast, Extract, Greatest, Now
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import NotFound
from core.postgresql import ModelColumns, prepared_cursor
from coupons.enums import LINK_ENTRANCES, DealState, ValidityKind
from coupons.models import (
    Coupon,
    Deal,
    Order,
    Placement,
    Recall,
    Redemption,
    RedemptionRefusal,
    Refund,
)
from identity.models import Customer
from merchants.access import MerchantAccess
from merchants.enums import StoreState
from merchants.models import Merchant, Store

# Whole seconds until an unpaid order closes, by the database's clock.
SECONDS_LEFT = Greatest(
    Cast(Extract(F("expires_at") - Now(), "epoch"), IntegerField()), Value(0), output_field=IntegerField()
)


def access_deals(*, access: MerchantAccess) -> "QuerySet[Deal]":
    """The merchant's deals, newest first."""
    with scope(merchant=access.merchant.pk):
        return Deal.objects.order_by("-id")


def access_deal(*, access: MerchantAccess, deal_id: int) -> Deal:
    """One deal. Raises NotFound."""
    deal = access_deals(access=access).filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    return deal


def access_link(*, access: MerchantAccess, deal: Deal, placement_id: int) -> Placement:
    """One link of a deal, made by hand; closed ones too. Raises NotFound."""
    with scope(merchant=access.merchant.pk):
        links = Placement.objects.filter(deal=deal, entrance__in=LINK_ENTRANCES, payee__isnull=True)
    link = links.select_related("created_by", "pool").filter(pk=placement_id).first()
    if link is None:
        raise NotFound
    return link


def access_orders(*, access: MerchantAccess) -> "QuerySet[Order]":
    """The merchant's orders, newest first. Raises NotFound for who serves some of its stores: orders are of all."""
    if access.role is None and access.store_ids is not None:
        raise NotFound
    with scope(merchant=access.merchant.pk):
        return Order.objects.order_by("-placed_at", "-id")


def access_order(*, access: MerchantAccess, order_id: int) -> Order:
    """One order. Raises NotFound."""
    order = access_orders(access=access).filter(pk=order_id).first()
    if order is None:
        raise NotFound
    return order


def access_coupons(*, access: MerchantAccess) -> "QuerySet[Coupon]":
    """The merchant's coupons, newest first. Raises NotFound for who serves some of its stores: coupons are of all."""
    if access.role is None and access.store_ids is not None:
        raise NotFound
    with scope(merchant=access.merchant.pk):
        return Coupon.objects.order_by("-id")


def access_coupon(*, access: MerchantAccess, coupon_id: int) -> Coupon:
    """One coupon with its order, deal and customer. Raises NotFound."""
    coupons = access_coupons(access=access).select_related("order", "deal", "customer")
    coupon = coupons.filter(pk=coupon_id).first()
    if coupon is None:
        raise NotFound
    return coupon


def access_redemptions(*, access: MerchantAccess) -> "QuerySet[Redemption]":
    """Redemptions at the stores the user may see, newest first."""
    with scope(merchant=access.merchant.pk):
        redemptions = Redemption.objects.order_by("-redeemed_at", "-id")
    if access.store_ids is not None:
        redemptions = redemptions.filter(store_id__in=access.store_ids)
    return redemptions


def access_redemption(*, access: MerchantAccess, redemption_id: int) -> Redemption:
    """One redemption. Raises NotFound."""
    redemption = access_redemptions(access=access).filter(pk=redemption_id).first()
    if redemption is None:
        raise NotFound
    return redemption


def access_refunds(*, access: MerchantAccess) -> "QuerySet[Refund]":
    """The merchant's refunds; for somebody bound to stores those of uses there."""
    with scope(merchant=access.merchant.pk):
        refunds = Refund.objects.order_by("-id")
    if access.store_ids is not None:
        refunds = refunds.filter(redemption__store_id__in=access.store_ids)
    return refunds


def access_refund(*, access: MerchantAccess, refund_id: int) -> Refund:
    """One refund. Raises NotFound."""
    refund = access_refunds(access=access).filter(pk=refund_id).first()
    if refund is None:
        raise NotFound
    return refund


def access_recalls(*, access: MerchantAccess) -> "QuerySet[Recall]":
    """The merchant's recalls, newest first. Raises NotFound for somebody bound to stores: they concern them all."""
    if access.store_ids is not None:
        raise NotFound
    with scope(merchant=access.merchant.pk):
        return Recall.objects.order_by("-id")


def access_recall(*, access: MerchantAccess, recall_id: int) -> Recall:
    """One recall. Raises NotFound."""
    recall = access_recalls(access=access).filter(pk=recall_id).first()
    if recall is None:
        raise NotFound
    return recall


def access_own_use(*, customer: Customer, use_id: int) -> Redemption:
    """One use of one of his own coupons. Raises NotFound."""
    with scopes_disabled():
        use = (
            Redemption.objects.filter(pk=use_id, coupon__customer=customer).select_related("merchant").first()
        )
    if use is None:
        raise NotFound
    access_own_coupon(customer=customer, coupon_id=use.coupon_id)
    return use


def access_refusals(*, access: MerchantAccess) -> "QuerySet[RedemptionRefusal]":
    """Refused codes at the stores the user may see, newest first."""
    with scope(merchant=access.merchant.pk):
        refusals = RedemptionRefusal.objects.order_by("-at", "-id")
    if access.store_ids is not None:
        refusals = refusals.filter(store_id__in=access.store_ids)
    return refusals


@cache
def _shop_columns() -> ModelColumns[Merchant]:
    return ModelColumns(Merchant, "m")


def access_shop(*, slug: str) -> Merchant:
    """The merchant whose shop anybody may enter; inside a rehearsal shadow shops only, outside none. Raises NotFound.

    Prepared, since every order begins with it: through the ORM it was a fifth of the request (docs/performance.md).
    """
    columns = _shop_columns()
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT {columns.text} FROM merchants_merchant m WHERE m.slug = %s", [slug])
        row = cursor.fetchone()
    merchant = columns.make(row) if row else None
    if merchant is None or merchant.is_shadow != bool(settings.REHEARSAL):
        raise NotFound
    return merchant


def access_shop_stores(*, merchant: Merchant) -> "QuerySet[Store]":
    """The open stores, as shown to anybody."""
    with scope(merchant=merchant.pk):
        return Store.objects.filter(state=StoreState.OPEN).order_by("city", "name", "id")


def access_shop_deals(*, merchant: Merchant) -> "QuerySet[Deal]":
    """What is on sale now, newest first; a sold-out deal stays in the shop, since unpaid pieces come back."""
    with scope(merchant=merchant.pk):
        return (
            Deal.objects.filter(
                Q(sale_from__isnull=True) | Q(sale_from__lte=Now()),
                Q(sale_until__isnull=True) | Q(sale_until__gt=Now()),
                Q(validity_kind=ValidityKind.DAYS)
                | Q(valid_until_date__gte=timezone.localdate(timezone=merchant.tzinfo)),
                state=DealState.ONLINE,
                audience__isnull=True,
            )
            .select_related("merchant", "stock")
            .order_by("-id")
        )


def access_shop_deal(*, deal_id: int) -> Deal:
    """A deal that is or was on sale, of any merchant: old links still say what became of it. Raises NotFound."""
    with scopes_disabled():
        deal = (
            Deal.objects.filter(
                pk=deal_id,
                state__in=[DealState.ONLINE, DealState.PAUSED, DealState.ENDED],
                audience__isnull=True,
            )
            .select_related("merchant", "stock")
            .annotate(now=Now())
            .first()
        )
    if deal is None or deal.merchant.is_shadow != bool(settings.REHEARSAL):
        raise NotFound
    return deal


def access_own_orders(*, customer: Customer) -> "QuerySet[Order]":
    """The customer's own orders, of every merchant, newest first. A rehearsal's processes pay in play money: theirs only."""
    with scopes_disabled():
        return (
            Order.objects.filter(customer=customer, merchant__shadow_of__isnull=not settings.REHEARSAL)
            .select_related("merchant")
            .annotate(seconds_left=SECONDS_LEFT)
            .order_by("-id")
        )


def access_own_order(*, customer: Customer, order_id: int) -> Order:
    """One of his own orders. Raises NotFound."""
    with scopes_disabled():
        order = access_own_orders(customer=customer).filter(pk=order_id).first()
    if order is None:
        raise NotFound
    return order


def access_own_coupons(*, customer: Customer) -> "QuerySet[Coupon]":
    """The customer's own coupons, of every merchant, newest first."""
    with scopes_disabled():
        return (
            Coupon.objects.filter(customer=customer)
            .select_related("merchant", "order")
            .annotate(now=Now())
            .order_by("-id")
        )


def access_own_coupon(*, customer: Customer, coupon_id: int) -> Coupon:
    """One of his own coupons. Raises NotFound."""
    with scopes_disabled():
        coupon = access_own_coupons(customer=customer).filter(pk=coupon_id).first()
    if coupon is None:
        raise NotFound
    return coupon
