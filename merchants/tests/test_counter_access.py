"""The hot path's doors, by session and by token, ask exactly what the ordinary ones ask."""

import itertools
from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from django_scopes import scope, scopes_disabled
from knox.models import AuthToken

from core.errors import NotFound
from identity.api.authentication import digest_token, give_token
from identity.domain.grants import end_grants, give_grant
from identity.enums import Role
from identity.models import Session, User
from identity.sessions import SessionStore, belongs_to
from merchants.access import COUNTER_ROLES, access_merchant, access_store
from merchants.counter_access import find_by_session, find_by_token
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant, Store

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


def sign_in(user):
    """A session and a token of this user: key and digest."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "identity.backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    token, _row = give_token(user=user, life=timedelta(hours=1))
    return session.session_key, digest_token(token.encode())


def hot(user, slug, store_id):
    """What both quick doors say, which must be the same."""
    key, digest = sign_in(user)
    by_session = find_by_session(session_key=key, slug=slug, store_id=store_id)
    by_token = find_by_token(digest=digest, slug=slug, store_id=store_id)
    session = SessionStore(key)
    session.adopt(by_session.session_data)
    assert belongs_to(session, by_session.user)
    assert by_session.user == by_token.user == user
    answers = [tell(found.place) for found in (by_session, by_token)]
    assert answers[0] == answers[1]
    return answers[0]


def tell(place):
    if place is None:
        return None
    access, store = place
    shop = Merchant.objects.get(pk=access.merchant.pk)
    assert access.merchant.__dict__.items() - {("_state", access.merchant._state)} <= shop.__dict__.items()
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


def found(key, digest, store):
    """By session and by token, whether anybody is found at all."""
    where = {"slug": "laozao", "store_id": store.pk}
    by_session = find_by_session(session_key=key, **where)
    by_token = find_by_token(digest=digest, **where)
    return by_session is not None, by_token is not None


@pytest.fixture
def clerk(shops):
    merchant, stores = shops["laozao"]
    user = make_user("李娜")
    give_grant(user=user, party_id=merchant.pk, role=Role.CLERK, store_ids=[stores[0].pk], why="membership")
    return user, stores[0]


def test_what_ended_finds_nobody(clerk):
    user, store = clerk
    signed_in = sign_in(user)
    assert found(*signed_in, store) == (True, True)
    a_second_ago = timezone.now() - timedelta(seconds=1)

    Session.objects.update(expire_date=a_second_ago)
    AuthToken.objects.update(expiry=a_second_ago)
    assert found(*signed_in, store) == (False, False)

    signed_in = sign_in(user)
    Session.objects.all().delete()
    AuthToken.objects.all().delete()
    assert found(*signed_in, store) == (False, False)


def test_who_may_not_sign_in_is_not_let_in(clerk):
    user, store = clerk
    key, digest = sign_in(user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert find_by_token(digest=digest, slug="laozao", store_id=store.pk) is None
    by_session = find_by_session(session_key=key, slug="laozao", store_id=store.pk)
    session = SessionStore(key)
    session.adopt(by_session.session_data)
    assert not belongs_to(session, by_session.user)


def test_a_new_password_ends_sessions(clerk):
    user, store = clerk
    key, _digest = sign_in(user)
    user.set_password("another-long-one")
    user.save()

    by_session = find_by_session(session_key=key, slug="laozao", store_id=store.pk)
    session = SessionStore(key)
    session.adopt(by_session.session_data)
    assert not belongs_to(session, by_session.user)
