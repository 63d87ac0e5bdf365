"""What every page needs to know about its reader."""

from django.http import HttpRequest

THEMES = ("system", "light", "dark")


def reader(request: HttpRequest) -> dict[str, str]:
    """`theme`: what the reader chose, "system" when nothing."""
    theme = request.COOKIES.get("theme", "system")
    return {"theme": theme if theme in THEMES else "system"}
