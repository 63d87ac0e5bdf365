"""Every page under /m/<slug>/ × everybody who serves shops: a provider with each scope, with none, who it was taken from.

And stations, creators, customers and strangers. The shop's own posts are in test_merchant_pages.py, the pages of providers and
stations × the same people in test_provider_pages.py and providers/tests/test_station_pages.py.

A new page that a scope opens fails `test_every_page_says_which_scope_opens_it` until it is entered here.
"""

import pytest
from django.test import Client
from django_scopes import scopes_disabled

from identity.domain.grants import end_grants, give_scopes
from identity.enums import PartyKind, Scope
from identity.models import Party, User
from providers.creators.tests.studio import make_creator
from providers.tests.firms import make_firm
from providers.tests.stations import make_house
from tests.tenancy.test_merchant_pages import PAGES, address, assert_nothing_there, both
from tests.tenancy.urlconf import URLS
from tests.tenancy.worlds import World, fingerprint

SCOPED: dict[Scope, set[str]] = {
    Scope.STORES: {
        "stores", "store_add", "store_detail", "store_edit", "store_close", "store_reopen", "store_poster",
    },
    Scope.DEALS: {
        "coupons:deals", "coupons:deal_new", "coupons:deal_preview", "coupons:deal_edit", "coupons:deal_offer",
        "coupons:deal_stock", "coupons:deal_submit", "coupons:deal_withdraw", "coupons:deal_reopen",
        "coupons:deal_pause", "coupons:deal_resume", "coupons:deal_end", "coupons:deal_copy", "coupons:deal_entrances",
        "coupons:deal_link_add", "coupons:deal_link", "coupons:deal_link_close", "coupons:deal_entrance_pieces",
        "coupons:deal_entrance_take_back", "live_sessions", "live_new", "live_session", "live_edit", "live_start",
        "live_end", "live_cancel", "live_deal_add", "live_deal_pieces", "live_note_add", "live_note_tick", "live_card",
        "live_deal_card", "live_wall", "live_wall_figures", "creator_tasks", "creator_task_new", "creator_task_detail",
        "creator_task_edit", "creator_task_open", "creator_task_extend", "creator_task_end", "creator_claim_answer",
        "exclusives", "exclusive_new",
    },
    Scope.REDEMPTIONS: {
        "merchant_home", "coupons", "coupon_detail", "redemptions", "redemptions_export", "redemption_detail",
        "order_attribution",
    },
    Scope.REFUNDS: {
        "refunds", "refund_detail", "refund_approve", "refund_reject", "refund_retry", "redemption_refund",
    },
    Scope.SETTLEMENT: {
        "statements", "statement_detail", "statement_export", "statement_files", "statement_file", "line_why",
    },
}  # fmt: skip
ONES_OWN = {"statement_file"}  # opened by the scope, but holds what somebody himself had made
OPENED_BY = {name: one for one, names in SCOPED.items() for name in names}


@pytest.fixture
def agent(ours: World) -> User:
    """Somebody of a firm, with no engagement yet."""
    with scopes_disabled():
        return User.objects.create_user(name="代运营小王")


def engage(agent: User, shop: World, *scopes: Scope) -> None:
    firm, _made = Party.objects.get_or_create(kind=PartyKind.PROVIDER, name="代运营")
    give_scopes(
        user=agent, party_id=shop.town.merchant.pk, for_party_id=firm.pk, scopes=scopes, store_ids=None, why="test"
    )  # fmt: skip


def signed_in_as(agent: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(agent)
    return client


def test_every_page_says_which_scope_opens_it() -> None:
    told = {name: getattr(URLS[name].view, "merchant_scope", None) for name in PAGES}
    assert {name: one for name, one in told.items() if one} == OPENED_BY


@pytest.mark.parametrize("name", sorted(PAGES))
def test_each_scope_opens_its_pages_only(ours: World, agent: User, name: str) -> None:
    """Its own scope alone opens a page, all the others together do not; and what was taken back is closed."""
    client, url = signed_in_as(agent), address(name, ours)
    own = OPENED_BY.get(name)
    assert_nothing_there(both(client, url))
    engage(agent, ours, *(set(Scope) - {own}))
    assert_nothing_there(both(client, url))
    if own is None:
        return
    engage(agent, ours, own)
    statuses = both(client, url)
    if name in ONES_OWN:
        assert_nothing_there(statuses)
    else:
        assert statuses.isdisjoint({403, 404, 500})
        assert statuses & {200, 302, 303, 422}
    end_grants(user=agent, party_id=ours.town.merchant.pk, why="test")
    assert_nothing_there(both(client, url))


@pytest.mark.parametrize("name", sorted(OPENED_BY))
def test_who_serves_one_shop_finds_nothing_of_another(
    ours: World, theirs: World, agent: User, name: str
) -> None:
    engage(agent, theirs, *Scope)
    before = fingerprint()
    assert_nothing_there(both(signed_in_as(agent), address(name, ours)))
    assert fingerprint() == before


@pytest.fixture(scope="module")
def outsiders(worlds: tuple[World, World]) -> dict[str, User]:
    """Who has a place in the channel, but none at this shop; made in the transaction of the two shops."""
    with scopes_disabled():
        firm = make_firm("别家代运营")
        house = make_house(firm, "别家站点")
        return {
            "provider without an engagement": firm.owner,
            "finance of that provider": firm.finance,
            "station": house.owner,
            "creator": make_creator("探店小李").user,
            "customer of the shop": worlds[0].town.customer.user,
            "stranger": User.objects.create_user(name="路人"),
        }


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_provider_station_creator_customer_or_stranger_finds_a_shops_page(
    ours: World, outsiders: dict[str, User], name: str
) -> None:
    before = fingerprint()
    for who, user in outsiders.items():
        statuses = both(signed_in_as(user), address(name, ours))
        assert 404 in statuses, who
        assert statuses <= {404, 405}, who
    assert fingerprint() == before
