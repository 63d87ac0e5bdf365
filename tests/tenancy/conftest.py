"""The two shops, made once per module; every test works on them in a savepoint of its own."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.tenancy.worlds import World, make_world


@pytest.fixture(scope="module")
def worlds(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[tuple[World, World]]:
    """(ours, theirs)"""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world(slug="tianpu", mark="甜铺"), make_world(slug="chaguan", mark="茶馆")
        transaction.set_rollback(True)


@pytest.fixture
def ours(worlds: tuple[World, World], db: None) -> World:
    cache.clear()
    return worlds[0]


@pytest.fixture
def theirs(worlds: tuple[World, World], db: None) -> World:
    return worlds[1]
