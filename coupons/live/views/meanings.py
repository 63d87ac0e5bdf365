"""What every number means, in the words of the pages."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.live.domain.figures import SessionFigures, share_bps


@dataclass(frozen=True)
class Meaning:
    label: str | Promise
    text: str | Promise


MEANINGS: dict[str, Meaning] = {
    "gmv": Meaning(
        pgettext_lazy("live session", "Sold"),
        _("Paid by the session's cards, whatever was refunded later."),
    ),
    "paid": Meaning(_("Paid orders"), _("Orders placed by a card of this session and paid.")),
    "pieces": Meaning(_("Pieces sold"), _("Pieces in the paid orders.")),
    "openings": Meaning(
        _("Card openings"),
        _(
            "How often a deal's card was opened; the same person's second time counts again. Counted on the way: a restart of "
            "the cache may lose some, never an order."
        ),
    ),
    "paid_share": Meaning(_("Paid per opening"), _("Paid orders divided by card openings.")),
    "waiting": Meaning(
        _("Unpaid orders"), _("Orders placed and not paid yet; after 15 minutes their pieces return.")
    ),
    "recent": Meaning(_("Last 5 minutes"), _("What was paid within the last five minutes.")),
    "orders": Meaning(_("Orders placed"), _("All orders by a card of this session, paid or not.")),
    "redeemed": Meaning(
        pgettext_lazy("live session", "Redeemed"), _("Coupons of these orders used at least once in a store.")
    ),
    "redeemed_share": Meaning(_("Redeemed share"), _("Redeemed coupons divided by coupons sold.")),
    "refunded": Meaning(
        pgettext_lazy("live session", "Refunded"), _("Of what was sold, given back to customers so far.")
    ),
    "average": Meaning(_("Average order"), _("Sold divided by paid orders.")),
    "sources": Meaning(
        _("Where buyers came from"),
        _("Paid orders of the session's deals while it was live, by entrance; not only those of the cards."),
    ),
}


@dataclass(frozen=True)
class Step:
    """A step of the funnel; `share_bps` is its part of the step before."""

    meaning: Meaning
    count: int
    share_bps: int | None


def funnel(figures: SessionFigures) -> list[Step]:
    """Card opened, ordered, paid, redeemed: only what we truly know. The last compares coupons with coupons."""
    total = figures.total
    return [
        Step(MEANINGS["openings"], total.openings, None),
        Step(MEANINGS["orders"], total.orders, share_bps(total.orders, total.openings)),
        Step(MEANINGS["paid"], total.paid_orders, share_bps(total.paid_orders, total.orders)),
        Step(MEANINGS["redeemed"], total.redeemed, total.redeemed_bps),
    ]


def curve(figures: SessionFigures, *, symbol: str, zone: Any, name: str) -> dict[str, Any]:
    """What static/js/charts.js draws."""
    return {
        "categories": [f"{point.at.astimezone(zone):%H:%M}" for point in figures.points],
        "unit": "fen",
        "symbol": symbol,
        "series": [{"name": name, "data": [point.fen for point in figures.points], "kind": "bar"}],
    }
