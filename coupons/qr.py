"""The QR code of a coupon, drawn as inline SVG."""

import re

from django.utils.safestring import SafeString

from core.qr import qr_svg

CODE = re.compile(r"\d{15}", re.ASCII)


def coupon_qr_svg(code: str) -> SafeString:
    """An SVG element that holds the 15 digits and nothing else.

    Digits only: a scanner gun under a Chinese input method garbles letters. Raises ValueError on anything but 15 digits.
    """
    if not CODE.fullmatch(code):
        raise ValueError("a coupon code has 15 digits")
    return qr_svg(code, error="m")
