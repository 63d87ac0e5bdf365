from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LiveConfig(AppConfig):
    name = "coupons.live"
    label = "live"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Live sessions")
