"""Whether the rules let a coupon be used at a moment."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo


def is_usable_time(*, terms: dict[str, Any], at: datetime, zone: ZoneInfo) -> bool:
    """Weekday, blackout dates and hours, in the merchant's zone.

    A span that runs past midnight (22:00 to 02:00) belongs to the day it begins on.
    """
    local = at.astimezone(zone)
    clock = f"{local:%H:%M}"
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    if not terms["usable_hours"]:
        return _is_usable_day(terms, today)
    for start, end in terms["usable_hours"]:
        if start < end:
            if start <= clock < end and _is_usable_day(terms, today):
                return True
        elif (clock >= start and _is_usable_day(terms, today)) or (
            clock < end and _is_usable_day(terms, yesterday)
        ):
            return True
    return False


def _is_usable_day(terms: dict[str, Any], day: date) -> bool:
    return day.weekday() in terms["usable_weekdays"] and day.isoformat() not in terms["blackout_dates"]
