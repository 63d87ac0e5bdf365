"""A provider's house in a city, for tests; everything by its own doors."""

from dataclasses import dataclass

from coupons.tests.town import Town, make_user
from identity.enums import Role
from identity.models import User
from merchants.enums import Category
from merchants.models import Merchant
from providers.domain.station_merchants import agree_to_station, offer_to_merchant
from providers.domain.stations import create_station, open_station, set_station_membership
from providers.domain.territories import give_territory
from providers.models import Station, StationMerchant
from providers.tests.firms import Firm

CHONGQING, YUZHONG, JIANGBEI, CHENGDU = "50", "500103", "500105", "5101"


@dataclass
class House:
    station: Station
    owner: User
    manager: User

    def bring_in(self, town: Town, *, bps: int = 200) -> StationMerchant:
        """Offered by the station's owner, agreed by the shop's."""
        return agree_to_station(link=self.offer(town, bps=bps), by=town.owner)

    def offer(self, town: Town, *, bps: int = 200, note: str = "") -> StationMerchant:
        return offer_to_merchant(
            station=self.station, merchant=town.merchant, share_bps=bps, by=self.owner, note=note
        )


def make_house(
    firm: Firm,
    name: str = "重庆站",
    *,
    area_code: str = CHONGQING,
    category: Category | None = Category.HOTPOT,
    is_open: bool = True,
) -> House:
    """A station in Chongqing that holds one trade of `area_code` (None: nothing) and is open."""
    owner, manager = make_user(f"{name}站长"), make_user(f"{name}助理")
    station = create_station(
        provider=firm.provider, name=name, city_code=CHONGQING, owner=owner, by=firm.owner
    )
    set_station_membership(station=station, user=manager, role=Role.MANAGER, by=owner)
    if category is not None:
        give_territory(station=station, category=category, area_code=area_code, by=firm.owner)
    if is_open:
        open_station(station=station, by=firm.owner)
    return House(station=station, owner=owner, manager=manager)


def trade_in(town: Town, category: Category = Category.HOTPOT) -> Town:
    """Say what the shop trades in."""
    Merchant.objects.filter(pk=town.merchant.pk).update(category=category)
    town.merchant.refresh_from_db()
    return town
