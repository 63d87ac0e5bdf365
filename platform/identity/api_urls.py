from django.urls import path

from identity.api import sign_in

urlpatterns = [
    path("customers/sign-in/", sign_in.CustomerSignIn.as_view(), name="api_customer_sign_in"),
    path("staff/sign-in/", sign_in.StaffSignIn.as_view(), name="api_staff_sign_in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="api_sign_out"),
]
