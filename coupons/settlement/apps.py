from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "coupons.settlement"
    label = "settlement"
    default_auto_field = "core.ids.IdField"
