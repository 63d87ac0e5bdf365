"""Every page under /m/<slug>/ × everybody who serves shops: a provider with each scope, with none, and who it was taken from.

A new page that a scope opens fails `test_every_page_says_which_scope_opens_it` until it is entered here.
"""

import pytest
from django.test import Client
from django_scopes import scopes_disabled

from identity.domain.grants import end_grants, give_scopes
from identity.enums import PartyKind, Scope
from identity.models import Party, User
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
    client, url = signed_in_as(agent), address(name, ours)
    assert_nothing_there(both(client, url))
    for one in Scope:
        engage(agent, ours, one)
        statuses = both(client, url)
        if one == OPENED_BY.get(name) and name not in ONES_OWN:
            assert statuses.isdisjoint({403, 404, 500}), one
            assert statuses & {200, 302, 303, 422}, one
        else:
            assert_nothing_there(statuses)
    engage(agent, ours, *Scope)
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
