from django.urls import path

from benchmarks.floor import redeem

urlpatterns = [path("redeem/", redeem.redeem)]
