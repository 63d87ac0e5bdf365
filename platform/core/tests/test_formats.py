"""What people read: amounts, rates, codes, phones and times, to the character."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django import forms
from django.template import Context, Template

from core.templatetags import tongdao

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1_234_567, "1,234,567"), (-1_000, "\u22121,000"), (None, "\u2014")],
)
def test_counts_read_in_groups_of_three(value: int | None, text: str) -> None:
    assert tongdao.thousands(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "¥0.00"),
        (5, "¥0.05"),
        (123450, "¥1,234.50"),
        (-123450, "\u2212¥1,234.50"),
        (-5, "\u2212¥0.05"),
        (10**15 + 1, "¥10,000,000,000,000.01"),  # a float would have lost the fen
        (None, "\u2014"),
        ("", "\u2014"),
    ],
)
def test_fen_reads_as_yuan(value: int | None, text: str) -> None:
    assert tongdao.fen(value) == text


def test_fen_names_other_currencies() -> None:
    assert tongdao.fen(1250, "USD") == "US$12.50"
    assert tongdao.fen(-1250, "CHF") == "\u2212CHF 12.50"


def test_fen_in_other_places() -> None:
    assert tongdao.fen_plain(-123450) == "\u22121,234.50"
    assert tongdao.fen_short(12800) == "¥128"
    assert tongdao.fen_short(12850) == "¥128.50"
    assert tongdao.fen_input(123450) == "1234.50"
    assert tongdao.fen_input(-5) == "-0.05"
    assert tongdao.money(1248000) == '<span class="tn">¥12,480<small>.00</small></span>'
    assert tongdao.money(None) == "\u2014"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (250, "2.5%"),
        (10000, "100%"),
        (5, "0.05%"),
        (60, "0.6%"),
        (0, "0%"),
        (-310, "\u22123.1%"),
        (None, "\u2014"),
    ],
)
def test_bps_reads_as_percent(value: int | None, text: str) -> None:
    assert tongdao.bps(value) == text


def test_coupon_code_stands_in_groups_of_four() -> None:
    assert tongdao.coupon_code("482913057716123") == "4829 1305 7716 123"
    assert tongdao.coupon_code(None) == ""


def test_masked_coupon_code_shows_the_two_ends() -> None:
    assert tongdao.coupon_code_masked("482913057716123") == "4829 **** 6123"
    assert tongdao.coupon_code_masked("48291305") == "****"
    assert tongdao.coupon_code_masked("") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("+8613812342210", "138****2210"),
        ("138 1234 2210", "138****2210"),
        ("+14155552671", "+14****2671"),
        ("12345", "****"),
        (None, ""),
    ],
)
def test_phone_is_masked(value: str | None, text: str) -> None:
    assert tongdao.phone_masked(value) == text


@time_machine.travel(dt.datetime(2026, 11, 22, 0, 30, tzinfo=SHANGHAI), tick=False)
def test_short_time_says_as_much_as_needed(settings: object) -> None:
    assert tongdao.short_time(dt.datetime(2026, 11, 22, 0, 5, tzinfo=SHANGHAI)) == "00:05"
    # The same day in UTC, yesterday for the reader.
    assert tongdao.short_time(dt.datetime(2026, 11, 21, 15, 59, tzinfo=dt.UTC)) == "11-21 23:59"
    assert tongdao.short_time(dt.datetime(2025, 11, 21, 18, 42, tzinfo=SHANGHAI)) == "2025-11-21 18:42"
    assert tongdao.short_time(None) == "\u2014"
    assert tongdao.local_time(dt.datetime(2026, 11, 21, 15, 59, 7, tzinfo=dt.UTC)) == "2026-11-21 23:59:07"
    assert (
        tongdao.machine_time(dt.datetime(2026, 11, 21, 15, 59, 7, tzinfo=dt.UTC))
        == "2026-11-21T23:59:07+08:00"
    )
    assert tongdao.short_date(dt.date(2026, 11, 21)) == "11-21"
    assert tongdao.short_date(dt.datetime(2025, 12, 31, 16, 0, tzinfo=dt.UTC)) == "01-01"


@pytest.mark.parametrize(
    ("seconds", "text"), [(3540, "59:00"), (3723, "1:02:03"), (-4, "00:00"), (None, "00:00")]
)
def test_countdown_starts_with_the_servers_figure(seconds: int | None, text: str) -> None:
    assert tongdao.clock(seconds) == text


def test_icon_is_drawn_from_the_sprite_and_silent() -> None:
    assert tongdao.icon("home", "sm") == (
        '<svg class="ic ic-sm" aria-hidden="true" focusable="false">'
        '<use href="/static/vendor/icons.svg#home"></use></svg>'
    )


class Shelf(forms.Form):
    name = forms.CharField(label="Name", max_length=5, help_text="As on the sign")
    price = forms.IntegerField(label="Price")


def test_field_ties_its_error_and_help_to_its_control() -> None:
    form = Shelf({"name": "too long", "price": "7"})

    html = Template("{{ form.name.as_field_group }}").render(Context({"form": form}))

    assert 'class="form-control is-invalid"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext">As on the sign<' in html
    assert '<div class="invalid-feedback" id="id_name_error">' in html


def test_form_says_how_much_is_wrong_and_where() -> None:
    html = str(Shelf({"name": "too long", "price": "x"}))

    assert 'role="alert"' in html
    assert '<a href="#id_name">Name</a>' in html
    assert '<a href="#id_price">Price</a>' in html
    assert 'role="alert"' not in str(Shelf({"name": "fits", "price": "7"}))
