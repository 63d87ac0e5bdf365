from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "coupons.shop"
    label = "shop"
