import re

import pytest

from coupons.qr import coupon_qr_svg


def test_the_drawing_is_square_and_needs_no_style():
    svg = coupon_qr_svg("482913057716123")
    # Version 1 (21 modules) with four modules of quiet zone on each side: nothing but the digits is inside.
    assert 'viewBox="0 0 29 29"' in svg
    assert "style=" not in svg
    assert "<script" not in svg
    assert re.search(r"<path[^>]+stroke=\"#000\"", svg)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12345",
        "4829 1305 7716 123",
        "48291305771612a",
        "４８２９１３０５７７１６１２３",
        "4829130577161234",
    ],
)
def test_anything_but_fifteen_digits_is_refused(code):
    with pytest.raises(ValueError, match="15 digits"):
        coupon_qr_svg(code)
