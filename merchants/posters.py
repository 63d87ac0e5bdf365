"""The QR code of a store's poster, as inline SVG."""

from django.utils.safestring import SafeString

from core.qr import qr_svg


def poster_qr_svg(url: str) -> SafeString:
    """An SVG element that opens the address. A fifth of it may be dirty (level Q)."""
    return qr_svg(url, error="q")
