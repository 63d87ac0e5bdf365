"""What no deal may be, and what a customer must be told before a deal can be sold."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import DomainError
from coupons.domain.deal_draft import DealDraft
from coupons.enums import DealKind, ValidityKind

LONGEST_SEARCH_DAYS = 400
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)  # what calendars everywhere can reckon with


@dataclass(frozen=True)
class Problem:
    """One thing to correct: `field` names the draft's field ("groups.0" a group), `code` is stable."""

    field: str
    code: str
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


class DealInvalid(DomainError):
    """Values that contradict each other; `problems` names each by field and code."""

    code = "deal_invalid"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems=[f"{problem.field}: {problem.code}" for problem in problems])
        self.problems = problems


class DealIncomplete(DealInvalid):
    """A customer could not buy or use this deal as it is."""

    code = "deal_incomplete"


def find_contradictions(draft: DealDraft) -> list[Problem]:
    """What not even a draft may say; the database refuses these too."""
    found: list[Problem] = []
    price, list_price = draft.price_fen or 0, draft.list_price_fen
    if not draft.title.strip():
        found.append(Problem("title", "title_missing"))
    if list_price is not None and list_price < price:
        found.append(Problem("list_price_fen", "list_price_below_price", {"price_fen": price}))
    if not 1 <= draft.per_order_limit <= 10:
        found.append(Problem("per_order_limit", "per_order_limit_out_of_range"))
    if draft.per_person_limit is not None and draft.per_person_limit < 1:
        found.append(Problem("per_person_limit", "per_person_limit_too_small"))
    if draft.uses_total < 1:
        found.append(Problem("uses_total", "uses_too_few"))
    if draft.stock is not None and draft.stock < 0:
        found.append(Problem("stock", "stock_negative"))
    if any(not FIRST_DAY <= day <= LAST_DAY for day in draft.blackout_dates):
        found.append(Problem("blackout_dates", "date_out_of_range"))
    for name in ("valid_from_date", "valid_until_date", "sale_from", "sale_until"):
        value = getattr(draft, name)
        if value and not FIRST_DAY.year <= value.year <= LAST_DAY.year:
            found.append(Problem(name, "date_out_of_range"))
    if draft.sale_from and draft.sale_until and draft.sale_until <= draft.sale_from:
        found.append(Problem("sale_until", "sale_window_reversed"))
    if draft.validity_kind == ValidityKind.FIXED:
        if draft.valid_from_date is None:
            found.append(Problem("valid_from_date", "valid_date_missing"))
        if draft.valid_until_date is None:
            found.append(Problem("valid_until_date", "valid_date_missing"))
        elif draft.valid_from_date and draft.valid_until_date < draft.valid_from_date:
            found.append(Problem("valid_until_date", "valid_dates_reversed"))
    elif draft.valid_days is None or draft.valid_days < 1:
        found.append(Problem("valid_days", "valid_days_missing"))
    if any(day not in range(7) for day in draft.usable_weekdays):
        found.append(Problem("usable_weekdays", "weekday_unknown"))
    for index, group in enumerate(draft.groups):
        if group.choose < 1:
            found.append(Problem(f"groups.{index}", "choose_too_few"))
        if any(not item.name.strip() or item.quantity < 1 or item.unit_price_fen < 0 for item in group.items):
            found.append(Problem(f"groups.{index}", "item_incomplete"))
    return found


def find_gaps(draft: DealDraft, *, open_store_ids: set[int], zone: ZoneInfo, at: datetime) -> list[Problem]:
    """What is missing before a customer can be sold this at `at`; `open_store_ids` are the merchant's open stores."""
    contradictions = find_contradictions(draft)
    if any(problem.code == "date_out_of_range" for problem in contradictions):
        return contradictions  # there is no reckoning with such days
    return [
        *contradictions,
        *_price_gaps(draft),
        *_content_gaps(draft),
        *_store_gaps(draft, open_store_ids),
        *_sale_gaps(draft, zone, at),
        *_usable_gaps(draft, zone, at),
    ]


def _price_gaps(draft: DealDraft) -> list[Problem]:
    found = []
    if not draft.price_fen or draft.price_fen < 1:
        found.append(Problem("price_fen", "price_missing"))
    if draft.list_price_fen is None:
        found.append(Problem("list_price_fen", "list_price_missing"))
    if draft.kind == DealKind.CASH_VOUCHER:
        if not draft.face_value_fen:
            found.append(Problem("face_value_fen", "face_value_missing"))
        elif draft.face_value_fen < (draft.price_fen or 0):
            found.append(Problem("face_value_fen", "face_value_below_price", {"price_fen": draft.price_fen}))
    if draft.kind == DealKind.TIMES_CARD and draft.uses_total < 2:
        found.append(Problem("uses_total", "uses_too_few"))
    if draft.stock is not None and draft.stock < 1:
        found.append(Problem("stock", "stock_missing"))
    return found


def _content_gaps(draft: DealDraft) -> list[Problem]:
    found = []
    if draft.kind == DealKind.PACKAGE and not draft.groups:
        found.append(Problem("groups", "groups_missing"))
    for index, group in enumerate(draft.groups):
        if not group.items:
            found.append(Problem(f"groups.{index}", "group_empty"))
        elif group.choose > len(group.items):
            found.append(Problem(f"groups.{index}", "choose_too_many", {"items": len(group.items)}))
    return found


def _store_gaps(draft: DealDraft, open_store_ids: set[int]) -> list[Problem]:
    if not open_store_ids:
        return [Problem("all_stores" if draft.all_stores else "stores", "no_open_store")]
    if draft.all_stores:
        return []
    if not draft.store_ids:
        return [Problem("stores", "stores_missing")]
    if not open_store_ids & set(draft.store_ids):
        return [Problem("stores", "stores_closed")]
    return []


def _sale_gaps(draft: DealDraft, zone: ZoneInfo, at: datetime) -> list[Problem]:
    found = []
    if draft.sale_until and draft.sale_until <= at:
        found.append(Problem("sale_until", "sale_over"))
    if draft.validity_kind == ValidityKind.FIXED and draft.valid_until_date:
        if draft.valid_until_date < at.astimezone(zone).date():
            found.append(Problem("valid_until_date", "validity_over"))
        last = draft.sale_until.astimezone(zone) - timedelta(microseconds=1) if draft.sale_until else None
        if last and last.date() > draft.valid_until_date:
            found.append(Problem("sale_until", "sale_outlasts_validity"))
    return found


def _usable_gaps(draft: DealDraft, zone: ZoneInfo, at: datetime) -> list[Problem]:
    if not draft.usable_weekdays:
        return [Problem("usable_weekdays", "weekdays_missing")]
    if draft.validity_kind != ValidityKind.FIXED or not (draft.valid_from_date and draft.valid_until_date):
        return []
    found = []
    outside = [
        day for day in draft.blackout_dates if not draft.valid_from_date <= day <= draft.valid_until_date
    ]
    if outside:
        found.append(
            Problem("blackout_dates", "blackout_outside_validity", {"dates": [str(day) for day in outside]})
        )
    first = max(draft.valid_from_date, at.astimezone(zone).date())
    if first <= draft.valid_until_date and not _has_usable_day(draft, first, draft.valid_until_date):
        found.append(Problem("usable_weekdays", "never_usable"))
    return found


def _has_usable_day(draft: DealDraft, first: date, last: date) -> bool:
    closed = set(draft.blackout_dates)
    days = min((last - first).days + 1, LONGEST_SEARCH_DAYS + len(closed))
    return any(
        day.weekday() in draft.usable_weekdays and day not in closed
        for day in (first + timedelta(days=n) for n in range(days))
    )
