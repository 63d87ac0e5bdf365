"""Life cycles of settlement."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PayeeKind(models.TextChoices):
    """Whom a statement is for, and so which part of its lines is his."""

    MERCHANT = "merchant", _("Merchant")
    PROVIDER = "provider", _("Service provider")
    STATION = "station", _("City station")
    CREATOR = "creator", _("Creator")


class StatementCycle(models.TextChoices):
    """How many days a statement covers."""

    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")


class LineState(models.TextChoices):
    """Worked out, never stored. What is redeemed and not due yet is expected and has no line; from `due` on there is one."""

    DUE = "due", _("Due")
    IN_STATEMENT = "in_statement", _("In a statement")
    PAID = "paid", pgettext_lazy("statement", "Paid")


LINE_TRANSITIONS: dict[LineState, set[LineState]] = {
    LineState.DUE: {LineState.IN_STATEMENT},
    LineState.IN_STATEMENT: {LineState.PAID},
    LineState.PAID: set(),
}


class StatementState(models.TextChoices):
    SEALED = "sealed", _("To be confirmed")
    CONFIRMED = "confirmed", _("Confirmed")
    DISPUTED = "disputed", _("Disputed")
    PAID = "paid", pgettext_lazy("statement", "Paid")


STATEMENT_TRANSITIONS: dict[StatementState, set[StatementState]] = {
    StatementState.SEALED: {StatementState.CONFIRMED, StatementState.DISPUTED},
    StatementState.DISPUTED: {StatementState.CONFIRMED},
    StatementState.CONFIRMED: {StatementState.PAID},
    StatementState.PAID: set(),
}


class ObjectionState(models.TextChoices):
    OPEN = "open", pgettext_lazy("objection", "Waits for an answer")
    UPHELD = "upheld", pgettext_lazy("objection", "Right: will be corrected")
    DECLINED = "declined", pgettext_lazy("objection", "Stays as it is")


OBJECTION_TRANSITIONS: dict[ObjectionState, set[ObjectionState]] = {
    ObjectionState.OPEN: {ObjectionState.UPHELD, ObjectionState.DECLINED},
    ObjectionState.UPHELD: set(),
    ObjectionState.DECLINED: set(),
}


class BillEntryKind(models.TextChoices):
    PAYMENT = "payment", pgettext_lazy("bill", "Payment")
    REFUND = "refund", pgettext_lazy("bill", "Refund")


class BreakKind(models.TextChoices):
    """What does not agree between orders, the payment provider's bill and the ledger."""

    MISSING_IN_BILL = "missing_in_bill", _("Missing in the bill")
    MISSING_IN_BOOKS = "missing_in_books", _("Missing in our books")
    AMOUNT_DIFFERS = "amount_differs", _("Amount differs")
    DUPLICATE_IN_BILL = "duplicate_in_bill", _("Twice in the bill")
    REFUND_DIFFERS = "refund_differs", _("Refund differs")
    DAY_DIFFERS = "day_differs", _("On another day")
    LEDGER_DIFFERS = "ledger_differs", _("Not in the ledger as received")
    ORDER_DIFFERS = "order_differs", _("Order and payments differ")


class BreakCause(models.TextChoices):
    """The likely reason, as far as the rows tell it."""

    LATE_BILL = "late_bill", _("Paid shortly before midnight: probably in the next day's bill")
    NOT_BILLED = "not_billed", _("The provider's bill does not know this payment")
    NOTICE_MISSING = "notice_missing", _("The provider took the money, but its notice never reached us")
    UNKNOWN_REFERENCE = "unknown_reference", _("No payment of ours has this number")
    OTHER_AMOUNT = "other_amount", _("The bill names another amount")
    BILLED_TWICE = "billed_twice", _("The bill lists this payment more than once")
    REFUND_NOT_BILLED = "refund_not_billed", _("We paid back, the bill does not say so")
    REFUND_UNKNOWN = "refund_unknown", _("The bill says paid back, we have no such refund")
    OTHER_REFUND = "other_refund", _("The bill names another refunded amount")
    OTHER_DAY = "other_day", _("The bill lists this payment on another day")
    NOT_BOOKED = "not_booked", _("No entry of the ledger holds it yet")
    OTHER_BOOKING = "other_booking", _("The entry of the ledger has another sum")
    ORDER_SUMS = "order_sums", _("The order counts other sums than its payments and refunds")


class BreakState(models.TextChoices):
    OPEN = "open", pgettext_lazy("break", "Open")
    EXPLAINED = "explained", _("Explained")
    ADJUSTED = "adjusted", _("Adjusted")
    CLEARED = "cleared", _("Gone by itself")


BREAK_TRANSITIONS: dict[BreakState, set[BreakState]] = {
    BreakState.OPEN: {BreakState.EXPLAINED, BreakState.ADJUSTED, BreakState.CLEARED},
    BreakState.EXPLAINED: set(),
    BreakState.ADJUSTED: set(),
    BreakState.CLEARED: set(),
}


class BillRowRefusal(models.TextChoices):
    """Why a row of a bill cannot be taken; one such row and nothing of the file is."""

    RAGGED = "ragged", _("It has more cells than the header has columns")
    REFERENCE_MISSING = "reference_missing", _("The number of the payment is missing")
    REFERENCE_TOO_LONG = "reference_too_long", _("The number of the payment is too long")
    KIND_UNKNOWN = "kind_unknown", _("It is neither a payment nor a refund")
    AMOUNT_INVALID = "amount_invalid", _("The amount is no sum in yuan with two decimals at most")
    AMOUNT_ZERO = "amount_zero", _("The amount is zero")
    TIME_INVALID = "time_invalid", _("The time cannot be read")
    SUMS_DIFFER = "sums_differ", _("Total, paid and refunded do not add up")
    MONEY_WITHOUT_TIME = "money_without_time", _("Money without a time of payment")
    OUTSIDE_DAYS = "outside_days", _("The day is not among the days of the bill")


class FileForm(models.TextChoices):
    """What a statement is downloaded as."""

    XLSX = "xlsx", _("XLSX")
    CSV = "csv", _("CSV")
    BUNDLE = "zip", _("Bundle to check")


class FileState(models.TextChoices):
    """Of a file made in the background; an old one is deleted."""

    MAKING = "making", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


FILE_TRANSITIONS: dict[FileState, set[FileState]] = {
    FileState.MAKING: {FileState.READY, FileState.FAILED},
    FileState.READY: set(),
    FileState.FAILED: {FileState.MAKING},
}


class PayoutBatchState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("payout", "Proposed")
    APPROVED = "approved", pgettext_lazy("payout", "Approved")
    EXPORTED = "exported", pgettext_lazy("payout", "With the bank")
    FINISHED = "finished", pgettext_lazy("payout", "Finished")
    WITHDRAWN = "withdrawn", pgettext_lazy("payout", "Withdrawn")


PAYOUT_BATCH_TRANSITIONS: dict[PayoutBatchState, set[PayoutBatchState]] = {
    PayoutBatchState.PROPOSED: {PayoutBatchState.APPROVED, PayoutBatchState.WITHDRAWN},
    PayoutBatchState.APPROVED: {PayoutBatchState.EXPORTED},
    PayoutBatchState.EXPORTED: {PayoutBatchState.FINISHED},
    PayoutBatchState.FINISHED: set(),
    PayoutBatchState.WITHDRAWN: set(),
}


class PayoutState(models.TextChoices):
    """From `approved` on the amount is put aside in the books; `dropped` and `failed` give the statements back."""

    PROPOSED = "proposed", pgettext_lazy("payout", "Proposed")
    APPROVED = "approved", pgettext_lazy("payout", "Approved")
    SENT = "sent", pgettext_lazy("payout", "With the bank")
    PAID = "paid", pgettext_lazy("statement", "Paid")
    FAILED = "failed", pgettext_lazy("payout", "Came back")
    DROPPED = "dropped", pgettext_lazy("payout", "Not paid")


PAYOUT_TRANSITIONS: dict[PayoutState, set[PayoutState]] = {
    PayoutState.PROPOSED: {PayoutState.APPROVED, PayoutState.DROPPED},
    PayoutState.APPROVED: {PayoutState.SENT},
    PayoutState.SENT: {PayoutState.PAID, PayoutState.FAILED},
    PayoutState.PAID: set(),
    PayoutState.FAILED: set(),
    PayoutState.DROPPED: set(),
}
UNDER_WAY = (PayoutState.PROPOSED, PayoutState.APPROVED, PayoutState.SENT)
HELD = (PayoutState.APPROVED, PayoutState.SENT)


class Withheld(models.TextChoices):
    """Why a payee is not paid now."""

    NO_ACCOUNT = "no_account", _("No bank account is in use")
    NOT_POSITIVE = "not_positive", _("Refunds outweigh what was earned")
    BALANCE = "balance", _("The balance is lower than the statements")
    UNDER_WAY = "under_way", _("Another payout is under way")
    ACCOUNT_CHANGED = "account_changed", _("The bank account was changed meanwhile")
    BATCH_WITHDRAWN = "batch_withdrawn", _("The batch was withdrawn")


class BankFileKind(models.TextChoices):
    XLSX = "xlsx", "XLSX"
    CSV = "csv", "CSV"
