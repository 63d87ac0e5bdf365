"""The rules of a deal as frozen into an order: later edits of the deal never reach back."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.words import list_words
from coupons.domain.offered_deal import OfferedDeal
from coupons.enums import ValidityKind
from coupons.models import Deal, DealItem

EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]


def deal_terms(*, deal: Deal | OfferedDeal) -> dict[str, Any]:
    """The JSON snapshot of a deal: of a fetched OfferedDeal at no cost, of a Deal for a query each for items and stores."""
    if isinstance(deal, Deal):
        items: list[list[Any]] = [
            [item.group_id, item.group.name, item.group.choose, item.name, item.quantity, item.unit_price_fen]
            for item in DealItem.objects.filter(group__deal_id=deal.pk)
            .select_related("group")
            .order_by("group__position", "group_id", "position", "id")
        ]
        store_ids = [] if deal.all_stores else list(deal.stores.order_by("id").values_list("id", flat=True))
    else:
        items, store_ids = deal.items, deal.store_ids
    groups: dict[int, dict[str, Any]] = {}
    for group_id, group_name, choose, name, quantity, unit_price_fen in items:
        group = groups.setdefault(group_id, {"name": group_name, "choose": choose, "items": []})
        group["items"].append({"name": name, "quantity": quantity, "unit_price_fen": unit_price_fen})
    return {
        "title": deal.title,
        "kind": deal.kind,
        "description": deal.description,
        "list_price_fen": deal.list_price_fen,
        "face_value_fen": deal.face_value_fen,
        "uses_total": deal.uses_total,
        "validity_kind": deal.validity_kind,
        "valid_from_date": deal.valid_from_date.isoformat() if deal.valid_from_date else None,
        "valid_until_date": deal.valid_until_date.isoformat() if deal.valid_until_date else None,
        "valid_days": deal.valid_days,
        "usable_weekdays": sorted(deal.usable_weekdays),
        "usable_hours": deal.usable_hours,
        "blackout_dates": [day.isoformat() for day in sorted(deal.blackout_dates)],
        "all_stores": deal.all_stores,
        "store_ids": [str(store_id) for store_id in store_ids],
        "refundable_before_use": deal.refundable_before_use,
        "refund_on_expiry": deal.refund_on_expiry,
        "groups": list(groups.values()),
    }


def validity(*, terms: dict[str, Any], paid_at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a coupon paid at this moment is valid: [from, until), whole local days."""
    if terms["validity_kind"] == ValidityKind.FIXED:
        first = date.fromisoformat(terms["valid_from_date"])
        last = date.fromisoformat(terms["valid_until_date"])
        return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    first = paid_at.astimezone(zone).date()  # from its midnight: the provider's clock may be ahead of ours
    return _midnight(first, zone), _midnight(first + timedelta(days=terms["valid_days"] + 1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


def describe_terms(terms: dict[str, Any]) -> list[str]:
    """The rules as short sentences in the active language, for customers and clerks."""
    sentences = [_describe_validity(terms), describe_usable_times(terms)]
    if terms["blackout_dates"]:
        sentences.append(_("Not on %(days)s") % {"days": list_words(terms["blackout_dates"])})
    if terms["uses_total"] > 1:
        sentences.append(
            ngettext("%(count)s use", "%(count)s uses", terms["uses_total"]) % {"count": terms["uses_total"]}
        )
    sentences.append(
        _("Refund any time before use") if terms["refundable_before_use"] else _("No refund after purchase")
    )
    if terms["refund_on_expiry"]:
        sentences.append(_("Refunded by itself when expired"))
    return sentences


def _describe_validity(terms: dict[str, Any]) -> str:
    if terms["validity_kind"] == ValidityKind.FIXED:
        return _("Valid from %(first)s to %(last)s") % {
            "first": terms["valid_from_date"],
            "last": terms["valid_until_date"],
        }
    return ngettext(
        "Valid for %(count)s day after purchase",
        "Valid for %(count)s days after purchase",
        terms["valid_days"],
    ) % {"count": terms["valid_days"]}


def describe_usable_times(terms: dict[str, Any]) -> str:
    """On which weekdays and at which hours, as one sentence."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    weekdays = terms["usable_weekdays"]
    days = _("Every day") if weekdays == EVERY_DAY else list_words(names[day] for day in weekdays)
    hours = list_words(f"{start}–{end}" for start, end in terms["usable_hours"]) or _("all day")
    return _("%(days)s, %(hours)s") % {"days": days, "hours": hours}
