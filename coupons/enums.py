"""Life cycles of deals, orders, payments, coupons, redemptions and refunds: each a table, shown in docs as the same table."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


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


class SaleState(models.TextChoices):
    """What the shop says about a deal; worked out, never stored."""

    ON_SALE = "on_sale", _("On sale")
    NOT_YET = "not_yet", _("Not on sale yet")
    SOLD_OUT = "sold_out", _("Sold out")
    PAUSED = "paused", _("Not on sale at the moment")
    ENDED = "ended", _("No longer on sale")


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


class Entrance(models.TextChoices):
    """Where a customer came from."""

    SHORT_VIDEO = "short_video", _("Short video")
    RANKING = "ranking", _("Ranking")
    SAME_CITY = "same_city", _("Same city")
    COMMENT = "comment", _("Comments")
    LIVE_CARD = "live_card", _("Live card")


# Entrances a merchant makes links for by hand; a live card belongs to its session.
LINK_ENTRANCES = (Entrance.SHORT_VIDEO, Entrance.RANKING, Entrance.SAME_CITY, Entrance.COMMENT)


class StockPoolKind(models.TextChoices):
    GENERAL = "general", _("All buyers")
    ENTRANCE = "entrance", _("One entrance")
    SESSION = "session", _("One live session")


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
    CouponState.EXPIRED: set(),  # with money to send back it is locked for its refund at once
    CouponState.REFUNDED: set(),
    CouponState.VOIDED: set(),
}


class RefundState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    PAID_OUT = "paid_out", _("Paid back")
    FAILED = "failed", _("Failed, will be tried again")
    REJECTED = "rejected", pgettext_lazy("refund", "Rejected")


REFUND_TRANSITIONS: dict[RefundState, set[RefundState]] = {
    RefundState.REQUESTED: {RefundState.APPROVED, RefundState.REJECTED},
    RefundState.APPROVED: {RefundState.PAID_OUT, RefundState.FAILED},
    RefundState.FAILED: {RefundState.PAID_OUT},
    RefundState.PAID_OUT: set(),
    RefundState.REJECTED: set(),
}


class RefundReason(models.TextChoices):
    """By which rule the money goes back."""

    CUSTOMER = "customer", _("Customer asked before use")
    EXPIRY = "expiry", _("Expired")
    LATE_PAYMENT = "late_payment", _("Paid after the order was closed")
    DOUBLE_PAYMENT = "double_payment", _("Paid twice")
    AFTER_USE = "after_use", _("After use")
    RECALL = "recall", _("Recalled by the merchant")


class RefundCause(models.TextChoices):
    """What was wrong with a use, as the customer or a colleague says."""

    NOT_SERVED = "not_served", _("Not served, though the coupon was used up")
    NOT_AS_DESCRIBED = "not_as_described", _("Not as described")
    QUALITY = "quality", _("Poor quality")
    WRONG_ITEM = "wrong_item", _("Wrong or missing items")
    STORE_CLOSED = "store_closed", _("The store was closed or full")
    OTHER = "other", _("Something else")


class RecallState(models.TextChoices):
    RUNNING = "running", pgettext_lazy("recall", "Running")
    DONE = "done", pgettext_lazy("recall", "Done")


RECALL_TRANSITIONS: dict[RecallState, set[RecallState]] = {
    RecallState.RUNNING: {RecallState.DONE},
    RecallState.DONE: set(),
}


class DealDoubt(models.TextChoices):
    """What an importer doubts about a deal it imports all the same."""

    PRICE_ZERO = "price_zero", _("Price is 0: the deal is given away")
    LIST_PRICE_MISSING = "list_price_missing", _("No list price; the price was put in")
    RATE_DIFFERS = "rate_differs", _("Discount does not follow from the two prices; left out")
    SALE_WINDOW_MISSING = "sale_window_missing", _("No dates of sale")
    SALE_PERIOD_ZERO = "sale_period_zero", _("On sale for less than a day")
    VALIDITY_MISSING = "validity_missing", _("No validity; 90 days after purchase were put in")
    USABLE_DAYS_MISSING = (
        "usable_days_missing",
        _("Not said on which weekdays it is usable; every day was put in"),
    )
    USABLE_DAYS_CONDITIONAL = (
        "usable_days_conditional",
        _("Conditions apply on some days; noted for the customer"),
    )
    HOLIDAYS_EXCLUDED = (
        "holidays_excluded",
        _("Not usable on or before public holidays; noted for the customer"),
    )
    TEXT_SHORTENED = "text_shortened", _("A text was too long and was cut")
    ALREADY_THERE = "already_there", _("Imported before; left as it is")


class DealRowRefusal(models.TextChoices):
    """Why a row of a file becomes no deal."""

    TITLE_MISSING = "title_missing", _("No name")
    PRICE_MISSING = "price_missing", _("No price")
    PRICE_MALFORMED = "price_malformed", _("Price is no amount of money")
    PRICE_ABOVE_LIST = "price_above_list", _("Price is above the list price")
    DATE_MALFORMED = "date_malformed", _("A date cannot be read")
    SALE_WINDOW_REVERSED = "sale_window_reversed", _("Sale ends before it begins")
    VALIDITY_INCOMPLETE = "validity_incomplete", _("Only one end of the validity is given")
    VALIDITY_REVERSED = "validity_reversed", _("Validity ends before it begins")
    DAYS_MALFORMED = "days_malformed", _("Days after purchase are no number from 0 to 3650")
    USABLE_DAY_MALFORMED = "usable_day_malformed", _("A weekday is marked with something else than 0, 1 or 2")
    NO_USABLE_DAY = "no_usable_day", _("Usable on no weekday")
    STOCK_MALFORMED = "stock_malformed", _("Stock is no whole number")
    NUMBER_TOO_LONG = "number_too_long", _("Number longer than 64 characters")
    DUPLICATE_NUMBER = "duplicate_number", _("Number stands in an earlier row")
    DUPLICATE_DEAL = "duplicate_deal", _("Name, prices and dates stand in an earlier row")
    TOO_MANY_CELLS = "too_many_cells", _("More cells than columns; is a quotation mark missing?")
