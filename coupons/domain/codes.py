"""Coupon codes: 14 random digits and a Damm check digit, which catches every single wrong digit and swapped neighbours.

The check digit is for typing errors; what keeps codes unguessable is their randomness, the lookup per merchant and
the lock after wrong tries.
"""

import secrets
import unicodedata

from stdnum import damm


def new_code() -> str:
    """A fresh random code of 15 digits."""
    body = f"{secrets.randbelow(10**14):014d}"
    return body + damm.calc_check_digit(body)


def normalise_code(text: str) -> str:
    """The digits of what was typed or scanned: full-width digits count, anything else between them does not."""
    digits = unicodedata.normalize("NFKC", text)
    return "".join(character for character in digits if character in "0123456789")


def is_code(digits: str) -> bool:
    """Whether these digits can be a code at all."""
    return len(digits) == 15 and bool(damm.is_valid(digits))


def mask_code(digits: str) -> str:
    """What may be shown in lists and kept of a refused code."""
    return f"{digits[:4]} **** {digits[-4:]}" if len(digits) > 8 else "****"
