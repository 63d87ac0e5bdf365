"""/api/v1/: each floor's api_urls, and the schema made from them."""

from django.urls import include, path

urlpatterns = [
    path("", include("coupons.api_urls")),
]
