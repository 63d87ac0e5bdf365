from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "ledger"
    label = "ledger"
    default_auto_field = "core.ids.IdField"
    verbose_name = _("Ledger")
