"""A town whose rows are really committed, because racers have connections of their own."""

from collections.abc import Iterator

import pytest
from django_scopes import scopes_disabled

from coupons.tests.town import Town, make_town


@pytest.fixture
def town(transactional_db: None) -> Iterator[Town]:
    with scopes_disabled():
        yield make_town()
