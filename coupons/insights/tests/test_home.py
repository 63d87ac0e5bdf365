"""The merchant's first page through HTTP: who may open it, what it shows, what it costs."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.insights import views
from coupons.tests.town import make_town, make_user
from identity.enums import Role
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant


@pytest.fixture
def town(db):
    with scopes_disabled():
        return make_town()


@pytest.fixture
def home(client, town):
    client.force_login(town.owner)
    return lambda **query: client.get(
        f"/m/{town.merchant.slug}/", query.pop("data", query), headers={"accept-language": "en"}
    )


def use(town, *, minutes_ago=5, **more):
    with scopes_disabled():
        moment = timezone.now() - timedelta(minutes=minutes_ago)
        (coupon,) = town.buy(at=moment - timedelta(minutes=1))
        return town.redeem(coupon.code, at=moment, **more)


def test_the_page_shows_what_was_redeemed(home, town):
    use(town)

    response = home()

    text = response.content.decode()
    assert response.status_code == 200
    assert "双人鸳鸯锅套餐" in text
    assert "¥128.00" in text
    assert "Four steps" not in text


@pytest.mark.parametrize("role", [Role.MANAGER, Role.FINANCE])
def test_office_may_open_it(client, town, role):
    user = make_user()
    set_membership(merchant=town.merchant, user=user, role=role, stores=[], by=town.owner)
    client.force_login(user)

    assert client.get(f"/m/{town.merchant.slug}/").status_code == 200


def test_a_clerk_and_a_stranger_find_nothing_here(client, town):
    with scopes_disabled():
        stranger = make_town(slug="other", name="别家").owner
    for user in (town.clerk, stranger):
        client.force_login(user)
        assert client.get(f"/m/{town.merchant.slug}/").status_code == 404


def test_signed_out_leads_to_the_sign_in_page(client, town):
    response = client.get(f"/m/{town.merchant.slug}/")

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_store_narrows_the_figures(home, town):
    use(town)
    use(town, store=town.other_store)

    text = home(store=town.other_store.pk).content.decode()

    last = text[text.index('id="last-head"') :]
    assert last.count("<tr>") == 2  # head and one redemption
    assert town.other_store.name in last
    assert town.store.name not in last


@pytest.mark.parametrize("text", ["x", "0", "99999999999999999999", "-1", "１２"])  # noqa: RUF001
def test_an_impossible_store_is_not_found(home, text):
    assert home(store=text).status_code == 404


def test_another_merchants_store_is_neither_listed_nor_accepted(home, town):
    with scopes_disabled():
        other = make_town(slug="other", name="别家")

    assert home(store=other.store.pk).status_code == 404
    assert str(other.store.pk) not in home().content.decode()


def test_a_bound_manager_sees_his_stores_alone(client, town):
    manager = make_user()
    set_membership(
        merchant=town.merchant, user=manager, role=Role.MANAGER, stores=[town.store], by=town.owner
    )
    use(town)
    use(town, store=town.other_store)
    client.force_login(manager)

    text = client.get(f"/m/{town.merchant.slug}/").content.decode()

    assert town.store.name in text
    assert town.other_store.name not in text
    assert client.get(f"/m/{town.merchant.slug}/", {"store": town.other_store.pk}).status_code == 404


def test_the_line_shows_what_was_chosen(home, town):
    use(town, minutes_ago=0)
    with scopes_disabled():
        town.buy(quantity=2, at=timezone.now())

    def last_value(response):
        chart = re.search(r'<script id="trend"[^>]*>(.*?)</script>', response.content.decode()).group(1)
        return json.loads(chart)["series"][0]["data"][-1]

    assert last_value(home()) == 12_800
    assert last_value(home(metric="sold")) == 38_400
    assert last_value(home(metric="nonsense")) == 12_800


def test_refreshing_answers_with_the_figures_alone(client, town):
    client.force_login(town.owner)

    text = client.get(f"/m/{town.merchant.slug}/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in text
    assert 'id="trend"' in text


@pytest.mark.parametrize(
    "broken",
    [
        "figures.count_todos",
        "figures.sum_today",
        "sum_next_payout",
        "figures.sum_redeemed_days",
        "figures.rank_stores",
        "figures.list_last_redemptions",
        "figures.check_first_steps",
    ],
)
def test_a_block_fails_alone(home, town, monkeypatch, broken):
    use(town)

    def fail(**kwargs):
        raise RuntimeError("away")

    owner = views.figures if "." in broken else views
    monkeypatch.setattr(owner, broken.split(".")[-1], fail)

    response = home()

    assert response.status_code == 200
    assert response.content.decode().count("This part could not be worked out") == 1


def test_a_new_shop_is_told_how_to_begin(client, db):
    owner = make_user()
    create_merchant(slug="fresh", name="新店", owner=owner)
    client.force_login(owner)

    text = client.get("/m/fresh/", headers={"accept-language": "en"}).content.decode()

    assert "Four steps to the first redeemed coupon" in text
    assert text.count("Done") == 0
    assert "Nothing was redeemed yet." in text


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_for_one_row_and_three(client, town, rows, django_assert_num_queries):
    for number in range(rows):
        use(town, store=[town.store, town.other_store, town.store][number])
    client.force_login(town.owner)

    with django_assert_num_queries(19):
        client.get(f"/m/{town.merchant.slug}/")
