from coupons.models.audience import Audience, AudienceMember
from coupons.models.coupon import Coupon
from coupons.models.deal import Deal, DealGroup, DealItem, DealPurchase, DealReview
from coupons.models.order import Order, OrderShare
from coupons.models.payment import Payment, PaymentNotification, SandboxCharge
from coupons.models.placement import Placement
from coupons.models.recall import Recall
from coupons.models.redemption import Redemption, RedemptionRefusal, RedemptionReversal
from coupons.models.refund import Refund
from coupons.models.stock import DealStock, StockPool, StockSlot

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
    "Placement",
    "Recall",
    "Redemption",
    "RedemptionRefusal",
    "RedemptionReversal",
    "Refund",
    "SandboxCharge",
    "StockPool",
    "StockSlot",
]
