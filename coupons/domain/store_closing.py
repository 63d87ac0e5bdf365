"""What closing a store down does to coupons that are still valid."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django_scopes import scope

from coupons.enums import CouponState
from coupons.models import Coupon
from merchants.enums import StoreState
from merchants.models import Store


@dataclass(frozen=True)
class CouponsOfStore:
    """Usable coupons that may be redeemed in the store: in no other open store, or elsewhere too."""

    only_here: int
    elsewhere_too: int


def count_coupons_of_store(*, store: Store, at: datetime) -> CouponsOfStore:
    """By the stores frozen into each order; three statements, grouped by the database."""
    here, only_here, elsewhere_too = str(store.pk), 0, 0
    with scope(merchant=store.merchant_id):
        open_elsewhere = {
            str(pk)
            for pk in Store.objects.filter(state=StoreState.OPEN)
            .exclude(pk=store.pk)
            .values_list("pk", flat=True)
        }
        groups = list(
            Coupon.objects.filter(state=CouponState.ISSUED, valid_until__gt=at)
            .values_list("order__terms__all_stores", "order__terms__store_ids")
            .annotate(count=Count("id"))
            .order_by()
        )
    for all_stores, store_ids, count in groups:
        if not all_stores and here not in (store_ids or []):
            continue
        others = open_elsewhere if all_stores else open_elsewhere & set(store_ids)
        if others:
            elsewhere_too += count
        else:
            only_here += count
    return CouponsOfStore(only_here=only_here, elsewhere_too=elsewhere_too)
