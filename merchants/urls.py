from django.urls import path

from merchants.views import home

urlpatterns = [
    path("", home.home, name="home"),
]
