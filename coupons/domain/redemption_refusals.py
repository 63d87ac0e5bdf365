"""Why a code cannot be redeemed here and now; each refusal has its own code and is kept as a row."""

from core.errors import DomainError


class RedemptionRefused(DomainError):
    """A code that cannot be redeemed here and now; kept as a RedemptionRefusal row."""


class CouponUnknown(RedemptionRefused):
    code = "coupon_unknown"


class CouponOfOtherMerchant(RedemptionRefused):
    code = "coupon_other_merchant"


class CouponOfOtherStore(RedemptionRefused):
    code = "coupon_wrong_store"


class StoreClosed(RedemptionRefused):
    code = "store_closed"


class CouponNotYetValid(RedemptionRefused):
    code = "coupon_not_yet_valid"


class CouponExpired(RedemptionRefused):
    code = "coupon_expired"


class CouponUnusableDay(RedemptionRefused):
    code = "coupon_unusable_day"


class CouponAlreadyUsed(RedemptionRefused):
    code = "coupon_already_used"


class CouponRefunded(RedemptionRefused):
    code = "coupon_refunded"


class CouponRefundLocked(RedemptionRefused):
    code = "coupon_refund_locked"


class CouponVoided(RedemptionRefused):
    code = "coupon_voided"


class CountTooLarge(RedemptionRefused):
    code = "count_too_large"


class TooManyTries(RedemptionRefused):
    code = "too_many_tries"


class AttemptKeyReused(RedemptionRefused):
    """The attempt's key belongs to a redemption of other coupons."""

    code = "attempt_key_reused"
