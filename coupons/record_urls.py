"""Redemption records and coupons, under /m/<slug>/."""

from django.urls import path, re_path

from coupons.views import coupons, redemptions

urlpatterns = [
    path("redemptions/", redemptions.redemptions, name="redemptions"),
    re_path(
        r"^redemptions/records\.(?P<kind>csv|xlsx)$",
        redemptions.redemptions_export,
        name="redemptions_export",
    ),
    path("redemptions/<int:redemption_id>/", redemptions.redemption_detail, name="redemption_detail"),
    path("redemptions/<int:redemption_id>/undo/", redemptions.redemption_undo, name="redemption_undo"),
    path("coupons/", coupons.coupons, name="coupons"),
    path("coupons/<int:coupon_id>/", coupons.coupon_detail, name="coupon_detail"),
]
