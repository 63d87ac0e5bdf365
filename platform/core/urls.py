from django.urls import path

from core import health, preferences

urlpatterns = [
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("language/", preferences.choose_language, name="set_language"),
    path("theme/", preferences.choose_theme, name="set_theme"),
]
