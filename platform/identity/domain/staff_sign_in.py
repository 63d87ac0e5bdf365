"""Staff on a till or app: phone and password, where no second factor stands in between."""

from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate

from core.errors import DomainError
from identity.models import User


class SignInRefused(DomainError):
    """Unknown phone, wrong password or a closed account: strangers cannot tell which."""

    code = "sign_in_refused"


class SecondFactorNeeded(DomainError):
    """The account has a second factor, which only the browser's sign-in asks for."""

    code = "second_factor_needed"


def sign_in_staff(*, phone: str, password: str) -> User:
    """The user of this phone (E.164) and password. Raises SignInRefused, SecondFactorNeeded."""
    user = authenticate(None, phone=phone, password=password)
    if not isinstance(user, User):
        raise SignInRefused
    if Authenticator.objects.filter(user=user).exists():
        raise SecondFactorNeeded
    return user
