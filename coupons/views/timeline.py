"""What happened to a coupon, from order to refund, in the order in which it happened."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.refusals import describe_code
from core.templatetags.tongdao import fen
from coupons.enums import OrderSource, RefundState
from coupons.models import Coupon, Redemption, RedemptionRefusal, Refund


@dataclass(frozen=True)
class Event:
    """`kind` is a status colour, `what` a short name, `words` the details."""

    at: datetime
    kind: str
    what: str
    words: str = ""


def tell_story(coupon: Coupon, *, currency: str) -> list[Event]:
    """Bought, redeemed, undone, settled, refused, refunded: oldest first. Six statements however much happened."""
    events = _bought(coupon, currency)
    uses = coupon.redemptions.select_related(
        "store", "clerk", "settlement_line__statement", "reversal__by"
    ).order_by("redeemed_at", "attempt_no")
    for use in uses:
        events += _used(use, coupon, currency)
    refusals = RedemptionRefusal.objects.filter(coupon=coupon).select_related("store", "clerk")
    events += [_refused(refusal) for refusal in refusals]
    for refund in Refund.objects.filter(coupon=coupon):
        events += _refunded(refund, currency)
    return sorted(events, key=lambda event: event.at)


def _bought(coupon: Coupon, currency: str) -> list[Event]:
    order = coupon.order
    number = _("order %(number)s") % {"number": order.pk}
    if order.source == OrderSource.ISSUED:
        return [Event(coupon.issued_at, "info", pgettext("event", "Issued"), number)]
    events = [Event(order.placed_at, "idle", pgettext("event", "Ordered"), number)]
    if order.paid_at:
        paid = _("%(amount)s for %(count)s") % {
            "amount": fen(order.paid_fen, currency),
            "count": order.quantity,
        }
        events.append(Event(order.paid_at, "info", _("Paid"), paid))
    return events


def _used(use: Redemption, coupon: Coupon, currency: str) -> list[Event]:
    words = _("%(store)s, by %(clerk)s, %(amount)s") % {
        "store": use.store.name,
        "clerk": use.clerk.name,
        "amount": fen(use.gross_fen, currency),
    }
    what = _("Redeemed")
    if coupon.uses_total > 1:
        what = _("Redeemed, use %(number)s") % {"number": use.use_no}
    events = [Event(use.redeemed_at, "ok", what, words)]
    reversal = getattr(use, "reversal", None)
    if reversal is not None:
        by = _("by %(name)s") % {"name": reversal.by.name}
        if reversal.reason:
            by = _("by %(name)s: %(reason)s") % {"name": reversal.by.name, "reason": reversal.reason}
        events.append(Event(reversal.at, "warn", _("Undone"), by))
    line = getattr(use, "settlement_line", None)
    if line is not None:
        share = _("%(amount)s for you") % {"amount": fen(line.merchant_fen, currency)}
        events.append(Event(line.created_at, "info", _("Settled"), share))
    return events


def _refused(refusal: RedemptionRefusal) -> Event:
    words = _("%(reason)s (%(store)s, %(clerk)s)") % {
        "reason": describe_code(refusal.code, refusal.facts).title,
        "store": refusal.store.name if refusal.store else "—",
        "clerk": refusal.clerk.name,
    }
    return Event(refusal.at, "bad", _("Refused at the counter"), words)


def _refunded(refund: Refund, currency: str) -> list[Event]:
    amount = fen(refund.amount_fen, currency)
    events = [
        Event(refund.requested_at, "warn", _("Refund asked for"), f"{amount} · {refund.get_reason_display()}")
    ]
    if refund.rejected_at:
        events.append(Event(refund.rejected_at, "bad", _("Refund rejected"), refund.decision_reason))
    if refund.paid_out_at:
        events.append(Event(refund.paid_out_at, "idle", _("Refund paid back"), amount))
    elif refund.state == RefundState.FAILED:
        events.append(
            Event(
                refund.approved_at or refund.requested_at,
                "bad",
                _("Refund failed, will be tried again"),
                amount,
            )
        )
    return events
