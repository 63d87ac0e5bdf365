"""What moves money away wants a second factor that was shown just now, not the one of this morning's sign-in."""

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator

from core.errors import DomainError
from identity.models import User

FRESH = timedelta(minutes=10)


class SecondFactorMissing(DomainError):
    """The account has no second factor at all."""

    code = "second_factor_missing"


class SecondFactorStale(DomainError):
    """It was shown too long ago, or not in this session."""

    code = "second_factor_stale"


def has_second_factor(*, user: User) -> bool:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def check_second_factor(*, user: User, shown_at: datetime | None, at: datetime) -> datetime:
    """When the user showed his second factor, which was within FRESH before `at`. Raises SecondFactorMissing, SecondFactorStale."""
    if not has_second_factor(user=user):
        raise SecondFactorMissing
    if shown_at is None or not at - FRESH <= shown_at <= at + timedelta(minutes=1):
        raise SecondFactorStale
    return shown_at
