"""Where money sits and why it moved."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountKind(models.TextChoices):
    PSP_CLEARING = "psp_clearing", _("Payment provider, clearing")
    CUSTOMER_PREPAID = "customer_prepaid", _("Sold, not yet used")
    MERCHANT_PAYABLE = "merchant_payable", _("Owed to the merchant")
    PLATFORM_FEE = "platform_fee", _("Platform fee")
    SERVICE_FEE = "service_fee", _("Service fee of the provider")
    STATION_SHARE = "station_share", _("Station share")
    COMMISSION = "commission", _("Commission of the creator")
    DIFFERENCES = "differences", _("Differences with payment providers")
    PAYOUT_HELD = "payout_held", _("On its way to the bank")
    BANK = "bank", _("Bank, paid out")


class AccountBound(models.TextChoices):
    """Which side may not exceed the other; held by a database constraint on the balance."""

    NONE = "-", _("none")
    DEBITS = "D", _("debits may not exceed credits")
    CREDITS = "C", _("credits may not exceed debits")


# A liability cannot be paid out twice, a clearing account cannot give what never came in.
ACCOUNT_BOUNDS: dict[AccountKind, AccountBound] = {
    AccountKind.PSP_CLEARING: AccountBound.CREDITS,
    AccountKind.CUSTOMER_PREPAID: AccountBound.DEBITS,
    AccountKind.MERCHANT_PAYABLE: AccountBound.NONE,
    AccountKind.PLATFORM_FEE: AccountBound.NONE,
    AccountKind.SERVICE_FEE: AccountBound.NONE,
    AccountKind.STATION_SHARE: AccountBound.NONE,
    AccountKind.COMMISSION: AccountBound.NONE,
    AccountKind.DIFFERENCES: AccountBound.NONE,
    AccountKind.PAYOUT_HELD: AccountBound.DEBITS,  # no more is paid or given back than was put aside
    AccountKind.BANK: AccountBound.DEBITS,  # counts what left for payees
}


class JournalKind(models.TextChoices):
    PAYMENTS = "payments", _("Payments received")
    SETTLEMENT = "settlement", _("Redemptions settled")
    REFUNDS = "refunds", _("Refunds before use")
    CLAWBACK = "clawback", _("Refunds after use")
    ADJUSTMENT = "adjustment", _("Difference adjusted")
    PAYOUT_HOLD = "payout_hold", _("Payout put aside")
    PAYOUT = "payout", _("Paid out")
    PAYOUT_VOID = "payout_void", _("Payout came back")
