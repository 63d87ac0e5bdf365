"""Money as people type it, exact to the fen."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from core.forms import FenField


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("12.80", 1_280), ("12.8", 1_280), ("12", 1_200), ("12.", 1_200), ("0.01", 1), ("0", 0), ("¥12.80", 1_280), ("￥12.80", 1_280),
        ("１２．８０", 1_280), ("1,234.50", 123_450), ("1，234，567.89", 123_456_789), (" 12.80 ", 1_280), ("007", 700),
        ("0.29", 29), ("4.35", 435), ("8.20", 820), ("1001.10", 100_110), ("", None), (None, None), ("  ", None),
    ],
)  # fmt: skip
def test_an_amount_is_read_to_the_fen(typed: str | None, fen: int | None) -> None:
    assert FenField(required=False).clean(typed) == fen


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("12.805", "too_precise"), ("0.001", "too_precise"), ("12.800", "too_precise"), ("-1", "invalid"), ("1e3", "invalid"),
        ("1,23.00", "invalid"), ("12,80", "invalid"), ("12.8.0", "invalid"), (".5", "invalid"), ("十二", "invalid"), ("١٢", "invalid"),
        ("NaN", "invalid"), ("0x10", "invalid"), ("1_000", "invalid"), ("9" * 5_000, "invalid"), ("10000000.01", "max_fen"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_and_never_rounded(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FenField().clean(typed)
    assert refused.value.error_list[0].code == code


def test_bounds_are_fen_and_said_as_money() -> None:
    field = FenField(min_fen=100, max_fen=20_000)

    assert (field.clean("1"), field.clean("200")) == (100, 20_000)
    with translation.override("en"), pytest.raises(ValidationError, match="At least ¥1.00."):
        field.clean("0.99")
    with translation.override("en"), pytest.raises(ValidationError, match="At most ¥200.00."):
        field.clean("200.01")


@pytest.mark.parametrize(
    ("fen", "shown"), [(123_450, "1234.50"), (0, "0.00"), (None, None), ("typed", "typed")]
)
def test_a_stored_amount_is_shown_as_it_is_typed(fen: object, shown: object) -> None:
    assert FenField().prepare_value(fen) == shown
