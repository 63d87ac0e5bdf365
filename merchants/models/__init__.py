from merchants.models.membership import Membership, StaffInvitation
from merchants.models.merchant import Merchant
from merchants.models.store import Store

__all__ = ["Membership", "Merchant", "StaffInvitation", "Store"]
