from merchants.models.import_draft import ImportDraft
from merchants.models.membership import Membership, StaffInvitation
from merchants.models.merchant import Merchant
from merchants.models.store import Store

__all__ = ["ImportDraft", "Membership", "Merchant", "StaffInvitation", "Store"]
