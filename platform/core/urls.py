from django.urls import path

from core import preferences

urlpatterns = [
    path("language/", preferences.choose_language, name="set_language"),
    path("theme/", preferences.choose_theme, name="set_theme"),
]
