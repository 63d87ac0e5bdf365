"""Collects what each floor serves; a floor's urls.py carries its own prefixes."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# Operators sign in where everybody does, with the second factor where they set one up.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

core_urls = include("core.urls")  # before all others: it registers <id:...>
# Django tries them from the top: the counter and the API, asked most often, come first.
urlpatterns = [
    path("clerk/", include("coupons.clerk_urls")),
    path("api/", include("config.api")),
    path("", core_urls),
    path("", include("identity.urls")),
    path("", include("merchants.urls")),
    path("", include("coupons.urls")),
    path("", include("coupons.settlement.urls")),
    path("", include("coupons.shop.urls")),
    path("", include("coupons.insights.urls")),
    path("", include("coupons.live.urls")),
    path("", include("providers.urls")),
    path("", include("providers.creators.urls")),
    path("accounts/", include("allauth.urls")),
    path("ops/", admin.site.urls),
]

handler400 = "config.api.bad_request"
handler404 = "config.api.page_not_found"
handler500 = "config.api.server_error"
