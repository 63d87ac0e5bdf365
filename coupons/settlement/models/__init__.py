from coupons.settlement.models.line import SettlementBatch, SettlementLine
from coupons.settlement.models.progress import SettlementProgress
from coupons.settlement.models.statement import Statement

__all__ = ["SettlementBatch", "SettlementLine", "SettlementProgress", "Statement"]
