"""What an adapter does, and which one answers.

An adapter is a function `exchange(login_code: str) -> OutsidePerson` that raises LoginCodeRefused. The operator chooses
one with CUSTOMER_SIGN_IN: "sandbox", or the dotted path of a function for a real platform.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from core.errors import DomainError, Invalid


class LoginCodeRefused(DomainError):
    """The other side does not know the code, or no longer."""

    code = "login_code_refused"


@dataclass(frozen=True)
class OutsidePerson:
    """Who the other side says it is; `open_id` is stable for one person and one app."""

    open_id: str
    nickname: str = ""
    phone_tail: str = ""


SANDBOX = "sandbox"


def sandbox_is_open() -> bool:
    """The sandbox signs anybody in: it answers only where it was chosen, or while developing."""
    return settings.DEBUG or settings.CUSTOMER_SIGN_IN == SANDBOX


def provider_name() -> str:
    """The chosen adapter's short name, kept with each customer it signed in."""
    return settings.CUSTOMER_SIGN_IN.rsplit(".", 2)[-2] if "." in settings.CUSTOMER_SIGN_IN else SANDBOX


def exchange_login_code(*, provider: str, login_code: str) -> OutsidePerson:
    """Ask the other side who sent this code. Raises LoginCodeRefused, Invalid for a provider that is not set up."""
    return _find(provider)(login_code)


def _find(provider: str) -> Callable[[str], OutsidePerson]:
    if provider == SANDBOX and sandbox_is_open():
        return import_string("identity.customer_sign_in.sandbox.exchange")
    if provider == provider_name() and "." in settings.CUSTOMER_SIGN_IN:
        return import_string(settings.CUSTOMER_SIGN_IN)
    raise Invalid(field="provider")
