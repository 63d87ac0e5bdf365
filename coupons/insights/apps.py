from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "coupons.insights"
    label = "insights"
    default_auto_field = "core.ids.IdField"
