"""Pages of deals, orders, coupons and redemptions; the counter at /clerk/."""

from django.urls import include, path

urlpatterns = [
    path("m/<slug:slug>/deals/", include(("coupons.deal_urls", "coupons"))),
    path("clerk/", include("coupons.clerk_urls")),
]
