"""Deals over HTTP: the list, the editor and its preview, steps by buttons, doors shut to strangers."""

import pytest
from django.urls import reverse
from django_scopes import scopes_disabled

from coupons.domain.deal_draft import GroupDraft, ItemDraft, read_draft
from coupons.enums import DealKind, DealState, ValidityKind
from coupons.models import Deal, DealReview, DealStock
from coupons.tests.town import make_town, make_user, write_stock
from identity.enums import Role
from identity.models import AuditEvent
from merchants.domain.memberships import set_membership


@pytest.fixture
def town(db):
    with scopes_disabled():
        town = make_town()
        Deal.objects.all().update(title="在售的老套餐")
    return town


@pytest.fixture
def office(client, town):
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


def test_the_editor_keeps_every_value_exactly(office, town):
    response = office.post(url("deal_new", town), form_values())

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


def test_what_the_editor_shows_saves_back_unchanged(office, town):
    office.post(url("deal_new", town), form_values())
    with scopes_disabled():
        deal = Deal.objects.latest("id")
        before = read_draft(deal=deal)
    form = office.get(url("deal_edit", town, deal.pk)).context["form"]
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

    response = office.post(url("deal_edit", town, deal.pk), shown)

    assert response.status_code == 302
    with scopes_disabled():
        deal.refresh_from_db()
        assert read_draft(deal=deal) == before
        assert deal.version == 2


@pytest.mark.parametrize("page_name", ["deals", "deal_new"])
def test_pages_open(office, town, page_name):
    assert office.get(url(page_name, town)).status_code == 200


@pytest.mark.parametrize("state", DealState)
def test_a_deal_opens_in_every_state(office, town, state):
    with scopes_disabled():
        deal = town.make_deal(state=state)
        DealReview.objects.create(
            merchant=town.merchant, deal=deal, approved=False, reason="照片不清楚", decided_at=deal.created_at
        )
    response = office.get(url("deal_edit", town, deal.pk))
    assert response.status_code == 200
    assert ("照片不清楚" in response.text) == (state == DealState.REJECTED)


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"price_fen": "12.805"}, "price_fen", "At most two decimals: the smallest unit is 0.01."),
        ({"price_fen": "十二元"}, "price_fen", "Write an amount such as 12.80."),
        ({"price_fen": "1e3"}, "price_fen", "Write an amount such as 12.80."),
        ({"price_fen": "-1"}, "price_fen", "Write an amount such as 12.80."),
        ({"price_fen": "10000000.01"}, "price_fen", "At most ¥10,000,000.00."),
        ({"title": "  "}, "title", "This field is required."),
        ({"title": "长" * 61}, "title", "Ensure this value has at most 60 characters (it has 61)."),
        ({"list_price_fen": "127.99"}, "list_price_fen", "The list price must not be below the price of ¥128.00."),
        ({"per_order_limit": "11"}, "per_order_limit", "Ensure this value is less than or equal to 10."),
        ({"usable_hours": "11 to noon"}, "usable_hours", "Write hours such as 11:00-14:00, 17:00-21:30."),
        ({"usable_hours": "11:00-25:00"}, "usable_hours", "Write hours such as 11:00-14:00, 17:00-21:30."),
        ({"usable_hours": "11:00-11:00"}, "usable_hours", "11:00-11:00 is no span of time."),
        ({"usable_weekdays": ["9"]}, "usable_weekdays", "Select a valid choice. 9 is not one of the available choices."),
        ({"blackout_dates": "2027-02-30"}, "blackout_dates", "2027-02-30 is no date; write 2026-02-16."),
        ({"valid_days": ""}, "valid_days", "Say for how many days after purchase it is valid."),
        ({"validity_kind": "fixed"}, "valid_from_date", "Say the date."),
        ({"kind": "lottery"}, "kind", "Select a valid choice. lottery is not one of the available choices."),
        ({"sale_from": "0001-01-01T00:00"}, "sale_from", "Choose a day between the years 2000 and 2099."),
        ({"sale_until": "9999-12-31T23:59"}, "sale_until", "Choose a day between the years 2000 and 2099."),
        ({"stock": "-1"}, "stock", "Ensure this value is greater than or equal to 0."),
        ({"sale_from": "2026-12-02T10:00", "sale_until": "2026-12-01T10:00"}, "sale_until", "The sale must end after it begins."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_at_its_field_and_nothing_is_written(office, town, typed, field, sentence):
    response = office.post(url("deal_new", town), form_values(**typed))

    assert response.status_code == 422
    assert response.context["form"].errors[field] == [sentence]
    problem = response.context["problems"][0]
    assert str(problem.sentence) == sentence
    assert problem.address in (f"#id_{field}", f"#id_{field}_0")
    with scopes_disabled():
        assert Deal.objects.count() == 1  # the town's own
    assert not AuditEvent.objects.filter(verb="deal.create").exists()


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ({"g1-i0-unit_price_fen": "1.234"}, "g1-i0-unit_price_fen"),
        ({"g1-i0-quantity": "0"}, "g1-i0-quantity"),
        ({"g1-i0-name": ""}, "g1-i0-name"),
        ({"g0-choose": "x"}, "g0-choose"),
        ({"g0-name": "长" * 41}, "g0-name"),
    ],
)
def test_a_wrong_item_is_named_and_nothing_is_written(office, town, typed, key):
    response = office.post(url("deal_new", town), form_values(**typed))

    assert response.status_code == 422
    assert [problem.address for problem in response.context["problems"]] == [f"#id_{key}"]
    assert f'id="id_{key}"' in response.text
    with scopes_disabled():
        assert Deal.objects.count() == 1


def test_submitting_an_incomplete_deal_keeps_the_draft_and_names_every_gap(office, town):
    typed = form_values(
        then="submit",
        stock="0",
        **{"g1-choose": "9", "g0-name": "", "g0-i0-name": "", "g0-i0-unit_price_fen": ""},
    )

    response = office.post(url("deal_new", town), typed)

    with scopes_disabled():
        deal = Deal.objects.latest("id")
        assert not DealReview.objects.exists()
    assert (response.status_code, deal.state, deal.title) == (422, DealState.DRAFT, "双人鸳鸯锅套餐")
    assert [(p.address, p.sentence) for p in response.context["problems"]] == [
        ("#id_stock", "Put at least 1 into stock, or leave it empty for no end."),
        ("#id_g1-choose", "The group has only 2 items to choose from."),  # the blank first group is left out
    ]
    # The page goes on from the version just saved.
    again = office.post(
        url("deal_edit", town, deal.pk), typed | {"version": "1", "stock": "5", "g1-choose": "2"}
    )
    assert again.status_code == 302
    with scopes_disabled():
        deal.refresh_from_db()
    assert deal.state == DealState.IN_REVIEW


def test_submitting_from_the_editor_opens_a_review(office, town):
    response = office.post(url("deal_new", town), form_values(then="submit"))

    with scopes_disabled():
        deal = Deal.objects.latest("id")
        review = DealReview.objects.get()
    assert (response.status_code, response.url) == (302, url("deals", town))
    assert (deal.state, review.deal_id, review.submitted_by_id) == (
        DealState.IN_REVIEW,
        deal.pk,
        town.owner.pk,
    )


def test_two_editors_the_second_is_told_who_saved(office, town):
    office.post(url("deal_new", town), form_values())
    with scopes_disabled():
        deal = Deal.objects.latest("id")
    office.post(url("deal_edit", town, deal.pk), form_values(version="1", title="先存的"))

    response = office.post(url("deal_edit", town, deal.pk), form_values(version="1", title="后存的"))

    assert response.status_code == 409
    assert response.context["conflict"].title.startswith("老板 saved this deal at ")
    assert 'value="后存的"' in response.text  # nothing typed is lost
    with scopes_disabled():
        deal.refresh_from_db()
    assert (deal.title, deal.version) == ("先存的", 2)


def test_a_deal_on_sale_is_not_written_by_the_editors_address(office, town):
    response = office.post(url("deal_edit", town, town.deal.pk), form_values(version="1"))

    assert response.status_code == 302
    with scopes_disabled():
        town.deal.refresh_from_db()
    assert (town.deal.title, town.deal.version) == ("在售的老套餐", 1)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("add-group", [["锅底", ["鸳鸯锅底"]], ["荤菜", ["吊龙", "毛肚", ""]], ["", [""]]]),
        ("remove-0", [["荤菜", ["吊龙", "毛肚", ""]]]),
        ("down-0", [["荤菜", ["吊龙", "毛肚", ""]], ["锅底", ["鸳鸯锅底"]]]),
        ("up-0", [["锅底", ["鸳鸯锅底"]], ["荤菜", ["吊龙", "毛肚", ""]]]),
        ("add-item-0", [["锅底", ["鸳鸯锅底", ""]], ["荤菜", ["吊龙", "毛肚", ""]]]),
        ("up-1-1", [["锅底", ["鸳鸯锅底"]], ["荤菜", ["毛肚", "吊龙", ""]]]),
        ("remove-1-0", [["锅底", ["鸳鸯锅底"]], ["荤菜", ["毛肚", ""]]]),
        ("remove-7-0", [["锅底", ["鸳鸯锅底"]], ["荤菜", ["吊龙", "毛肚", ""]]]),
        ("nonsense", [["锅底", ["鸳鸯锅底"]], ["荤菜", ["吊龙", "毛肚", ""]]]),
    ],
)
@pytest.mark.parametrize("with_script", [True, False])
def test_groups_and_items_are_moved_by_buttons_with_and_without_script(
    office, town, action, expected, with_script
):
    address = url("deal_preview" if with_script else "deal_new", town)

    response = office.post(address, form_values(content=action))

    rows = response.context["form"].content.rows
    assert response.status_code == 200
    assert [[row["name"], [item["name"] for item in row["items"]]] for row in rows] == expected
    with scopes_disabled():
        assert Deal.objects.count() == 1


def test_the_preview_shows_what_is_typed_and_stores_nothing(office, town, django_assert_max_num_queries):
    office.get(url("deals", town))
    with django_assert_max_num_queries(14):
        response = office.post(url("deal_preview", town), form_values(price_fen="99.5", list_price_fen="x"))

    view = response.context["preview"]
    assert (view.title, view.price_fen, view.list_price_fen) == ("双人鸳鸯锅套餐", 9_950, None)
    assert [group["name"] for group in view.groups] == ["锅底", "荤菜"]
    assert view.store_count == 2
    assert response.context["worth_fen"] == 5_800 + 13_600
    assert "¥99.50" in response.text
    with scopes_disabled():
        assert Deal.objects.count() == 1


@pytest.mark.parametrize("template", ["meal_for_two", "cash_voucher", "times_card", "", "no-such"])
def test_starters_are_offered_and_can_be_submitted_as_they_are(office, town, template):
    response = office.get(f"{url('deal_new', town)}?template={template}")

    draft = response.context["form"].shown_draft
    assert response.status_code == 200
    assert (response.context["problems"] == []) == (
        template in ("meal_for_two", "cash_voucher", "times_card")
    )
    assert draft.kind == {"cash_voucher": DealKind.CASH_VOUCHER, "times_card": DealKind.TIMES_CARD}.get(
        template, DealKind.PACKAGE
    )


def test_a_shop_without_deals_is_offered_the_starters(client, db):
    with scopes_disabled():
        town = make_town()
        Deal.objects.all().delete()
    client.force_login(town.owner)

    response = client.get(url("deals", town))

    for template in ("meal_for_two", "cash_voucher", "times_card"):
        assert f"{url('deal_new', town)}?template={template}" in response.text


def listed(response):
    return [deal.title for deal in response.context["page"].object_list]


def test_the_list_counts_searches_and_filters(office, town):
    with scopes_disabled():
        draft = town.make_deal(state=DealState.DRAFT, title="草稿一")
        voucher = town.make_deal(title="代金券一", kind=DealKind.CASH_VOUCHER, all_stores=False)
        voucher.stores.add(town.store)
        write_stock(draft, total=100, sold=4)
    lists = url("deals", town)

    every = office.get(lists)
    assert listed(every) == ["代金券一", "草稿一", "在售的老套餐"]
    assert [(str(tab["label"]), tab["count"]) for tab in every.context["tabs"]] == [
        ("All", 3), ("On sale", 2), ("In review", 0), ("Rejected", 0), ("Draft", 1), ("Paused", 0), ("Ended", 0),
    ]  # fmt: skip
    assert listed(office.get(lists, {"state": "draft"})) == ["草稿一"]
    assert listed(office.get(lists, {"q": "代金"})) == ["代金券一"]
    assert listed(office.get(lists, {"kind": "cash_voucher"})) == ["代金券一"]
    assert listed(office.get(lists, {"store": town.other_store.pk})) == ["草稿一", "在售的老套餐"]
    assert "No deal fits these filters." in office.get(lists, {"q": "没有的"}).text
    assert listed(office.get(lists, {"state": "bogus", "kind": "bogus"})) == [
        "代金券一",
        "草稿一",
        "在售的老套餐",
    ]
    partial = office.get(lists, {"q": "代金"}, headers={"HX-Request": "true"})
    assert "<html" not in partial.text
    assert listed(partial) == ["代金券一"]


@pytest.mark.parametrize("more", [0, 2])
def test_the_list_asks_as_much_of_the_database_for_one_deal_as_for_three(
    office, town, more, django_assert_num_queries
):
    with scopes_disabled():
        for _number in range(more):
            town.make_deal(state=DealState.REJECTED)
    office.get(url("deals", town))

    with django_assert_num_queries(8):
        response = office.get(url("deals", town))

    assert len(response.context["page"].object_list) == 1 + more


def test_a_rejected_row_says_why_with_the_latest_reason(office, town):
    with scopes_disabled():
        deal = town.make_deal(state=DealState.REJECTED)
        for reason in ("先前的原因", "请补充份量"):
            DealReview.objects.create(
                merchant=town.merchant, deal=deal, approved=False, reason=reason, decided_at=deal.created_at
            )

    text = office.get(url("deals", town)).text

    assert "Sent back: 请补充份量" in text
    assert "先前的原因" not in text


def test_stock_is_changed_in_its_row_or_refused_there(office, town):
    with scopes_disabled():
        write_stock(town.deal, total=100, sold=7, held=1)
    address, htmx = url("deal_stock", town, town.deal.pk), {"HX-Request": "true"}

    fine = office.post(address, {"total": "８"}, headers=htmx)
    assert (fine.status_code, "Stock saved." in fine.headers["HX-Trigger"]) == (200, True)
    for wrong, sentence in [
        ("7", "8 are sold or held by orders already."),
        ("-1", "Ensure this value is greater than or equal to 0."),
        ("3.5", "Enter a whole number."),
    ]:
        refused = office.post(address, {"total": wrong}, headers=htmx)
        assert (refused.status_code, sentence in refused.text) == (422, True)
    with scopes_disabled():
        assert DealStock.objects.get().total == 8
    assert office.post(address, {"total": ""}).url == url("deals", town)
    with scopes_disabled():
        assert DealStock.objects.get().total is None


def test_what_changes_at_once_is_saved_or_refused_at_its_field(office, town):
    with scopes_disabled():
        write_stock(town.deal, total=100, sold=7)
    address = url("deal_offer", town, town.deal.pk)

    refused = office.post(address, {"total": "6", "per_person_limit": "2", "sale_until": ""})
    assert refused.status_code == 422
    assert refused.context["offer_form"].errors["total"] == ["7 are sold or held by orders already."]
    saved = office.post(address, {"total": "9", "per_person_limit": "2", "sale_until": "2027-01-01T00:00"})

    assert saved.status_code == 302
    with scopes_disabled():
        deal = Deal.objects.select_related("stock").get(pk=town.deal.pk)
    assert (deal.stock.total, deal.per_person_limit) == (9, 2)
    assert deal.sale_until.isoformat() == "2026-12-31T16:00:00+00:00"  # typed in the merchant's zone


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (DealState.DRAFT, "deal_submit", DealState.IN_REVIEW),
        (DealState.IN_REVIEW, "deal_withdraw", DealState.DRAFT),
        (DealState.REJECTED, "deal_reopen", DealState.DRAFT),
        (DealState.ONLINE, "deal_pause", DealState.PAUSED),
        (DealState.PAUSED, "deal_resume", DealState.ONLINE),
        (DealState.ONLINE, "deal_end", DealState.ENDED),
        (DealState.DRAFT, "deal_pause", DealState.DRAFT),
        (DealState.ENDED, "deal_resume", DealState.ENDED),
        (DealState.DRAFT, "deal_end", DealState.DRAFT),
    ],
)
def test_steps_by_buttons(office, town, before, name, after):
    with scopes_disabled():
        deal = town.make_deal(state=before)
    address = url(name, town, deal.pk)

    assert office.get(address).status_code == 405
    response = office.post(address, follow=True)

    assert response.status_code == 200
    assert ("The deal&#x27;s state has changed meanwhile." in response.text) == (before == after)
    with scopes_disabled():
        deal.refresh_from_db()
    assert deal.state == after


def test_submitting_an_incomplete_draft_from_the_list_leads_to_the_editor(office, town):
    with scopes_disabled():
        deal = town.make_deal(state=DealState.DRAFT, usable_weekdays=[])

    response = office.post(url("deal_submit", town, deal.pk), follow=True)

    assert response.redirect_chain == [(url("deal_edit", town, deal.pk), 302)]
    assert "Choose at least one weekday." in response.text


def test_a_copy_is_a_draft_of_its_own(office, town):
    response = office.post(url("deal_copy", town, town.deal.pk))

    with scopes_disabled():
        copy = Deal.objects.latest("id")
    assert response.url == url("deal_edit", town, copy.pk)
    assert (copy.title, copy.state, copy.price_fen) == ("在售的老套餐 (copy)", DealState.DRAFT, 12_800)


ADDRESSES = [
    "deal_edit", "deal_offer", "deal_stock", "deal_submit", "deal_withdraw", "deal_reopen", "deal_pause",
    "deal_resume", "deal_end", "deal_copy",
]  # fmt: skip


@pytest.mark.parametrize("name", ADDRESSES)
def test_another_merchants_deal_is_not_there(client, town, name):
    with scopes_disabled():
        other = make_town(slug="dongmen", name="东门面馆")
        rows = Deal.objects.count()
    client.force_login(other.owner)
    for slug, deal in [("laozao", town.deal), ("dongmen", town.deal), ("dongmen", None)]:
        address = reverse(f"coupons:{name}", args=[slug, deal.pk if deal else 1])
        for response in [client.post(address, form_values(version="1", total="1")), client.get(address)]:
            assert response.status_code in (404, 405), address
            assert "在售的老套餐" not in response.text
    with scopes_disabled():
        town.deal.refresh_from_db()
        assert (town.deal.state, town.deal.version, Deal.objects.count()) == (DealState.ONLINE, 1, rows)
        assert DealStock.objects.get(deal=town.deal).total == 100


def test_another_merchants_stores_are_no_choice(office, town):
    with scopes_disabled():
        other = make_town(slug="dongmen", name="东门面馆")
    typed = form_values(stores=[str(other.store.pk)])
    typed.pop("all_stores")

    response = office.post(url("deal_new", town), typed)
    listing = office.get(url("deals", town), {"store": other.store.pk})

    assert response.status_code == 422
    assert "stores" in response.context["form"].errors
    assert "东门面馆" not in response.text + listing.text
    with scopes_disabled():
        assert Deal.objects.filter(merchant=town.merchant).count() == 1


@pytest.mark.parametrize(("role", "status"), [(Role.MANAGER, 200), (Role.FINANCE, 404), (Role.CLERK, 404)])
def test_only_owners_and_managers_open_deals(client, town, role, status):
    user = make_user("小赵")
    with scopes_disabled():
        set_membership(merchant=town.merchant, user=user, role=role, stores=[town.store], by=town.owner)
    client.force_login(user)

    assert client.get(url("deals", town)).status_code == status
    assert client.get(url("deal_edit", town, town.deal.pk)).status_code == status


def test_a_manager_of_one_store_keeps_the_stores_he_does_not_see(client, town):
    manager = make_user("店长")
    with scopes_disabled():
        set_membership(
            merchant=town.merchant, user=manager, role=Role.MANAGER, stores=[town.store], by=town.owner
        )
        deal = town.make_deal(state=DealState.DRAFT, all_stores=False)
        deal.stores.set([town.store, town.other_store])
    client.force_login(manager)
    typed = form_values(version="1", stores=[])
    typed.pop("all_stores")

    response = client.post(url("deal_edit", town, deal.pk), typed)

    assert response.status_code == 302
    with scopes_disabled():
        assert list(deal.stores.all()) == [town.other_store]


def test_fixed_dates_are_kept_as_days(office, town):
    office.post(
        url("deal_new", town),
        form_values(
            validity_kind="fixed",
            valid_from_date="2027-01-01",
            valid_until_date="2027-03-31",
            valid_days="",
            blackout_dates="2027-02-17",
        ),
    )
    with scopes_disabled():
        draft = read_draft(deal=Deal.objects.latest("id"))
    assert draft.validity_kind == ValidityKind.FIXED
    assert (str(draft.valid_from_date), str(draft.valid_until_date), draft.valid_days) == (
        "2027-01-01",
        "2027-03-31",
        None,
    )


@pytest.mark.parametrize(
    "typed",
    [
        {"valid_until_date": "0001-01-01", "validity_kind": "fixed", "valid_from_date": "0001-01-01"},
        {"valid_until_date": "9999-12-31", "validity_kind": "fixed", "valid_from_date": "9999-12-31"},
        {"sale_until": "0001-01-01T00:00"},
        {"sale_from": "9999-12-31T23:59"},
        {"g-count": "99999999", "g0-count": "-1", "g1-count": "x"},
        {"title": "\x00", "g0-i0-name": "\x00", "content": "up-0-99999999999"},
        {"price_fen": "9" * 5000, "stock": "9" * 400, "g0-i0-quantity": "9" * 400},
        {"stores": ["99999999999999999999999", "x"], "usable_weekdays": ["-1", "x"]},
        {"version": "99999999999999999999"},
    ],
)
@pytest.mark.parametrize("name", ["deal_preview", "deal_new"])
def test_senseless_input_is_answered_and_nothing_is_written(office, town, typed, name):
    response = office.post(url(name, town), form_values(**typed))

    assert response.status_code in ((200,) if name == "deal_preview" or "content" in typed else (422, 302))
    with scopes_disabled():
        assert Deal.objects.count() == (2 if response.status_code == 302 else 1)


@pytest.mark.parametrize("number", ["99999999999999999999999999", "0"])
def test_a_number_no_deal_has_is_not_found(office, town, number):
    address = f"/m/{town.merchant.slug}/deals/{number}/"
    assert office.get(address).status_code == 404
    assert office.post(f"{address}stock/", {"total": "1"}).status_code == 404
    assert office.get(url("deals", town), {"store": number, "page": number, "q": "\x00"}).status_code == 200


def test_wrong_items_and_contradictions_are_named_together(office, town):
    typed = form_values(list_price_fen="100", **{"g1-i0-unit_price_fen": "1.234"})

    response = office.post(url("deal_new", town), typed)

    assert response.status_code == 422
    assert [(p.address, p.sentence) for p in response.context["problems"]] == [
        ("#id_list_price_fen", "The list price must not be below the price of ¥128.00."),
        ("#id_g1-i0-unit_price_fen", "At most two decimals: the smallest unit is 0.01."),
    ]
    assert response.context["preview"].list_price_fen == 10_000  # the preview still shows what was typed
