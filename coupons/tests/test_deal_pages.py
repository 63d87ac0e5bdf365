"""Deals over HTTP: the list, the editor and its preview, steps by buttons, doors shut to strangers."""

import pytest
from django.urls import reverse
from django_scopes import scopes_disabled

from coupons.domain.deal_draft import GroupDraft, ItemDraft, read_draft
from coupons.enums import DealState
from coupons.models import Deal, DealReview
from coupons.tests.town import make_town


@pytest.fixture
def town(db):
    with scopes_disabled():
        town = make_town()
        Deal.objects.all().update(title="在售的老套餐")
    return town


@pytest.fixture
def page(client, town):
    client.force_login(town.owner)
    client.cookies["django_language"] = "en"
    return client


def url(name, town, *args):
    return reverse(f"coupons:{name}", args=[town.merchant.slug, *args])


def form_values(**changes):
    values = {
        "title": "双人鸳鸯锅套餐", "kind": "package", "category": "火锅", "price_fen": "128", "list_price_fen": "¥1,216.50",
        "stock": "500", "description": "请提前预约", "validity_kind": "days", "valid_days": "90",
        "usable_weekdays": ["0", "1", "2", "3", "4"], "usable_hours": "11:00-14:00，17:00～2:00",
        "blackout_dates": "2027-02-17, 2027/2/16", "all_stores": "on", "per_order_limit": "10", "per_person_limit": "",
        "refundable_before_use": "on", "version": "",
        "g-count": "2", "g0-name": "锅底", "g0-choose": "", "g0-count": "1", "g0-i0-name": "鸳鸯锅底", "g0-i0-quantity": "1",
        "g0-i0-unit_price_fen": "５８．０", "g1-name": "荤菜", "g1-choose": "1", "g1-count": "3", "g1-i0-name": "吊龙",
        "g1-i0-quantity": "2", "g1-i0-unit_price_fen": "68", "g1-i1-name": "毛肚", "g1-i1-quantity": "", "g1-i1-unit_price_fen": "",
        "g1-i2-name": "", "g1-i2-quantity": "1", "g1-i2-unit_price_fen": "", "then": "save",
    }  # fmt: skip
    return values | changes


def test_the_editor_keeps_every_value_exactly(page, town):
    response = page.post(url("deal_new", town), form_values())

    with scopes_disabled():
        deal = Deal.objects.latest("id")
        draft = read_draft(deal=deal)
    assert response.status_code == 302
    assert response.url == url("deal_edit", town, deal.pk)
    assert draft.price_fen == 12_800
    assert draft.list_price_fen == 121_650
    assert draft.stock == 500
    assert draft.usable_weekdays == (0, 1, 2, 3, 4)
    assert draft.usable_hours == (("11:00", "14:00"), ("17:00", "02:00"))
    assert [str(day) for day in draft.blackout_dates] == ["2027-02-16", "2027-02-17"]
    assert (draft.refundable_before_use, draft.refund_on_expiry) == (True, False)
    assert draft.groups == (
        GroupDraft("锅底", 1, (ItemDraft("鸳鸯锅底", 1, 5_800),)),
        GroupDraft("荤菜", 1, (ItemDraft("吊龙", 2, 6_800), ItemDraft("毛肚", 1, 0))),
    )
    assert (deal.state, deal.updated_by_id) == (DealState.DRAFT, town.owner.pk)


def test_what_the_editor_shows_saves_back_unchanged(page, town):
    page.post(url("deal_new", town), form_values())
    with scopes_disabled():
        deal = Deal.objects.latest("id")
        before = read_draft(deal=deal)
    form = page.get(url("deal_edit", town, deal.pk)).context["form"]
    shown = {}
    for bound in form:
        value = bound.value()
        if bound.name in ("usable_weekdays", "stores"):
            shown[bound.name] = [str(one) for one in value]
        elif isinstance(value, bool):
            shown |= {bound.name: "on"} if value else {}
        elif value is not None:
            shown[bound.name] = str(value)
    shown |= {key: str(value) for key, value in form.content._data().items()}

    response = page.post(url("deal_edit", town, deal.pk), shown)

    assert response.status_code == 302
    with scopes_disabled():
        deal.refresh_from_db()
        assert read_draft(deal=deal) == before
        assert deal.version == 2


@pytest.mark.parametrize("page_name", ["deals", "deal_new"])
def test_pages_open(page, town, page_name):
    assert page.get(url(page_name, town)).status_code == 200


@pytest.mark.parametrize("state", DealState)
def test_a_deal_opens_in_every_state(page, town, state):
    with scopes_disabled():
        deal = town.make_deal(state=state)
        DealReview.objects.create(
            merchant=town.merchant, deal=deal, approved=False, reason="照片不清楚", decided_at=deal.created_at
        )
    response = page.get(url("deal_edit", town, deal.pk))
    assert response.status_code == 200
    assert ("照片不清楚" in response.text) == (state == DealState.REJECTED)
