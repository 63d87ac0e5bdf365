"""What anybody sees of a shop, and nothing more."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_scopes import scope

from coupons.models import Deal
from coupons.tests.town import Town, make_town, write_stock
from merchants.enums import StoreState
from merchants.models import Store
from tests.api.conftest import Api, error_of


def titles(api: Api, town: Town) -> list[str]:
    return [deal["title"] for deal in api.get(f"merchants/{town.merchant.slug}/deals/").json()["results"]]


def test_shop_says_its_name_currency_and_zone(anybody: Api, town: Town) -> None:
    assert anybody.get("merchants/laozao/").json() == {
        "slug": "laozao",
        "name": "山城老灶火锅",
        "currency": "CNY",
        "zone": "Asia/Shanghai",
    }


def test_stores_are_the_open_ones_of_this_shop(anybody: Api, town: Town) -> None:
    make_town(slug="other", name="别家")
    with scope(merchant=town.merchant.pk):
        Store.objects.filter(pk=town.other_store.pk).update(state=StoreState.CLOSED)

    stores = anybody.get("merchants/laozao/stores/").json()["results"]

    assert [store["id"] for store in stores] == [str(town.store.pk)]
    assert stores[0]["city"] == "重庆"


def test_deal_shows_prices_content_rules_and_stores(anybody: Api, town: Town) -> None:
    with scope(merchant=town.merchant.pk):
        write_stock(town.deal, total=100, sold=37, held=3)
        deal = town.make_deal(all_stores=False, title="只在一家")
        deal.stores.set([town.other_store])

    shown = anybody.get(f"deals/{town.deal.pk}/").json()
    elsewhere = anybody.get(f"deals/{deal.pk}/").json()

    assert (shown["price_fen"], shown["list_price_fen"], shown["currency"]) == (12_800, 21_600, "CNY")
    assert (shown["left"], shown["sold"], shown["sale_state"]) == (60, 37, "on_sale")
    assert shown["most_per_order"] == 10
    assert shown["groups"] == [
        {
            "name": "锅底",
            "choose": 1,
            "items": [{"name": "鸳鸯锅底", "quantity": 1, "unit_price_fen": 5_800}],
        }
    ]
    assert shown["rules"][0] == "Valid for 90 days after purchase"
    assert len(shown["stores"]) == 2
    assert [store["id"] for store in elsewhere["stores"]] == [str(town.other_store.pk)]


@pytest.mark.parametrize(
    ("fields", "sale_state", "listed"),
    [
        ({}, "on_sale", True),
        ({"state": "paused"}, "paused", False),
        ({"state": "ended"}, "ended", False),
        ({"sale_from": timedelta(hours=1)}, "not_yet", False),
        ({"sale_from": timedelta(hours=-1), "sale_until": timedelta(hours=1)}, "on_sale", True),
        ({"sale_until": timedelta(seconds=-1)}, "ended", False),
        (
            {
                "validity_kind": "fixed",
                "valid_from_date": timedelta(days=-9),
                "valid_until_date": timedelta(days=-1),
            },
            "ended",
            False,
        ),
        (
            {
                "validity_kind": "fixed",
                "valid_from_date": timedelta(days=-9),
                "valid_until_date": timedelta(),
            },
            "on_sale",
            True,
        ),
    ],
)
def test_list_has_what_is_on_sale_and_the_page_says_what_became_of_the_rest(
    anybody: Api, town: Town, fields: dict[str, Any], sale_state: str, listed: bool
) -> None:
    now = timezone.now()
    today = timezone.localdate(timezone=town.merchant.tzinfo)
    values = {
        name: (today if name.endswith("_date") else now) + value if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }
    deal = town.make_deal(title="这一个", **values)

    assert ("这一个" in titles(anybody, town)) is listed
    assert anybody.get(f"deals/{deal.pk}/").json()["sale_state"] == sale_state


def test_sold_out_deal_stays_in_the_list(anybody: Api, town: Town) -> None:
    deal = town.make_deal(title="抢光了", stock=0)

    assert "抢光了" in titles(anybody, town)
    shown = anybody.get(f"deals/{deal.pk}/").json()
    assert (shown["sale_state"], shown["left"], shown["most_per_order"]) == ("sold_out", 0, 0)


@pytest.mark.parametrize("state", ["draft", "in_review", "rejected"])
def test_deal_that_was_never_on_sale_is_not_there(anybody: Api, town: Town, state: str) -> None:
    deal = town.make_deal(state=state)

    response = anybody.get(f"deals/{deal.pk}/")

    assert response.status_code == 404
    assert error_of(response)["code"] == "not_found"
    assert anybody.get(f"deals/{deal.pk + 1}/").json() == response.json()


def test_deal_for_an_audience_is_not_shown_to_anybody(anybody: Api, town: Town) -> None:
    from coupons.models import Audience

    with scope(merchant=town.merchant.pk):
        audience = Audience.objects.create(merchant=town.merchant, name="老顾客")
        Deal.objects.filter(pk=town.deal.pk).update(audience=audience)

    assert titles(anybody, town) == []
    assert anybody.get(f"deals/{town.deal.pk}/").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_deal_list_costs_the_same_for_any_number(
    anybody: Api, town: Town, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count - 1):
        town.make_deal(title=f"第{number}个")

    with django_assert_num_queries(3):
        assert len(titles(anybody, town)) == count


def test_reader_chooses_the_language(anybody: Api, town: Town) -> None:
    chinese = Api(language="zh-CN").get(f"deals/{town.deal.pk}/").json()["rules"]
    english = Api(language="en").get(f"deals/{town.deal.pk}/").json()["rules"]

    assert english != chinese
    assert not any("\u4e00" <= char <= "\u9fff" for rule in english for char in rule)


def test_unchanged_shop_answers_304(anybody: Api, town: Town) -> None:
    path = f"deals/{town.deal.pk}/"
    first = anybody.get(path)

    again = anybody.get(path, **{"If-None-Match": first["ETag"]})
    with scope(merchant=town.merchant.pk):
        write_stock(town.deal, total=100, sold=1)
    changed = anybody.get(path, **{"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, changed.json()["sold"]) == (200, 1)
