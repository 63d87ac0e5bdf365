from django.conf import settings
from django.urls import path, register_converter
from django.views.generic import RedirectView

from core import health, preferences
from core.paths import IdConverter

# The first of all URL modules to be read: every other one may use <id:...>.
register_converter(IdConverter, "id")

urlpatterns = [
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    # Browsers ask here where a page names no icon of its own.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}img/mark.svg")),
    path("language/", preferences.choose_language, name="set_language"),
    path("theme/", preferences.choose_theme, name="set_theme"),
]
