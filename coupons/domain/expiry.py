"""Coupons expire; where the deal promised it, what is unused goes back to the customer by itself."""

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django_scopes import scopes_disabled

from coupons.domain.refunds import open_expiry_refund
from coupons.enums import CouponState
from coupons.models import Coupon, Redemption


@transaction.atomic
def expire_coupons(*, limit: int = 500) -> int:
    """Expire up to `limit` coupons whose validity is over and open their refunds; the number expired.

    Rows are claimed under the lock that redeeming and refunding take, so a coupon is used, refunded or expired, never two.
    A card with a use that may still be undone waits: undone after its refund, that use's money would belong to nobody.
    """
    with scopes_disabled():
        undoable = Redemption.objects.filter(
            coupon_id=OuterRef("pk"), reversed_at__isnull=True, due_at__gt=Now()
        )
        coupons = list(
            Coupon.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
            .select_related("order")
            .filter(~Exists(undoable), state=CouponState.ISSUED, valid_until__lte=Now())
            .order_by("id")[:limit]
        )
        Coupon.objects.filter(pk__in=[coupon.pk for coupon in coupons], state=CouponState.ISSUED).update(
            state=CouponState.EXPIRED
        )
        for coupon in coupons:
            if coupon.order.terms["refund_on_expiry"]:
                open_expiry_refund(coupon=coupon)
    return len(coupons)
