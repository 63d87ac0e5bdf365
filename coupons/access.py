"""How deals, orders, coupons and redemptions enter a view: from the user's grants, and for a clerk from his stores."""

from django.db.models import QuerySet
from django_scopes import scope

from core.errors import NotFound
from coupons.models import Coupon, Deal, Order, Redemption, RedemptionRefusal
from merchants.access import MerchantAccess


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


def access_orders(*, access: MerchantAccess) -> "QuerySet[Order]":
    """The merchant's orders, newest first."""
    with scope(merchant=access.merchant.pk):
        return Order.objects.order_by("-placed_at", "-id")


def access_order(*, access: MerchantAccess, order_id: int) -> Order:
    """One order. Raises NotFound."""
    order = access_orders(access=access).filter(pk=order_id).first()
    if order is None:
        raise NotFound
    return order


def access_coupons(*, access: MerchantAccess) -> "QuerySet[Coupon]":
    """The merchant's coupons, newest first."""
    with scope(merchant=access.merchant.pk):
        return Coupon.objects.order_by("-id")


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


def access_refusals(*, access: MerchantAccess) -> "QuerySet[RedemptionRefusal]":
    """Refused codes at the stores the user may see, newest first."""
    with scope(merchant=access.merchant.pk):
        refusals = RedemptionRefusal.objects.order_by("-at", "-id")
    if access.store_ids is not None:
        refusals = refusals.filter(store_id__in=access.store_ids)
    return refusals
