from django.apps import AppConfig


class CouponsConfig(AppConfig):
    name = "coupons"
    label = "coupons"
    default_auto_field = "core.ids.IdField"
