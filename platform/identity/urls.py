from django.urls import path

from identity import sandbox

urlpatterns = [
    path("sandbox/sign-in/", sandbox.sign_in, name="sandbox_sign_in"),
]
