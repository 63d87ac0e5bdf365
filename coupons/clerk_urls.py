from django.urls import path

from coupons.views import clerk

urlpatterns = [
    path("", clerk.home, name="clerk"),
    path("store/", clerk.choose_store, name="clerk_store"),
    path("check/", clerk.check, name="clerk_check"),
    path("redeem/", clerk.redeem, name="clerk_redeem"),
    path("undo/", clerk.undo, name="clerk_undo"),
    path("today/", clerk.today, name="clerk_today"),
]
