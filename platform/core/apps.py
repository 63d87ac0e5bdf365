import logging

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "core"
    label = "core"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Works")

    def ready(self) -> None:
        _compile_translations()
        autodiscover_modules("tasks")  # job handlers register on import, in every process


def _compile_translations() -> None:
    """Every process finds the catalogues compiled; on a read-only disk the image must bring them."""
    from core.translations import compile_all

    try:
        compile_all()
    except OSError as error:
        logging.getLogger(__name__).warning("Translations could not be compiled: %s", error)
