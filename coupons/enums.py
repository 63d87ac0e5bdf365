"""Life cycles of deals, orders, payments, coupons, redemptions and refunds: each a table, shown in docs as the same table."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DealKind(models.TextChoices):
    PACKAGE = "package", _("Group-buy package")
    CASH_VOUCHER = "cash_voucher", _("Cash voucher")
    TIMES_CARD = "times_card", _("Times card")


class DealState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    REJECTED = "rejected", _("Rejected")
    ONLINE = "online", _("On sale")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


DEAL_TRANSITIONS: dict[DealState, set[DealState]] = {
    DealState.DRAFT: {DealState.IN_REVIEW},
    DealState.IN_REVIEW: {DealState.ONLINE, DealState.REJECTED, DealState.DRAFT},
    DealState.REJECTED: {DealState.DRAFT},
    DealState.ONLINE: {DealState.PAUSED, DealState.ENDED},
    DealState.PAUSED: {DealState.ONLINE, DealState.ENDED},
    DealState.ENDED: set(),
}


class ValidityKind(models.TextChoices):
    FIXED = "fixed", _("Fixed dates")
    DAYS = "days", _("Days after purchase")


class OrderState(models.TextChoices):
    CREATED = "created", _("To be paid")
    PAID = "paid", _("Paid")
    COMPLETED = "completed", _("Completed")
    CLOSED = "closed", _("Closed")


ORDER_TRANSITIONS: dict[OrderState, set[OrderState]] = {
    OrderState.CREATED: {OrderState.PAID, OrderState.CLOSED},
    OrderState.PAID: {OrderState.COMPLETED},
    OrderState.COMPLETED: set(),
    OrderState.CLOSED: set(),
}


class OrderCloseReason(models.TextChoices):
    TIMEOUT = "timeout", _("Not paid in time")
    BUYER = "buyer", _("Cancelled by the customer")


class OrderSource(models.TextChoices):
    SHOP = "shop", _("Shop")
    ISSUED = "issued", _("Issued by the merchant")


class PaymentState(models.TextChoices):
    CREATED = "created", _("Waiting")
    SUCCEEDED = "succeeded", _("Received")
    FAILED = "failed", _("Failed")


PAYMENT_TRANSITIONS: dict[PaymentState, set[PaymentState]] = {
    PaymentState.CREATED: {PaymentState.SUCCEEDED, PaymentState.FAILED},
    PaymentState.FAILED: {PaymentState.SUCCEEDED},  # a late success after a failure is money all the same
    PaymentState.SUCCEEDED: set(),
}


class CouponState(models.TextChoices):
    ISSUED = "issued", _("Usable")
    REDEEMED = "redeemed", _("Used")
    REFUND_LOCKED = "refund_locked", _("Being refunded")
    REFUNDED = "refunded", _("Refunded")
    EXPIRED = "expired", _("Expired")
    VOIDED = "voided", _("Voided")


COUPON_TRANSITIONS: dict[CouponState, set[CouponState]] = {
    CouponState.ISSUED: {
        CouponState.REDEEMED,
        CouponState.REFUND_LOCKED,
        CouponState.EXPIRED,
        CouponState.VOIDED,
    },
    CouponState.REDEEMED: {CouponState.ISSUED},  # a reversal gives the use back
    CouponState.REFUND_LOCKED: {CouponState.REFUNDED, CouponState.ISSUED},
    CouponState.EXPIRED: {CouponState.REFUND_LOCKED},
    CouponState.REFUNDED: set(),
    CouponState.VOIDED: set(),
}


class RefundState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    PAID_OUT = "paid_out", _("Paid back")
    FAILED = "failed", _("Failed, will be tried again")


REFUND_TRANSITIONS: dict[RefundState, set[RefundState]] = {
    RefundState.REQUESTED: {RefundState.APPROVED},
    RefundState.APPROVED: {RefundState.PAID_OUT, RefundState.FAILED},
    RefundState.FAILED: {RefundState.PAID_OUT},
    RefundState.PAID_OUT: set(),
}


class RefundReason(models.TextChoices):
    CUSTOMER = "customer", _("Customer asked before use")
    LATE_PAYMENT = "late_payment", _("Paid after the order was closed")
    DOUBLE_PAYMENT = "double_payment", _("Paid twice")


class ShareKind(models.TextChoices):
    PLATFORM_FEE = "platform_fee", _("Platform fee")
    SERVICE_FEE = "service_fee", _("Service fee")
    STATION_SHARE = "station_share", _("Station share")
    COMMISSION = "commission", _("Commission")
