from coupons.live.models.note import LiveNote
from coupons.live.models.opening import LiveOpening
from coupons.live.models.rehearsal import Rehearsal
from coupons.live.models.session import LiveSession, LiveSessionDeal

__all__ = ["LiveNote", "LiveOpening", "LiveSession", "LiveSessionDeal", "Rehearsal"]
