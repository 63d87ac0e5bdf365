"""The QR code of a store's poster, as inline SVG."""

import io

import segno
from django.utils.safestring import SafeString, mark_safe


def poster_qr_svg(url: str) -> SafeString:
    """An SVG element that opens the address, black on white with its quiet zone; the page sizes it by CSS.

    It has no style attributes (the content security policy forbids them). A fifth of it may be dirty (level Q).
    """
    drawing = io.BytesIO()
    segno.make(url, error="q", micro=False).save(
        drawing,
        kind="svg",
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=False,
        nl=False,
        omitsize=True,
    )
    return mark_safe(drawing.getvalue().decode())  # noqa: S308 - segno drew it from the modules
