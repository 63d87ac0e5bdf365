"""The product's settings without what it does around a view: no session, no locale, no cookies, no headers."""

from config.settings import *  # noqa: F403

# Enough for the models that the domain imports.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "core",
    "identity",
    "ledger",
    "merchants",
    "coupons",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "benchmarks.floor.urls"
WSGI_APPLICATION = "benchmarks.floor.wsgi.application"
