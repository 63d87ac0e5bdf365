from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IdentityConfig(AppConfig):
    name = "identity"
    label = "identity"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Who")
