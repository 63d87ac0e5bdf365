"""Customers sign in by a login code, staff by phone and password; both get a token."""

import hashlib
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from phonenumber_field.phonenumber import to_python
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from core.api.fields import IdField, show_moment
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, STAFF_TOKEN_LIFE, give_token
from identity.customer_sign_in import exchange_login_code
from identity.customer_sign_in.port import provider_name
from identity.domain.customers import sign_in_customer
from identity.domain.staff_sign_in import sign_in_staff


class CustomerSignInSerializer(serializers.Serializer[Any]):
    provider = serializers.RegexField("^[a-z0-9_]{1,20}$", required=False)
    login_code = serializers.CharField(max_length=1000)


class CustomerSerializer(serializers.Serializer[Any]):
    id = IdField()
    nickname = serializers.CharField(allow_blank=True)
    phone_tail = serializers.CharField(allow_blank=True)


class CustomerTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    customer = CustomerSerializer()


class CustomerSignIn(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "sign_in"

    @extend_schema(
        operation_id="customer_sign_in",
        request=CustomerSignInSerializer,
        responses=CustomerTokenSerializer,
        auth=[],
        tags=["sign-in"],
    )
    def post(self, request: Request) -> Response:
        """Exchange a mini-program's login code for a token."""
        wish = CustomerSignInSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        provider = wish.validated_data.get("provider") or provider_name()
        person = exchange_login_code(provider=provider, login_code=wish.validated_data["login_code"])
        customer = sign_in_customer(
            provider=provider,
            open_id=person.open_id,
            nickname=person.nickname,
            phone_tail=person.phone_tail,
        )
        token, row = give_token(user=customer.user, life=CUSTOMER_TOKEN_LIFE)
        return Response(
            {
                "token": token,
                "expires_at": show_moment(row.expiry),
                "customer": CustomerSerializer(customer).data,
            }
        )


class PhoneField(serializers.CharField):
    default_error_messages = {"not_a_phone": _("This is not a phone number.")}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        number = to_python(text, region=settings.PHONENUMBER_DEFAULT_REGION)
        if not number or not number.is_valid():
            self.fail("not_a_phone")
        return number.as_e164


class StaffSignInSerializer(serializers.Serializer[Any]):
    phone = PhoneField(max_length=30)
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class PhoneThrottle(SimpleRateThrottle):
    """Tries for one phone, from wherever they come: many addresses guess no faster than one."""

    scope = "staff_sign_in_phone"

    def get_rate(self) -> str | None:
        return settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].get(self.scope)

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        text = request.data.get("phone") if isinstance(request.data, dict) else None
        number = (
            to_python(text[:30], region=settings.PHONENUMBER_DEFAULT_REGION)
            if isinstance(text, str)
            else None
        )
        if not number or not number.is_valid():
            return None
        return f"throttle.{self.scope}.{hashlib.sha256(number.as_e164.encode()).hexdigest()[:32]}"


class StaffTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    name = serializers.CharField()


class StaffSignIn(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "staff_sign_in"

    def get_throttles(self) -> list[Any]:
        return [*super().get_throttles(), PhoneThrottle()]

    @extend_schema(
        operation_id="staff_sign_in",
        request=StaffSignInSerializer,
        responses=StaffTokenSerializer,
        auth=[],
        tags=["sign-in"],
    )
    def post(self, request: Request) -> Response:
        """Sign a clerk's till in. An account with a second factor signs in in the browser instead."""
        wish = StaffSignInSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        user = sign_in_staff(**wish.validated_data)
        token, row = give_token(user=user, life=STAFF_TOKEN_LIFE)
        return Response({"token": token, "expires_at": show_moment(row.expiry), "name": user.name})


class SignOut(APIView):
    throttle_scope = "sign_in"

    @extend_schema(operation_id="sign_out", request=None, responses={204: None}, tags=["sign-in"])
    def post(self, request: Request) -> Response:
        """End this token at once."""
        request.auth.delete()
        return Response(status=204)
