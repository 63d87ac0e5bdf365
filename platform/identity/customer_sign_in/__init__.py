"""The port to whoever knows the customers: a mini-program's login code in, a person out."""

from identity.customer_sign_in.port import LoginCodeRefused, OutsidePerson, exchange_login_code

__all__ = ["LoginCodeRefused", "OutsidePerson", "exchange_login_code"]
