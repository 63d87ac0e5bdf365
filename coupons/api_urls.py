from django.urls import path
from django.views.decorators.http import conditional_page

from coupons.api import counter, coupons, orders, payments, refunds, shop, waiting

urlpatterns = [
    path("redemption/", counter.RedemptionView.as_view(), name="api_redemption"),
    path("redemption/check/", counter.CheckView.as_view(), name="api_check"),
    path("redemption/reversal/", counter.ReversalView.as_view(), name="api_reversal"),
    path("merchants/<slug:slug>/", conditional_page(shop.ShopView.as_view()), name="api_merchant"),
    path("merchants/<slug:slug>/stores/", conditional_page(shop.StoresView.as_view()), name="api_stores"),
    path("merchants/<slug:slug>/deals/", conditional_page(shop.DealsView.as_view()), name="api_deals"),
    path("deals/<id:deal_id>/", conditional_page(shop.DealView.as_view()), name="api_deal"),
    path("orders/", orders.OrdersView.as_view(), name="api_orders"),
    path("orders/<id:order_id>/", orders.OrderView.as_view(), name="api_order"),
    path("orders/<id:order_id>/payment/", orders.OrderPaymentView.as_view(), name="api_order_payment"),
    path(
        "orders/<id:order_id>/cancellation/",
        orders.OrderCancellationView.as_view(),
        name="api_order_cancellation",
    ),
    path("waiting/<str:ticket>/", waiting.WaitingView.as_view(), name="api_waiting"),
    path("coupons/", coupons.CouponsView.as_view(), name="api_coupons"),
    path("coupons/<id:coupon_id>/", coupons.CouponView.as_view(), name="api_coupon"),
    path("coupons/<id:coupon_id>/refund/", coupons.CouponRefundView.as_view(), name="api_coupon_refund"),
    path("uses/<id:use_id>/refund/", refunds.UseRefundView.as_view(), name="api_use_refund"),
    path("merchants/<slug:slug>/refunds/", refunds.MerchantRefundsView.as_view(), name="api_refunds"),
    path(
        "merchants/<slug:slug>/refunds/<id:refund_id>/",
        refunds.MerchantRefundView.as_view(),
        name="api_refund",
    ),
    path(
        "merchants/<slug:slug>/refunds/<id:refund_id>/decision/",
        refunds.RefundDecisionView.as_view(),
        name="api_refund_decision",
    ),
    path(
        "merchants/<slug:slug>/redemptions/<id:redemption_id>/refund/",
        refunds.RedemptionRefundView.as_view(),
        name="api_redemption_refund",
    ),
    path(
        "payments/<slug:provider>/notifications/",
        payments.NotificationView.as_view(),
        name="api_payment_notifications",
    ),
]
