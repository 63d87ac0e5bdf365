from ledger.models.account import Balance, LedgerAccount
from ledger.models.journal import Journal, Transfer

__all__ = ["Balance", "Journal", "LedgerAccount", "Transfer"]
