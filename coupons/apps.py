from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CouponsConfig(AppConfig):
    name = "coupons"
    label = "coupons"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Trade")

    def ready(self) -> None:
        from coupons import checks  # noqa: F401, PLC0415 - registers on import, once the models are there
