"""Redemption records and coupons, under /m/<slug>/."""

from django.urls import path, re_path

from coupons.views import coupons, recalls, redemptions, refunds

urlpatterns = [
    path("redemptions/", redemptions.redemptions, name="redemptions"),
    re_path(
        r"^redemptions/records\.(?P<kind>csv|xlsx)$",
        redemptions.redemptions_export,
        name="redemptions_export",
    ),
    path("redemptions/<int:redemption_id>/", redemptions.redemption_detail, name="redemption_detail"),
    path("redemptions/<int:redemption_id>/undo/", redemptions.redemption_undo, name="redemption_undo"),
    path("redemptions/<int:redemption_id>/refund/", refunds.redemption_refund, name="redemption_refund"),
    path("refunds/", refunds.refunds, name="refunds"),
    path("refunds/<int:refund_id>/", refunds.refund_detail, name="refund_detail"),
    path("refunds/<int:refund_id>/approve/", refunds.refund_approve, name="refund_approve"),
    path("refunds/<int:refund_id>/reject/", refunds.refund_reject, name="refund_reject"),
    path("refunds/<int:refund_id>/retry/", refunds.refund_retry, name="refund_retry"),
    path("recalls/", recalls.recalls, name="recalls"),
    path("recalls/new/", recalls.recall_new, name="recall_new"),
    path("recalls/<int:recall_id>/", recalls.recall_detail, name="recall_detail"),
    path("coupons/<int:coupon_id>/refund/", coupons.coupon_refund, name="coupon_refund"),
    path("coupons/", coupons.coupons, name="coupons"),
    path("coupons/<int:coupon_id>/", coupons.coupon_detail, name="coupon_detail"),
]
