"""Pages of stations, their providers and the public scorecards: who opens which, and what stands there."""

from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from coupons.tests.town import Town, make_town, make_user
from identity.enums import Role
from identity.models import User
from merchants.enums import Category
from providers.domain.stations import set_station_membership
from providers.domain.training import add_training_item, report_done
from providers.models import Station, StationMembership, StationMerchant, StationTerritory
from providers.tests.firms import Firm, make_firm
from providers.tests.stations import JIANGBEI, House, make_house, trade_in

pytestmark = pytest.mark.django_db

AT_STATION, TRADERS, HEAD = {"owner", "manager", "finance"}, {"owner", "manager"}, {"owner"}
# URL name -> who of the station, who of its provider; nobody else.
DOORS: dict[str, tuple[set[str], set[str]]] = {
    "station": (AT_STATION, set()),
    "station_training_done": (TRADERS, set()),
    "station_offer": (HEAD, set()),
    "station_offer_withdraw": (HEAD, set()),
    "station_merchant_end": (HEAD, set()),
    "station_post_give": (HEAD, set()),
    "station_post_end": (HEAD, set()),
    "provider_stations": (set(), AT_STATION),
    "provider_station_new": (set(), TRADERS),
    "provider_station": (set(), AT_STATION),
    "provider_station_open": (set(), TRADERS),
    "provider_station_close": (set(), TRADERS),
    "territory_give": (set(), TRADERS),
    "territory_end": (set(), TRADERS),
    "training_add": (set(), TRADERS),
    "training_retire": (set(), TRADERS),
    "training_pass": (set(), TRADERS),
    "training_send_back": (set(), TRADERS),
}


@dataclass
class Cast:
    firm: Firm
    house: House
    town: Town
    users: dict[str, User]
    ids: dict[str, int]

    def url(self, name: str) -> str:
        possibilities = get_resolver().reverse_dict.getlist(name)[0][0]
        arguments = possibilities[0][1]
        return reverse(name, kwargs={argument: self.ids[argument] for argument in arguments})


@pytest.fixture
def cast() -> Cast:
    cache.clear()
    firm, town = make_firm(), trade_in(make_town())
    item = add_training_item(provider=firm.provider, title="会核销", how="当场演示", by=firm.owner)
    house = make_house(firm, is_open=False)
    report_done(station=house.station, item=item, by=house.owner)
    Station.objects.filter(pk=house.station.pk).update(state="open", opened_at=house.station.created_at)
    finance = make_user("站内财务")
    post = set_station_membership(station=house.station, user=finance, role=Role.FINANCE, by=house.owner)
    link = house.offer(town, note="地推和开店辅导")
    stranger = make_house(make_firm("另一家"), "乙站")
    return Cast(
        firm=firm,
        house=house,
        town=town,
        users={
            "station owner": house.owner, "station manager": house.manager, "station finance": finance,
            "provider owner": firm.owner, "provider manager": firm.manager, "provider finance": firm.finance,
            "stranger": stranger.owner, "shop": town.owner, "nobody": make_user(),
        },
        ids={
            "station_id": house.station.pk, "provider_id": firm.provider.pk, "item_id": item.pk, "link_id": link.pk,
            "territory_id": house.station.territories.get().pk, "membership_id": post.pk,
        },
    )  # fmt: skip


def signed_in(user: User | None) -> Client:
    client = Client(headers={"accept-language": "en"})
    if user:
        client.force_login(user)
    return client


def both(client: Client, url: str) -> set[int]:
    statuses = set()
    for method in (client.get, client.post):
        with transaction.atomic():
            statuses.add(method(url).status_code)
            transaction.set_rollback(True)
    return statuses


@pytest.mark.parametrize("name", sorted(DOORS))
def test_each_door_opens_to_its_posts_only(cast: Cast, name: str) -> None:
    at_station, at_provider = DOORS[name]
    allowed = {f"station {role}" for role in at_station} | {f"provider {role}" for role in at_provider}
    url = cast.url(name)
    assert both(signed_in(None), url) <= {302, 405}
    for who, user in cast.users.items():
        statuses = both(signed_in(user), url)
        if who in allowed:
            assert statuses.isdisjoint({403, 404, 500}), who
        else:
            assert 404 in statuses, who
            assert statuses <= {404, 405}, who


def test_a_providers_door_does_not_lead_to_anothers_station(cast: Cast) -> None:
    other = Station.objects.get(name="乙站")
    cast.ids["station_id"] = other.pk
    client = signed_in(cast.firm.owner)
    for name in ("provider_station", "provider_station_open", "provider_station_close", "territory_give"):
        assert 404 in both(client, cast.url(name))
    other.refresh_from_db()
    assert other.state == "open"


def test_stations_goes_to_the_one_and_404_for_who_has_none(cast: Cast) -> None:
    assert signed_in(cast.house.owner).get("/stations/").url == cast.url("station")
    set_station_membership(
        station=Station.objects.get(name="乙站"), user=cast.house.owner, role=Role.MANAGER, by=None
    )
    page = signed_in(cast.house.owner).get("/stations/").content.decode()
    assert "乙站" in page
    assert "重庆站" in page
    assert signed_in(cast.town.owner).get("/stations/").status_code == 404


def test_from_a_new_station_to_a_shop_that_agrees(cast: Cast) -> None:
    """The provider makes it, gives it a territory, passes its training, opens it; it offers; the shop's owner agrees."""
    leader = make_user("新站长")
    provider = signed_in(cast.firm.owner)
    made = provider.post(
        cast.url("provider_station_new"), {"name": "江北站", "city": "50", "owner": str(leader.phone)}
    )
    station = Station.objects.get(name="江北站")
    cast.ids["station_id"] = station.pk
    assert made.url == cast.url("provider_station")
    taken = provider.post(cast.url("territory_give"), {"categories": ["hotpot"], "districts": [JIANGBEI]})
    assert taken.status_code == 422
    assert "重庆站 holds this trade in 重庆市 already." in taken.content.decode()
    provider.post(cast.url("territory_give"), {"categories": ["tea", "food"], "districts": [JIANGBEI]})
    assert StationTerritory.objects.filter(station=station).count() == 2
    refused = provider.post(cast.url("provider_station_open"), follow=True).content.decode()
    assert "Points of the training not passed yet: 1." in refused
    signed_in(leader).post(cast.url("station_training_done"))
    provider.post(cast.url("training_pass"))
    provider.post(cast.url("provider_station_open"))
    station.refresh_from_db()
    assert station.state == "open"
    trade_in(cast.town, Category.TEA)
    cast.town.store.city, cast.town.store.district = "重庆市", "江北区"
    cast.town.store.save()
    sent = signed_in(leader).post(
        cast.url("station_offer"), {"shop": cast.town.merchant.slug, "share": "1.5", "note": "拍摄"}
    )
    assert sent.status_code == 302
    link = StationMerchant.objects.get(station=station)
    assert link.share_bps == 150
    shop = signed_in(cast.town.owner)
    assert (
        "江北站 offers to look after your shop"
        in shop.get(f"/m/{cast.town.merchant.slug}/stations/").content.decode()
    )
    shop.post(f"/m/{cast.town.merchant.slug}/stations/{link.pk}/agree/")
    link.refresh_from_db()
    assert link.state == "active"


def test_a_station_page_costs_the_same_however_many_shops(cast: Cast, django_assert_max_num_queries) -> None:
    client, url = signed_in(cast.house.owner), cast.url("station")
    client.get(url)
    for number in range(3):
        cast.house.offer(trade_in(make_town(f"more{number}")))
    with django_assert_max_num_queries(16):
        page = client.get(url).content.decode()
    assert page.count("Waits for the merchant") == 4


def test_staff_are_given_posts_by_phone(cast: Cast) -> None:
    somebody = make_user("小汪")
    client = signed_in(cast.house.owner)
    unknown = client.post(cast.url("station_post_give"), {"person": "13099999999", "role": "manager"})
    assert unknown.status_code == 422
    client.post(cast.url("station_post_give"), {"person": str(somebody.phone), "role": "manager"})
    post = StationMembership.objects.get(user=somebody)
    assert signed_in(somebody).get(cast.url("station")).status_code == 200
    cast.ids["membership_id"] = post.pk
    client.post(cast.url("station_post_end"))
    assert signed_in(somebody).get(cast.url("station")).status_code == 404
