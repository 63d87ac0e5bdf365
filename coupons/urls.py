from django.urls import include, path

app_name = "coupons"
urlpatterns = [
    path("m/<slug:slug>/deals/", include("coupons.deal_urls")),
]
