from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SettlementConfig(AppConfig):
    name = "coupons.settlement"
    label = "settlement"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Settlement")
