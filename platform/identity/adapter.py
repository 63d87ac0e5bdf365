"""django-allauth, told about our user: phone or e-mail and password; staff are invited, nobody signs up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from phonenumber_field.formfields import PhoneNumberField

from identity.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def phone_form_field(self, **kwargs: Any) -> Any:
        return PhoneNumberField(region="CN", **kwargs)

    def clean_phone(self, phone: str) -> str:
        return str(phone)

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        return (str(user.phone), True) if user.phone else None

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        user.phone = phone
        user.save(update_fields=["phone"])

    def set_phone_verified(self, user: User, phone: str) -> None:
        self.set_phone(user, phone, True)

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone, is_active=True).first()

    def send_verification_code_sms(self, user: User, phone: str, code: str, **kwargs: Any) -> None:
        raise ValidationError(
            _("No text-message service is set up; ask the operator to reset your password.")
        )

    def send_unknown_account_sms(self, phone: str, **kwargs: Any) -> None:
        """Say nothing: whether a phone has an account is not told."""
