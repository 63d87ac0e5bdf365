"""The sentence for each problem of a deal, by its stable code; placeholders are the problem's facts."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.templatetags.tongdao import fen
from core.words import list_words
from coupons.domain.deal_checks import Problem

SENTENCES: dict[str, str | Promise] = {
    "title_missing": _("Give the deal a name."),
    "price_missing": _("Say the price."),
    "list_price_missing": _("Say the list price."),
    "list_price_below_price": _("The list price must not be below the price of %(price_fen)s."),
    "face_value_missing": _("Say what the voucher takes off the bill."),
    "face_value_below_price": _("The face value must not be below the price of %(price_fen)s."),
    "uses_too_few": _("A times card has at least 2 uses."),
    "stock_missing": _("Put at least 1 into stock, or leave it empty for no end."),
    "stock_negative": _("Stock cannot be below 0."),
    "groups_missing": _("Say what is in the package: add a group with its items."),
    "group_empty": _("This group has no item."),
    "choose_too_few": _("At least 1 item is chosen."),
    "choose_too_many": _("The group has only %(items)s items to choose from."),
    "item_incomplete": _("Each item needs a name, and a quantity of at least 1."),
    "per_order_limit_out_of_range": _("Between 1 and 10 per order."),
    "per_person_limit_too_small": _("At least 1 per person, or leave it empty for no limit."),
    "date_out_of_range": _("Choose a day between the years 2000 and 2099."),
    "sale_window_reversed": _("The sale must end after it begins."),
    "sale_over": _("The end of the sale has passed."),
    "sale_outlasts_validity": _("The sale must end by the last day the coupon is valid."),
    "valid_date_missing": _("Say the date."),
    "valid_dates_reversed": _("The last day must not be before the first."),
    "valid_days_missing": _("Say for how many days after purchase it is valid."),
    "validity_over": _("The last day it is valid has passed."),
    "weekdays_missing": _("Choose at least one weekday."),
    "weekday_unknown": _("Choose weekdays from the list."),
    "blackout_outside_validity": _("These days are outside the validity: %(dates)s."),
    "never_usable": _("No day is left on which the coupon could be used."),
    "stores_missing": _("Choose at least one store."),
    "stores_closed": _("All chosen stores are closed down."),
    "no_open_store": _("Your shop has no open store yet; add one first."),
}


def describe_problem(problem: Problem) -> str:
    facts = {name: _show(name, value) for name, value in problem.facts.items()}
    return str(SENTENCES[problem.code]) % facts


def _show(name: str, value: object) -> str:
    if name.endswith("_fen") and isinstance(value, int):
        return fen(value)
    return list_words(value) if isinstance(value, list) else str(value)
