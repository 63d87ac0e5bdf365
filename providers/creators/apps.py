from django.apps import AppConfig


class CreatorsConfig(AppConfig):
    name = "providers.creators"
    label = "creators"
    default_auto_field = "core.ids.IdField"
