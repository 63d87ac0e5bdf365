from django.urls import path

from coupons.insights import views

urlpatterns = [
    path("m/<slug:slug>/", views.merchant_home, name="merchant_home"),
]
