"""Stations: open only when trained, alone in their territory, paid only where the merchant agreed; they see theirs only."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import Invalid, NotFound
from coupons.models import OrderShare
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town, make_user
from identity.enums import Role
from merchants.domain.terms import NotThisSide, OtherTermsInForce
from merchants.enums import Category
from merchants.models import Terms
from merchants.places.areas import EVERYWHERE, find_area, get_area, name_in_full
from providers.domain.providers import LastProviderOwner
from providers.domain.station_figures import StationFigures, get_station_figures
from providers.domain.station_merchants import (
    AlreadyWithStation,
    OutsideTerritory,
    StationNotOpen,
    StationOfferAnswered,
    agree_to_station,
    leave_station,
    refuse_station,
    withdraw_station_offer,
)
from providers.domain.stations import (
    StationStateChanged,
    TrainingUnfinished,
    WithoutTerritory,
    close_station,
    create_station,
    end_station_membership,
    open_station,
)
from providers.domain.territories import TerritoryEnded, TerritoryTaken, end_territory, give_territory
from providers.domain.training import (
    NotDone,
    PassedByHimself,
    add_training_item,
    list_points,
    pass_training,
    report_done,
    retire_training_item,
    send_back_training,
)
from providers.models import Station, StationMembership, StationMerchant, StationTerritory
from providers.station_access import access_station
from providers.tests.firms import make_firm
from providers.tests.stations import CHENGDU, CHONGQING, JIANGBEI, YUZHONG, make_house, trade_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm():
    return make_firm()


@pytest.fixture
def house(firm):
    return make_house(firm)


@pytest.fixture
def town():
    return trade_in(make_town())


def shares(town) -> list[tuple[int, str]]:
    with scopes_disabled():
        kept = Terms.objects.filter(merchant=town.merchant, kind="station_share").order_by("id")
        return list(kept.values_list("bps", "state"))


class TestAreas:
    def test_a_district_lies_in_its_city_and_a_city_in_its_province(self):
        district, city = find_area(city="重庆市", district="渝中区"), find_area(city="重庆")
        assert (district.code, city.code) == (YUZHONG, CHONGQING)
        assert district.is_within(city)
        assert city.is_within(EVERYWHERE)
        assert not city.is_within(district)
        assert find_area(city="成都市", district="锦江区").is_within(get_area("51"))
        assert not district.is_within(get_area(CHENGDU))
        assert name_in_full(district) == "重庆市渝中区"

    def test_what_is_no_official_district_means_the_city(self):
        assert find_area(city="成都市", district="高新区").code == CHENGDU
        assert find_area(city="Chongqing", district="Yuzhong").code == CHONGQING
        assert find_area(city="Springfield") is None


class TestOpening:
    def test_every_point_is_passed_by_another_first(self, firm):
        items = [add_training_item(provider=firm.provider, title=t, by=firm.owner) for t in ("核销", "退款")]
        house = make_house(firm, is_open=False)
        for item in items:
            report_done(station=house.station, item=item, by=house.owner)
        pass_training(station=house.station, item=items[0], by=firm.manager)

        with pytest.raises(TrainingUnfinished) as refused:
            open_station(station=house.station, by=firm.owner)
        assert refused.value.facts == {"left": 1}
        assert Station.objects.get().state == "preparing"

        pass_training(station=house.station, item=items[1], by=firm.owner)
        assert open_station(station=house.station, by=firm.owner).state == "open"
        assert [point.is_passed for point in list_points(station=house.station)] == [True, True]

    def test_what_is_retired_is_not_asked(self, firm):
        item = add_training_item(provider=firm.provider, title="旧系统", by=firm.owner)
        house = make_house(firm, is_open=False)
        retire_training_item(item=item, by=firm.owner)
        assert open_station(station=house.station, by=firm.owner).state == "open"

    def test_nobody_passes_his_own_and_what_is_sent_back_is_done_again(self, firm):
        item = add_training_item(provider=firm.provider, title="核销", by=firm.owner)
        house = make_house(firm, is_open=False)
        with pytest.raises(NotDone):
            pass_training(station=house.station, item=item, by=firm.owner)
        report_done(station=house.station, item=item, by=firm.owner)
        with pytest.raises(PassedByHimself):
            pass_training(station=house.station, item=item, by=firm.owner)
        send_back_training(station=house.station, item=item, by=firm.owner)
        assert list_points(station=house.station)[0].completion is None

    def test_a_station_without_territory_does_not_open(self, firm):
        house = make_house(firm, category=None, is_open=False)
        with pytest.raises(WithoutTerritory):
            open_station(station=house.station, by=firm.owner)

    def test_it_opens_once_and_never_again_after_closing(self, firm, house):
        with pytest.raises(StationStateChanged):
            open_station(station=house.station, by=firm.owner)
        close_station(station=house.station, by=firm.owner)
        for act in (open_station, close_station):
            with pytest.raises((StationStateChanged, WithoutTerritory)):
                act(station=house.station, by=firm.owner)

    def test_an_unknown_city_makes_no_station(self, firm):
        with pytest.raises(Invalid):
            create_station(provider=firm.provider, name="x", city_code="999", owner=firm.owner, by=firm.owner)
        assert Station.objects.count() == 0


class TestTerritory:
    def test_two_stations_never_hold_one_trade_of_one_place(self, firm, house):
        """A district of a city that is held whole is refused too, and the reason says who holds it."""
        other = make_house(firm, "渝中站", category=None, is_open=False)
        for code in (CHONGQING, YUZHONG):
            with pytest.raises(TerritoryTaken) as refused:
                give_territory(station=other.station, category=Category.HOTPOT, area_code=code, by=firm.owner)
            assert refused.value.facts == {"station": "重庆站", "area": "重庆市", "category": "hotpot"}
        assert StationTerritory.objects.filter(station=other.station).count() == 0
        give_territory(station=other.station, category=Category.TEA, area_code=YUZHONG, by=firm.owner)
        give_territory(station=house.station, category=Category.TEA, area_code=JIANGBEI, by=firm.owner)

    def test_other_providers_have_stations_of_their_own_there(self, house):
        assert make_house(make_firm("另一家"), "乙站").station.state == "open"

    def test_what_is_given_up_another_may_hold(self, firm, house):
        held = house.station.territories.get()
        end_territory(territory=held, by=firm.owner)
        with pytest.raises(TerritoryEnded):
            end_territory(territory=held, by=firm.owner)
        other = make_house(firm, "渝中站", area_code=YUZHONG)
        assert other.station.state == "open"

    def test_it_is_of_the_stations_city(self, firm, house):
        for code in (CHENGDU, "", "nowhere"):
            with pytest.raises(Invalid):
                give_territory(station=house.station, category=Category.TEA, area_code=code, by=firm.owner)

    def test_the_database_alone_refuses_an_overlap(self, firm, house):
        other = make_house(firm, "渝中站", category=None, is_open=False)
        held = house.station.territories.get()
        with pytest.raises(IntegrityError, match="territory_of_one_station"), transaction.atomic():
            StationTerritory.objects.create(
                provider=firm.provider, station=other.station, category=held.category, area=held.area,
                area_code="50", area_name="重庆市", period=held.period,
            )  # fmt: skip

    def test_the_database_keeps_it_with_the_stations_provider(self, firm, house):
        stranger = make_firm("另一家")
        with pytest.raises(IntegrityError, match="territory_same_provider"), transaction.atomic():
            StationTerritory.objects.update(provider=stranger.provider)
            transaction.get_connection().check_constraints()


class TestMerchants:
    def test_the_share_counts_from_the_agreement_on(self, house, town):
        before = town.order()
        link = house.offer(town, bps=300)
        assert shares(town) == []

        agree_to_station(link=link, by=town.owner)
        after = town.order()

        assert shares(town) == [(300, "in_force")]
        with scope(merchant=town.merchant.pk):
            kept = {
                order.pk: dict(OrderShare.objects.filter(order=order).values_list("kind", "bps"))
                for order in (before, after)
            }
        assert "station_share" not in kept[before.pk]
        assert kept[after.pk]["station_share"] == 300

    def test_only_an_owner_of_the_shop_agrees(self, house, town, firm):
        link = house.offer(town)
        for user in (house.owner, firm.owner, town.clerk, make_user()):
            for answer in (agree_to_station, refuse_station):
                with pytest.raises(NotThisSide):
                    answer(link=link, by=user)
        assert StationMerchant.objects.get().state == "proposed"
        assert shares(town) == []

    def test_only_the_stations_owner_offers(self, house, town):
        for user in (house.manager, town.owner):
            house.owner, kept = user, house.owner
            with pytest.raises(NotThisSide):
                house.offer(town)
            house.owner = kept
        assert StationMerchant.objects.count() == 0

    def test_a_shop_elsewhere_or_of_another_trade_is_refused(self, house, firm):
        tea = trade_in(make_town("tea"), Category.TEA)
        chengdu = trade_in(make_town("chengdu"))
        with scope(merchant=chengdu.merchant.pk):
            chengdu.merchant.stores.update(city="成都市")
        for town in (tea, chengdu):
            with pytest.raises(OutsideTerritory):
                house.offer(town)
        assert StationMerchant.objects.count() == 0

    def test_a_station_that_is_not_open_offers_nothing(self, firm, town):
        house = make_house(firm, is_open=False)
        with pytest.raises(StationNotOpen):
            house.offer(town)

    def test_an_offer_is_answered_once_and_made_once(self, house, town):
        link = house.offer(town)
        with pytest.raises(AlreadyWithStation):
            house.offer(town)
        withdraw_station_offer(link=link, by=house.owner)
        for answer in (agree_to_station, refuse_station):
            with pytest.raises(StationOfferAnswered):
                answer(link=link, by=town.owner)
        assert house.bring_in(town).state == "active"

    def test_one_station_at_a_time(self, house, town):
        house.bring_in(town)
        rival = make_house(make_firm("另一家"), "乙站")
        link = rival.offer(town)
        with pytest.raises(OtherTermsInForce):
            agree_to_station(link=link, by=town.owner)
        assert shares(town) == [(200, "in_force")]
        link.refresh_from_db()
        assert link.state == "proposed"

    @pytest.mark.parametrize("side", ["shop", "station"])
    def test_either_side_ends_it_and_orders_before_keep_the_share(self, house, town, side):
        link = house.bring_in(town)
        before = town.order()
        leave_station(link=link, by=town.owner if side == "shop" else house.owner)
        after = town.order()
        assert shares(town) == [(200, "ended")]
        with scope(merchant=town.merchant.pk):
            kept = set(OrderShare.objects.filter(kind="station_share").values_list("order_id", flat=True))
        assert kept == {before.pk}
        assert after.pk not in kept

    def test_closing_the_station_ends_all_it_has(self, house, town, firm):
        house.bring_in(town)
        waiting = house.offer(trade_in(make_town("second")))
        close_station(station=house.station, by=firm.owner)
        waiting.refresh_from_db()
        assert waiting.state == "withdrawn"
        assert shares(town) == [(200, "ended")]
        assert not house.station.territories.filter(period__endswith__isnull=True).exists()
        assert access_station(user=house.owner, station_id=house.station.pk).station.state == "closed"

    def test_its_figures_are_what_its_share_was_paid_of(self, house, town, django_assert_num_queries):
        house.bring_in(town, bps=200)
        (coupon,) = town.buy()
        now = timezone.now()
        with scopes_disabled():
            town.redeem(coupon.code)
            settle_merchant(merchant_id=town.merchant.pk, at=now + timedelta(hours=2))
        since = (now - timedelta(days=1)).date()
        with django_assert_num_queries(1):
            figures = get_station_figures(station=house.station, since=since)
        assert figures == {town.merchant.pk: StationFigures(uses=1, gross_fen=12_800, share_fen=256)}


class TestStaff:
    def test_people_of_a_station_see_theirs_only(self, firm, house):
        other = make_house(make_firm("另一家"), "乙站")
        assert access_station(user=house.manager, station_id=house.station.pk).role == Role.MANAGER
        for user in (other.owner, firm.owner, make_user()):
            with pytest.raises(NotFound):
                access_station(user=user, station_id=house.station.pk)

    def test_who_leaves_is_out_at_once_and_an_owner_stays(self, house):
        post = StationMembership.objects.get(user=house.manager)
        end_station_membership(membership=post, by=house.owner)
        with pytest.raises(NotFound):
            access_station(user=house.manager, station_id=house.station.pk)
        with pytest.raises(LastProviderOwner):
            end_station_membership(membership=StationMembership.objects.get(user=house.owner), by=house.owner)
        assert access_station(user=house.owner, station_id=house.station.pk).role == Role.OWNER
