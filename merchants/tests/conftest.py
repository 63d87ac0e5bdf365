"""The cast: a shop with an owner, a manager, a clerk and two stores, and a second shop that must stay unseen."""

from dataclasses import dataclass

import pytest
from django.test import Client

from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant
from merchants.domain.stores import StoreDetails, add_store
from merchants.models import Merchant, Store


@dataclass
class Shop:
    merchant: Merchant
    owner: User
    manager: User
    clerk: User
    stores: list[Store]


def make_shop(slug: str, tens: str) -> Shop:
    owner, manager, clerk = (
        User.objects.create_user(name=f"{name} of {slug}", phone=f"+86138000{tens}{number}", password=None)
        for number, name in (("001", "Owner"), ("002", "Manager"), ("003", "Clerk"))
    )
    merchant = create_merchant(slug=slug, name=slug.title(), owner=owner)
    stores = [
        add_store(merchant=merchant, details=StoreDetails(name=f"{slug} {name}", city="重庆市"), by=owner)
        for name in ("North", "South")
    ]
    set_membership(merchant=merchant, user=manager, role=Role.MANAGER, stores=[], by=owner)
    set_membership(merchant=merchant, user=clerk, role=Role.CLERK, stores=stores[:1], by=owner)
    return Shop(merchant, owner, manager, clerk, stores)


@pytest.fixture
def shop(db) -> Shop:
    return make_shop("hotpot", "10")


@pytest.fixture
def other_shop(db) -> Shop:
    return make_shop("noodles", "20")


@pytest.fixture
def sign_in():
    def put(user: User) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        return client

    return put
