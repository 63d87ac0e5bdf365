"""What every page needs to know about its reader: theme and language."""

from django.http import HttpRequest
from django.utils.translation import get_language

THEMES = ("system", "light", "dark")
# Django's names of languages as the html lang attribute wants them.
HTML_LANG = {"zh-hans": "zh-Hans"}


def reader(request: HttpRequest) -> dict[str, str]:
    """`theme` is what the reader chose (system when nothing), `html_lang` the page's language."""
    theme = request.COOKIES.get("theme", "system")
    code = get_language() or "en"
    return {"theme": theme if theme in THEMES else "system", "html_lang": HTML_LANG.get(code, code)}
