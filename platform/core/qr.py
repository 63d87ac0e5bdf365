"""QR codes as inline SVG."""

import io

import segno
from django.utils.safestring import SafeString, mark_safe


def qr_svg(content: str, *, error: str) -> SafeString:
    """An SVG element that holds this text, black on white with the quiet zone; the page sizes it by CSS.

    `error` is the level of correction (l, m, q, h). The drawing has no style attributes: the content security policy
    forbids them.
    """
    drawing = io.BytesIO()
    segno.make(content, error=error, micro=False).save(
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
