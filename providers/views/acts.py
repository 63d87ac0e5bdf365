"""What a provider's people did in a client's shop, as sentences: who, of which firm, did what to what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core.templatetags.tongdao import fen
from identity.models import AuditEvent, User

SENTENCES: dict[str, str | Promise] = {
    "deal.create": gettext_lazy("%(who)s made the deal “%(title)s”."),
    "deal.save": gettext_lazy("%(who)s changed the draft of “%(title)s”."),
    "deal.stock": gettext_lazy("%(who)s set the stock of “%(title)s” to %(total)s."),
    "deal.change_offer": gettext_lazy("%(who)s changed stock, limit or end of sale of “%(title)s”."),
    "deal.submit": gettext_lazy("%(who)s submitted “%(title)s” for review."),
    "deal.withdraw": gettext_lazy("%(who)s took “%(title)s” back from review."),
    "deal.reopen": gettext_lazy("%(who)s opened the rejected deal “%(title)s” again."),
    "deal.pause": gettext_lazy("%(who)s took “%(title)s” off the shelf."),
    "deal.resume": gettext_lazy("%(who)s put “%(title)s” back on the shelf."),
    "deal.end": gettext_lazy("%(who)s ended “%(title)s”."),
    "deal.entrance_pieces": gettext_lazy(
        "%(who)s set %(pieces)s pieces of “%(title)s” aside for an entrance."
    ),
    "deal.entrance_take_back": gettext_lazy(
        "%(who)s took %(returned)s pieces of “%(title)s” back from an entrance."
    ),
    "deals.import": gettext_lazy("%(who)s imported deals from a file."),
    "placement.create": gettext_lazy("%(who)s made the link “%(label)s” to “%(title)s”."),
    "placement.close": gettext_lazy("%(who)s closed the link “%(label)s” to “%(title)s”."),
    "live_session.plan": gettext_lazy("%(who)s planned the live session “%(title)s”."),
    "live_session.change": gettext_lazy("%(who)s changed the live session “%(title)s”."),
    "live_session.go_live": gettext_lazy("%(who)s started the live session “%(title)s”."),
    "live_session.end": gettext_lazy("%(who)s ended the live session “%(title)s”."),
    "live_session.cancel": gettext_lazy("%(who)s cancelled the live session “%(title)s”."),
    "live_session.add_deal": gettext_lazy("%(who)s put a deal into the live session “%(title)s”."),
    "live_session.remove_deal": gettext_lazy("%(who)s took a deal out of the live session “%(title)s”."),
    "live_session.pieces": gettext_lazy(
        "%(who)s changed the pieces of a deal in the live session “%(title)s”."
    ),
    "rehearsal.ask": gettext_lazy("%(who)s asked for a rehearsal of a live session."),
    "rehearsal.cancel": gettext_lazy("%(who)s cancelled a rehearsal."),
    "refund.requested": gettext_lazy("%(who)s started a refund of %(amount)s."),
    "refund.approved": gettext_lazy("%(who)s agreed to a refund of %(amount)s."),
    "refund.rejected": gettext_lazy("%(who)s rejected a refund of %(amount)s: %(reason)s"),
    "refund.retried": gettext_lazy("%(who)s tried a failed refund of %(amount)s again."),
    "recall.started": gettext_lazy("%(who)s recalled the unused coupons of “%(title)s”."),
    "store.add": gettext_lazy("%(who)s added the store “%(name)s”."),
    "store.edit": gettext_lazy("%(who)s changed the details of a store."),
    "store.close": gettext_lazy("%(who)s closed the store “%(name)s”."),
    "store.reopen": gettext_lazy("%(who)s opened the store “%(name)s” again."),
    "stores.import": gettext_lazy("%(who)s imported stores from a file."),
    "engagement.propose": gettext_lazy("%(who)s made an offer, version %(version)s."),
    "engagement.agree": gettext_lazy("%(who)s agreed to your offer, version %(version)s."),
    "engagement.refused": gettext_lazy("%(who)s refused your offer, version %(version)s."),
    "engagement.withdrawn": gettext_lazy("%(who)s withdrew the offer, version %(version)s."),
    "engagement.end": gettext_lazy("%(who)s ended the engagement."),
    "terms.accept": gettext_lazy("%(who)s agreed to a service fee of %(rate)s."),
    "terms.end": gettext_lazy("%(who)s gave the service fee up."),
    "shop.open": gettext_lazy("%(who)s opened this shop for you."),
    "staff.invite": gettext_lazy("%(who)s invited %(name)s."),
    "staff.invitation_withdraw": gettext_lazy("%(who)s withdrew the invitation of %(name)s."),
    "exclusivity.propose": gettext_lazy("%(who)s asked for an exclusive right."),
    "task.create": gettext_lazy("%(who)s made the creators' task “%(title)s”."),
    "task.open": gettext_lazy("%(who)s published the creators' task “%(title)s”."),
    "task.end": gettext_lazy("%(who)s ended the creators' task “%(title)s”."),
    "task.change": gettext_lazy("%(who)s changed the creators' task “%(title)s”."),
    "task.extend": gettext_lazy("%(who)s gave the creators' task “%(title)s” more time or places."),
    "claim.approve": gettext_lazy("%(who)s approved %(creator)s for “%(task)s”."),
    "claim.decline": gettext_lazy("%(who)s declined %(creator)s for “%(task)s”."),
    "claim.accept": gettext_lazy("%(who)s accepted the work of %(creator)s for “%(task)s”."),
    "claim.return": gettext_lazy("%(who)s returned the work of %(creator)s for “%(task)s”: %(reason)s"),
    "claim.release": gettext_lazy("%(who)s released %(creator)s from “%(task)s”."),
    "statement.file_requested": gettext_lazy("%(who)s had a file of a statement made."),
}
OTHER = gettext_lazy("%(who)s did something that has no words here yet (%(verb)s).")


@dataclass(frozen=True)
class Act:
    at: datetime
    sentence: str


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def tell_acts(events: Sequence[AuditEvent]) -> list[Act]:
    """The sentences, in the order given; `for_party` is loaded, the people are fetched in one statement."""
    names = dict(User.objects.filter(pk__in={one.actor_id for one in events}).values_list("pk", "name"))
    return [
        Act(at=event.at, sentence=tell_act(event, name=names.get(event.actor_id or 0, "—")))
        for event in events
    ]


def tell_act(event: AuditEvent, *, name: str) -> str:
    """One sentence, with both names."""
    firm = event.for_party.name if event.for_party else "—"
    facts = _Facts(event.facts)
    facts["who"] = _("%(name)s (%(firm)s)") % {"name": name, "firm": firm}
    facts["verb"] = event.verb
    facts["amount"] = fen(facts.get("amount_fen"))
    facts["rate"] = f"{facts.get('bps', 0) / 100:g}%"
    if facts.get("total", 0) is None:
        facts["total"] = pgettext_lazy("stock", "without end")
    return str(SENTENCES.get(event.verb, OTHER)) % facts
