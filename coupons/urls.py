"""Pages of deals, orders, coupons and redemptions (the counter's are in clerk_urls.py)."""

from django.urls import include, path

from coupons.views import store_closing

urlpatterns = [
    path(
        "m/<slug:slug>/stores/<int:store_id>/coupons/",
        store_closing.store_coupons,
        name="store_coupons",
    ),
    path("m/<slug:slug>/deals/", include(("coupons.deal_urls", "coupons"))),
    path("m/<slug:slug>/", include("coupons.record_urls")),
]
