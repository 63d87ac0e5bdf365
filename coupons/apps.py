from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CouponsConfig(AppConfig):
    name = "coupons"
    label = "coupons"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Trade")
