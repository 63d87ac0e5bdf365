from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "core"
    label = "core"
    default_auto_field = "core.ids.IdField"

    def ready(self) -> None:
        autodiscover_modules("tasks")  # job handlers register on import, in every process
