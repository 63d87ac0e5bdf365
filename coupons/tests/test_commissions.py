"""Who brought a customer gets his commission of what is redeemed: frozen by the link, and no more than is left."""

import pytest
from django.db import IntegrityError, transaction
from django_scopes import scope

from coupons.domain.placements import PlacementShare, create_placement
from coupons.enums import Entrance
from coupons.models import OrderShare, Placement
from coupons.tests.town import make_town
from identity.enums import PartyKind
from identity.models import Party
from merchants.domain.terms import agree_terms
from merchants.enums import ShareKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return make_town()


@pytest.fixture
def creator():
    return Party.objects.create(kind=PartyKind.CREATOR, name="阿飞探店")


def shares(town, order) -> dict[str, tuple[int, int, str]]:
    with scope(merchant=town.merchant.pk):
        rows = OrderShare.objects.filter(order=order).values_list("kind", "payee_id", "bps", "rule")
        return {kind: (payee, bps, rule) for kind, payee, bps, rule in rows}


def link(town, creator, *, bps=800, rule="claim:7") -> Placement:
    share = PlacementShare(payee_id=creator.pk, bps=bps, rule=rule)
    return create_placement(deal=town.deal, entrance=Entrance.SHORT_VIDEO, share=share)


def test_an_order_by_the_link_freezes_the_commission(town, creator):
    placement = link(town, creator)
    by_link, by_itself = town.order(placement=placement), town.order()
    assert shares(town, by_link)["commission"] == (creator.pk, 800, "claim:7")
    assert "commission" not in shares(town, by_itself)


def test_a_link_made_by_hand_pays_nobody(town):
    placement = create_placement(deal=town.deal, entrance=Entrance.SHORT_VIDEO, label="自己的视频")
    assert set(shares(town, town.order(placement=placement))) == {"platform_fee"}


def test_the_commission_is_at_most_what_the_terms_leave(town, creator):
    provider = Party.objects.create(kind=PartyKind.PROVIDER, name="代运营")
    agree_terms(
        merchant=town.merchant, kind=ShareKind.SERVICE_FEE, payee=provider, bps=7_000,
        proposed_for_id=provider.pk, proposed_by=town.owner, agreed_by=town.owner,
    )  # fmt: skip
    order = town.order(placement=link(town, creator, bps=5_000))
    frozen = shares(town, order)
    assert sum(bps for _, bps, _ in frozen.values()) == 10_000
    assert frozen["commission"][1] == 10_000 - 7_000 - frozen["platform_fee"][1]


@pytest.mark.parametrize("values", [{"bps": 5_001}, {"bps": -1}, {"rule": ""}])
def test_a_share_that_cannot_be_is_refused_by_the_database(town, creator, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        link(town, creator, **values)
    with scope(merchant=town.merchant.pk):
        assert Placement.objects.count() == 0
