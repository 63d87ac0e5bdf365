"""/ sends everybody where his work is."""

import pytest

from identity.enums import Role
from identity.models import Grant, Party, User
from merchants.domain.memberships import end_membership, set_membership
from merchants.domain.merchants import create_merchant
from merchants.domain.stores import StoreDetails, add_store


def make_user(number, **fields):
    return User.objects.create_user(name=f"用户{number}", phone=f"+86139{number:08d}", **fields)


@pytest.fixture
def owner(db):
    return make_user(1)


@pytest.fixture
def shop(owner):
    return create_merchant(slug="laozao", name="山城老灶", owner=owner)


def join(shop, user, role):
    stores = (
        [add_store(merchant=shop, details=StoreDetails(name="店"), by=None)] if role == Role.CLERK else []
    )
    return set_membership(merchant=shop, user=user, role=role, stores=stores, by=None)


def test_signed_out_sees_who_goes_where(client, db):
    response = client.get("/", headers={"accept-language": "en"})

    assert response.status_code == 200
    assert "/accounts/login/" in response.content.decode()


@pytest.mark.parametrize(
    ("role", "page"),
    [(Role.MANAGER, "/m/laozao/"), (Role.FINANCE, "/m/laozao/"), (Role.CLERK, "/clerk/")],
)
def test_staff_of_one_shop_go_to_their_page(client, shop, role, page):
    user = make_user(2)
    join(shop, user, role)
    client.force_login(user)

    response = client.get("/")

    assert (response.status_code, response["Location"]) == (302, page)


def test_an_owner_goes_to_his_shop(client, shop, owner):
    client.force_login(owner)

    assert client.get("/")["Location"] == "/m/laozao/"


def test_an_operator_goes_to_operation(client, db):
    client.force_login(User.objects.create_superuser(name="运营", phone="+8613900000009"))

    assert client.get("/")["Location"] == "/ops/"


def test_somebody_of_two_shops_chooses(client, shop, owner):
    second = create_merchant(slug="tea", name="青木茶铺")
    create_merchant(slug="third", name="别家", owner=make_user(5))
    join(second, owner, Role.CLERK)
    client.force_login(owner)

    text = client.get("/").content.decode()

    assert 'href="/m/laozao/"' in text
    assert 'href="/clerk/"' in text
    assert "别家" not in text
    assert "/ops/" not in text


def test_an_operator_with_a_shop_chooses(client, shop):
    operator = User.objects.create_superuser(name="运营", phone="+8613900000009")
    join(shop, operator, Role.MANAGER)
    client.force_login(operator)

    text = client.get("/").content.decode()

    assert 'href="/m/laozao/"' in text
    assert 'href="/ops/"' in text


def test_a_clerk_of_two_shops_goes_to_the_counter(client, shop):
    clerk = make_user(3)
    join(shop, clerk, Role.CLERK)
    join(create_merchant(slug="tea", name="青木茶铺"), clerk, Role.CLERK)
    client.force_login(clerk)

    assert client.get("/")["Location"] == "/clerk/"


def test_without_a_shop_one_is_told_who_can_open_the_door(client, db):
    client.force_login(make_user(4))

    text = client.get("/", headers={"accept-language": "en"}).content.decode()

    assert "No shop has let you in yet" in text
    assert "139****0004" in text


def test_whose_post_ended_is_sent_nowhere(client, shop, owner):
    user = make_user(6)
    membership = join(shop, user, Role.MANAGER)
    end_membership(membership=membership, by=owner)
    client.force_login(user)

    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("kind", "page"), [("provider", "/p/{}/"), ("station", "/stations/{}/"), ("creator", "/c/")]
)
def test_who_serves_merchants_is_sent_to_his_work(client, db, kind, page):
    user = make_user(7)
    party = Party.objects.create(kind=kind, name="代运营")
    Grant.objects.create(user=user, party=party, role=Role.FINANCE, why="test")
    client.force_login(user)

    response = client.get("/")

    assert (response.status_code, response["Location"]) == (302, page.format(party.pk))
