"""Two shops with something of everything, built once in a transaction that is never committed."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django_scopes import scopes_disabled

from coupons.tests.town import Town
from tests.invariants.shops import build_shops


@pytest.fixture(scope="module")
def both_shops(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[tuple[Town, Town]]:
    with django_db_blocker.unblock(), scopes_disabled(), transaction.atomic():
        yield build_shops()
        transaction.set_rollback(True)


@pytest.fixture
def shops(both_shops: tuple[Town, Town], db: None) -> Iterator[tuple[Town, Town]]:
    """Whatever a test does to them is undone."""
    with scopes_disabled(), transaction.atomic():
        yield both_shops
        transaction.set_rollback(True)
