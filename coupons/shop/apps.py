from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "coupons.shop"
    label = "shop"
    default_auto_field = "core.ids.IdField"
