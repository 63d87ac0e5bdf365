"""Filters and tags of every page: money, rates, codes, phones, times, icons, form controls.

Amounts come in as integers of fen and leave as text; nothing here does arithmetic on floats.
"""

import datetime as dt
from functools import cache
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField, BoundWidget
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
SYMBOLS = {"CNY": "¥", "USD": "US$", "EUR": "€", "GBP": "£", "HKD": "HK$"}


@register.filter
def fen(value: int | None, currency: str = "CNY") -> str:
    """-123450 -> "−¥1,234.50"; None -> "—"."""
    if value is None or value == "":
        return NOTHING
    sign = MINUS if int(value) < 0 else ""
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{_yuan(abs(int(value)))}"


@register.filter
def fen_off(value: int | None, currency: str = "CNY") -> str:
    """What is taken off, shown with its sign: 3200 -> "−¥32.00"; 0 -> "¥0.00"."""
    return fen(None if value is None or value == "" else -int(value), currency)


@register.filter
def fen_plain(value: int | None) -> str:
    """-123450 -> "−1,234.50": for columns whose head names the currency."""
    if value is None or value == "":
        return NOTHING
    sign = MINUS if int(value) < 0 else ""
    return f"{sign}{_yuan(abs(int(value)))}"


@register.filter
def fen_short(value: int | None, currency: str = "CNY") -> str:
    """12800 -> "¥128", 12850 -> "¥128.50": the customer's pages drop ".00"."""
    return fen(value, currency).removesuffix(".00")


@register.filter
def fen_input(value: int | None) -> str:
    """123450 -> "1234.50", as typed into a form field."""
    if value is None or value == "":
        return ""
    return fen_plain(value).replace(",", "").replace(MINUS, "-")


@register.simple_tag
def money(value: int | None, currency: str = "CNY") -> SafeString | str:
    """A headline amount: the fen in small type."""
    text = fen(value, currency)
    if "." not in text:
        return text
    yuan, cents = text.rsplit(".", 1)
    return format_html('<span class="tn">{}<small>.{}</small></span>', yuan, cents)


@register.filter
def thousands(value: int | None) -> str:
    """1234567 -> "1,234,567"; None -> "—"."""
    return NOTHING if value is None or value == "" else f"{int(value):,}".replace("-", MINUS)


@register.filter
def bps(value: int | None) -> str:
    """250 -> "2.5%", 10000 -> "100%"; None -> "—"."""
    if value is None or value == "":
        return NOTHING
    sign = MINUS if int(value) < 0 else ""
    whole, rest = divmod(abs(int(value)), 100)
    return f"{sign}{whole}{f'.{rest:02d}'.rstrip('0') if rest else ''}%"


@register.filter
def counted(value: int | None, most: int = 1000) -> str:
    """A number that was counted up to `most` only: 12 -> "12", 1000 -> "999+"."""
    return str(value or 0) if (value or 0) < most else f"{most - 1}+"


@register.filter
def coupon_code(value: str | None) -> str:
    """Groups of four: "482913057716123" -> "4829 1305 7716 123"."""
    text = str(value or "")
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


@register.filter
def coupon_code_masked(value: str | None) -> str:
    """First and last four: "482913057716123" -> "4829 **** 6123"; a short code is hidden whole."""
    text = str(value or "")
    if not text:
        return ""
    return f"{text[:4]} **** {text[-4:]}" if len(text) >= 12 else "****"


@register.filter
def phone_masked(value: Any) -> str:
    """ "+8613812342210" -> "138****2210"; other countries keep their prefix: "+14155552671" -> "+14****2671"."""
    text = str(value or "").replace(" ", "").replace("-", "").removeprefix("+86")
    if not text:
        return ""
    return f"{text[:3]}****{text[-4:]}" if len(text) >= 9 else "****"


@register.filter
def short_time(value: dt.datetime | None) -> str:
    """Today "18:42", this year "11-21 18:42", else "2025-11-21 18:42", in the active time zone."""
    if not value:
        return NOTHING
    zone = timezone.get_current_timezone()
    local, now = value.astimezone(zone), dt.datetime.now(zone)
    if local.date() == now.date():
        return local.strftime("%H:%M")
    if local.year == now.year:
        return local.strftime("%m-%d %H:%M")
    return local.strftime("%Y-%m-%d %H:%M")


@register.filter
def last_minute(value: dt.datetime | None) -> dt.datetime | None:
    """The minute before an end that no longer counts: valid until 00:00 is shown as 23:59 of the day before."""
    return value - dt.timedelta(minutes=1) if value else None


@register.filter
def local_time(value: dt.datetime | None) -> str:
    """ "2026-11-21 18:42:05" in the active time zone, for details where the second matters."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S") if value else NOTHING


@register.filter
def short_date(value: dt.date | None) -> str:
    """This year "11-21", else "2025-11-21"; a moment is taken in the active time zone."""
    if not value:
        return NOTHING
    day = timezone.localtime(value).date() if isinstance(value, dt.datetime) else value
    return day.strftime("%m-%d" if day.year == timezone.localdate().year else "%Y-%m-%d")


@register.filter
def machine_time(value: dt.datetime | None) -> str:
    """ISO 8601 with its zone, for <time datetime>."""
    return timezone.localtime(value).isoformat(timespec="seconds") if value else ""


@register.filter
def clock(value: int | None) -> str:
    """Seconds as "59:12" (or "1:02:03"): the first text of a countdown."""
    seconds = max(0, int(value or 0))
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60:02d}:{rest % 60:02d}"


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A drawing of the sprite static/vendor/icons.svg; it says nothing to a screen reader."""
    return _draw(name, size, static("vendor/icons.svg"))


@cache
def _draw(name: str, size: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="ic{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f" ic-{size}" if size else "",
        sprite,
        name,
    )


@register.filter
def control(field: BoundField, css: str = "") -> SafeString:
    """The field's widget with our classes; Django itself links it to its help and its error."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
        classes = "form-check-input"
    elif isinstance(widget, forms.Select):
        classes = "form-select"
    else:
        classes = "form-control"
    parts = [classes, widget.attrs.get("class", ""), css, "is-invalid" if field.errors else ""]
    return field.as_widget(attrs={"class": " ".join(part for part in parts if part)})


@register.filter
def choice_control(choice: BoundWidget) -> SafeString:
    """One radio button or check box of a group."""
    choice.data["attrs"]["class"] = "form-check-input"
    return choice.tag()


@register.filter
def field_kind(field: BoundField) -> str:
    """ "check", "choices" or "plain": how components/field.html lays the field out."""
    widget = field.field.widget
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    return "check" if isinstance(widget, forms.CheckboxInput) else "plain"


@register.simple_tag
def field_errors(form: forms.BaseForm) -> list[BoundField]:
    """The fields that have something to correct, in the form's order."""
    return [field for field in form if field.errors]


def _yuan(fen_value: int) -> str:
    return f"{fen_value // 100:,}.{fen_value % 100:02d}"
