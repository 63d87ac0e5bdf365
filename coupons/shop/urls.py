from django.urls import path

from coupons.shop import sandbox, views

urlpatterns = [
    path("h5/<slug:slug>/", views.home, name="shop_home"),
    path("h5/<slug:slug>/deals/<id:deal_id>/", views.deal, name="shop_deal"),
    path("h5/<slug:slug>/orders/", views.orders, name="shop_orders"),
    path("h5/<slug:slug>/orders/<id:order_id>/", views.order, name="shop_order"),
    path("h5/<slug:slug>/coupons/", views.coupons, name="shop_coupons"),
    path("h5/<slug:slug>/coupons/<id:coupon_id>/", views.coupon, name="shop_coupon"),
    path("h5/<slug:slug>/waiting/<str:ticket>/", views.waiting, name="shop_waiting"),
    path("h5/<slug:slug>/waiting/<str:ticket>/leave/", views.leave_waiting, name="shop_waiting_leave"),
    path("sandbox/pay/<slug:reference>/", sandbox.pay, name="sandbox_pay"),
]
