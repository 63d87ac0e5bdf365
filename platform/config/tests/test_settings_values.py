"""Settings with nonsense in them stop the start with one sentence that names them."""

import pytest

from config.production import whole_number, yes_or_no


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "１", "1001", " 5", "9" * 40])
def test_a_number_out_of_its_bounds_is_named(text: str) -> None:
    with pytest.raises(
        SystemExit, match=r"^ADMISSION_IN_FLIGHT='.*' is not a whole number from 0 to 1000\.$"
    ):
        whole_number("ADMISSION_IN_FLIGHT", text, least=0, most=1000)


def test_a_number_within_its_bounds_is_taken() -> None:
    assert [whole_number("N", text, least=0, most=1000) for text in ("0", "8", "1000")] == [0, 8, 1000]


@pytest.mark.parametrize("text", ["", "yes", "1", "ja"])
def test_a_switch_is_true_or_false(text: str) -> None:
    with pytest.raises(SystemExit, match="is neither true nor false"):
        yes_or_no("ADMISSION", text)


def test_a_switch_may_be_written_in_capitals() -> None:
    assert (yes_or_no("ADMISSION", "True"), yes_or_no("ADMISSION", "false")) == (True, False)
