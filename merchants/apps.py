from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    name = "merchants"
    label = "merchants"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Merchants")
