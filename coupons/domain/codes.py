"""Coupon codes: 14 random digits and a Damm check digit, which catches every single wrong digit and swapped neighbours.

The check digit is for typing errors; what keeps codes unguessable is their randomness, the lookup per merchant and
the lock after wrong tries.
"""

import secrets
import struct
import unicodedata
from functools import cache

from stdnum import damm


def new_code() -> str:
    """A fresh random code of 15 digits."""
    body = f"{secrets.randbelow(10**14):014d}"
    return body + damm.calc_check_digit(body)


def new_codes(count: int) -> list[str]:
    """So many distinct fresh codes, as new_code makes them; a million in about two seconds."""
    steps = _check_digit_steps()
    codes: set[str] = set()
    while len(codes) < count:
        missing = count - len(codes)
        for number in struct.unpack(f"={missing}Q", secrets.token_bytes(8 * missing)):
            if number >= _FAIR:
                continue
            body = number % 10**14
            digit = steps[0][body // 10**10]
            digit = steps[digit][body // 10**6 % 10**4]
            digit = steps[digit][body // 100 % 10**4]
            digit = steps[10 + digit][body % 100]
            codes.add(f"{body:014d}{digit}")
    return list(codes)


_FAIR = 2**64 // 10**14 * 10**14  # from here on the low numbers would come once more often


@cache
def _check_digit_steps() -> list[list[int]]:
    """Damm's table over four digits at a time (rows 0 to 9, by the digit so far) and over two (rows 10 to 19)."""
    one = [[int(damm.calc_check_digit(f"{before}{digit}")) for digit in range(10)] for before in _SEEDS]
    two = [[one[one[so_far][n // 10]][n % 10] for n in range(100)] for so_far in range(10)]
    four = [[two[two[so_far][n // 100]][n % 100] for n in range(10**4)] for so_far in range(10)]
    return four + two


# calc_check_digit of one digit is Damm's table at (0, digit): the digit that leads to each state.
_SEEDS = [next(n for n in range(10) if int(damm.calc_check_digit(str(n))) == state) for state in range(10)]


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
