from merchants.models.import_draft import ImportDraft
from merchants.models.membership import Membership, StaffInvitation
from merchants.models.merchant import Merchant
from merchants.models.store import Store
from merchants.models.terms import Terms

__all__ = ["ImportDraft", "Membership", "Merchant", "StaffInvitation", "Store", "Terms"]
