from coupons.settlement.models.bank_account import BankAccount
from coupons.settlement.models.bill import BillEntry, BillUpload, ProviderBill
from coupons.settlement.models.line import SettlementBatch, SettlementLine
from coupons.settlement.models.objection import Objection
from coupons.settlement.models.payout import Payout, PayoutBatch, PayoutItem, PayoutResults
from coupons.settlement.models.progress import SettlementProgress
from coupons.settlement.models.reconciliation import Break, ReconciliationRun
from coupons.settlement.models.schedule import StatementSchedule
from coupons.settlement.models.statement import Statement
from coupons.settlement.models.statement_file import StatementFile, StatementFilePiece

__all__ = [
    "BankAccount",
    "BillEntry",
    "BillUpload",
    "Break",
    "Objection",
    "Payout",
    "PayoutBatch",
    "PayoutItem",
    "PayoutResults",
    "ProviderBill",
    "ReconciliationRun",
    "SettlementBatch",
    "SettlementLine",
    "SettlementProgress",
    "Statement",
    "StatementFile",
    "StatementFilePiece",
    "StatementSchedule",
]
