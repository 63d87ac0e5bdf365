"""How much the gate lets through, as the installation says it (ADMISSION_... in .env.example)."""

import os
from dataclasses import dataclass

from django.conf import settings

PER_CORE = 2  # runtime measurements: fewer backends are faster; 8 clients beat 200


@dataclass(frozen=True)
class Limits:
    """`in_flight`: orders in the database at one time, all deals together. Tries are per minute; 0 is no limit."""

    is_on: bool = True
    in_flight: int = 4
    turn_seconds: int = 60
    absent_seconds: int = 30
    tries_per_customer: int = 60
    tries_per_address: int = 3_000


def limits_of_settings() -> Limits:
    return Limits(
        is_on=settings.ADMISSION,
        in_flight=settings.ADMISSION_IN_FLIGHT or PER_CORE * (os.cpu_count() or 1),
        turn_seconds=settings.ADMISSION_TURN_SECONDS,
        absent_seconds=settings.ADMISSION_ABSENT_SECONDS,
        tries_per_customer=settings.ADMISSION_TRIES_PER_CUSTOMER,
        tries_per_address=settings.ADMISSION_TRIES_PER_ADDRESS,
    )
