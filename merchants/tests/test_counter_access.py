"""The hot path's door asks exactly what the ordinary one asks."""

import itertools

import pytest
from django_scopes import scope, scopes_disabled

from core.errors import NotFound
from identity.domain.grants import end_grants, give_grant
from identity.enums import Role
from identity.models import User
from merchants.access import COUNTER_ROLES, access_merchant, access_store
from merchants.counter_access import access_counter
from merchants.domain.merchants import create_merchant
from merchants.models import Store

numbers = itertools.count(1)


def make_user(name):
    return User.objects.create_user(name=name, phone=f"+86137{next(numbers):08d}")


@pytest.fixture
def shops(db):
    """Two shops with two stores each."""
    with scopes_disabled():
        made = {}
        for slug in ("laozao", "elsewhere"):
            merchant = create_merchant(slug=slug, name=slug, owner=make_user("老板"))
            with scope(merchant=merchant.pk):
                made[slug] = (
                    merchant,
                    [
                        Store.objects.create(merchant=merchant, name=f"{slug} {n}", number=str(n))
                        for n in (1, 2)
                    ],
                )
        yield made


def ordinary(user, slug, store_id):
    try:
        access = access_merchant(user=user, slug=slug, roles=COUNTER_ROLES)
        store = access_store(access=access, store_id=store_id)
    except NotFound:
        return None
    return access.merchant, access.role, access.store_ids, store, store.state, access.user


def hot(user, slug, store_id):
    try:
        access, store = access_counter(user_id=user.pk, slug=slug, store_id=store_id)
    except NotFound:
        return None
    assert (
        access.merchant.reversal_window_seconds
        == access.merchant.__class__.objects.get(slug=slug).reversal_window_seconds
    )
    return access.merchant, access.role, access.store_ids, store, store.state, access.user


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("bound", [None, [0], [1], [0, 1]], ids=["all", "first", "second", "both"])
def test_both_doors_answer_alike(shops, role, bound):
    merchant, stores = shops["laozao"]
    user = make_user("李娜")
    give_grant(
        user=user,
        party_id=merchant.pk,
        role=role,
        store_ids=None if bound is None else [stores[number].pk for number in bound],
        why="membership",
    )
    answers = set()
    for slug, (_, places) in [*shops.items(), ("nobody", shops["laozao"])]:
        for store in [*places, *shops["elsewhere"][1]]:
            answer = hot(user, slug, store.pk)
            assert answer == ordinary(user, slug, store.pk)
            answers.add(answer is not None)
    assert answers == ({True, False} if role in COUNTER_ROLES else {False})


def test_an_ended_grant_refuses_at_once(shops):
    merchant, stores = shops["laozao"]
    user = make_user("李娜")
    give_grant(user=user, party_id=merchant.pk, role=Role.CLERK, store_ids=[stores[0].pk], why="membership")
    assert hot(user, "laozao", stores[0].pk) is not None

    end_grants(user=user, party_id=merchant.pk, why="membership")

    assert hot(user, "laozao", stores[0].pk) is None
    assert ordinary(user, "laozao", stores[0].pk) is None


def test_the_oldest_of_two_grants_decides_in_both(shops):
    merchant, stores = shops["laozao"]
    user = make_user("李娜")
    give_grant(user=user, party_id=merchant.pk, role=Role.CLERK, store_ids=[stores[0].pk], why="membership")
    give_grant(user=user, party_id=merchant.pk, role=Role.MANAGER, store_ids=None, why="engagement")
    for store in stores:
        assert hot(user, "laozao", store.pk) == ordinary(user, "laozao", store.pk)
