from coupons.models.audience import Audience, AudienceMember
from coupons.models.coupon import Coupon
from coupons.models.deal import Deal, DealGroup, DealItem, DealPurchase, DealReview, DealStock
from coupons.models.order import Order, OrderShare
from coupons.models.payment import Payment, PaymentNotification, SandboxCharge
from coupons.models.redemption import Redemption, RedemptionRefusal, RedemptionReversal
from coupons.models.refund import Refund

__all__ = [
    "Audience",
    "AudienceMember",
    "Coupon",
    "Deal",
    "DealGroup",
    "DealItem",
    "DealPurchase",
    "DealReview",
    "DealStock",
    "Order",
    "OrderShare",
    "Payment",
    "PaymentNotification",
    "Redemption",
    "RedemptionRefusal",
    "RedemptionReversal",
    "Refund",
    "SandboxCharge",
]
