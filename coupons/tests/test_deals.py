"""Writing deals: exact round trips, every contradiction and gap by name, versions, stock that orders take from."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django_scopes import scopes_disabled

from core.errors import Invalid, NotFound
from coupons.domain.deal_checks import DealInvalid, find_contradictions, find_gaps
from coupons.domain.deal_draft import DealDraft, GroupDraft, ItemDraft, read_draft
from coupons.domain.deal_terms import deal_terms
from coupons.domain.deal_view import content_worth_fen, draft_terms
from coupons.domain.deals import (
    DealChangedMeanwhile,
    DealNotEditable,
    change_offer,
    copy_deal,
    save_deal,
    set_stock,
)
from coupons.domain.stock import StockBelowSold
from coupons.enums import DealKind, DealState, ValidityKind
from coupons.models import Deal, DealGroup, DealItem, DealStock
from coupons.tests.town import make_town, write_stock
from identity.models import AuditEvent

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

GOOD = DealDraft(
    title="双人鸳鸯锅套餐",
    price_fen=12_800,
    list_price_fen=21_600,
    stock=500,
    category="火锅",
    description="请提前一天预约",
    groups=(
        GroupDraft("锅底", 1, (ItemDraft("鸳鸯锅底", 1, 5_800),)),
        GroupDraft(
            "荤菜",
            2,
            (ItemDraft("鲜切吊龙", 1, 6_800), ItemDraft("毛肚", 2, 2_900), ItemDraft("虾滑", 1, 3_600)),
        ),
    ),
)
FIXED = replace(
    GOOD,
    validity_kind=ValidityKind.FIXED,
    valid_days=None,
    valid_from_date=date(2026, 12, 1),
    valid_until_date=date(2026, 12, 31),
)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def save(town, draft, **more):
    return save_deal(merchant=town.merchant, draft=draft, by=town.owner, **more)


def rows():
    return (
        Deal.objects.count(),
        DealGroup.objects.count(),
        DealItem.objects.count(),
        AuditEvent.objects.count(),
    )


def test_a_draft_is_read_back_as_it_was_written(town):
    draft = replace(
        FIXED,
        per_person_limit=3,
        per_order_limit=2,
        sale_from=datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
        sale_until=datetime(2026, 12, 20, 15, 59, tzinfo=UTC),
        usable_weekdays=(0, 1, 2, 3, 4),
        usable_hours=(("11:00", "14:00"), ("17:00", "02:00")),
        blackout_dates=(date(2026, 12, 24), date(2026, 12, 25)),
        all_stores=False,
        store_ids=(town.store.pk,),
        refundable_before_use=False,
        refund_on_expiry=False,
    )

    deal = save(town, draft)

    stored = Deal.objects.get(pk=deal.pk)
    assert read_draft(deal=stored) == draft
    assert (stored.state, stored.version, stored.updated_by) == (DealState.DRAFT, 1, town.owner)
    assert {**deal_terms(deal=stored)} == draft_terms(draft)  # the preview shows what orders will freeze


def test_saving_again_replaces_the_groups_and_counts_the_version(town):
    deal = save(town, GOOD)
    smaller = replace(GOOD, title="一人食", groups=(GroupDraft("", 1, (ItemDraft("小锅", 1, 0),)),))

    save(town, smaller, deal_id=deal.pk, version=1)

    stored = Deal.objects.get(pk=deal.pk)
    assert (stored.title, stored.version) == ("一人食", 2)
    assert read_draft(deal=stored).groups == smaller.groups
    assert DealItem.objects.filter(group__deal=deal).count() == 1


def test_who_saves_an_older_version_is_told_and_changes_nothing(town):
    deal = save(town, GOOD)
    save(town, replace(GOOD, title="先存的"), deal_id=deal.pk, version=1)
    before = rows()

    with pytest.raises(DealChangedMeanwhile) as refused:
        save(town, replace(GOOD, title="后存的"), deal_id=deal.pk, version=1)

    assert refused.value.facts["by"] == "老板"
    assert Deal.objects.get(pk=deal.pk).title == "先存的"
    assert rows() == before


@pytest.mark.parametrize("state", [state for state in DealState if state != DealState.DRAFT])
def test_only_a_draft_is_written(town, state):
    deal = town.make_deal(state=state)
    before = rows()

    with pytest.raises(DealNotEditable) as refused:
        save(town, GOOD, deal_id=deal.pk, version=deal.version)

    assert refused.value.facts == {"state": state}
    assert (Deal.objects.get(pk=deal.pk).price_fen, rows()) == (12_800, before)


def test_another_merchants_deal_and_store_are_out_of_reach(town):
    other = make_town(slug="dongmen", name="东门面馆")
    deal = save(other, GOOD)
    before = rows()

    with pytest.raises(NotFound):
        save(town, replace(GOOD, title="抢来的"), deal_id=deal.pk, version=1)
    with pytest.raises(Invalid) as refused:
        save(town, replace(GOOD, all_stores=False, store_ids=(other.store.pk,)))

    assert refused.value.facts == {"field": "stores", "why": "foreign_store"}
    assert (Deal.objects.get(pk=deal.pk).title, rows()) == (GOOD.title, before)


CONTRADICTIONS = [
    ({"title": "  "}, ("title", "title_missing")),
    ({"list_price_fen": 12_799}, ("list_price_fen", "list_price_below_price")),
    ({"per_order_limit": 11}, ("per_order_limit", "per_order_limit_out_of_range")),
    ({"per_order_limit": 0}, ("per_order_limit", "per_order_limit_out_of_range")),
    ({"per_person_limit": 0}, ("per_person_limit", "per_person_limit_too_small")),
    ({"kind": DealKind.TIMES_CARD, "uses_total": 0}, ("uses_total", "uses_too_few")),
    ({"stock": -1}, ("stock", "stock_negative")),
    ({"sale_from": AT, "sale_until": AT}, ("sale_until", "sale_window_reversed")),
    ({"sale_until": datetime(1, 1, 1, tzinfo=SHANGHAI)}, ("sale_until", "date_out_of_range")),
    ({"sale_from": datetime(9999, 12, 31, 23, 59, tzinfo=SHANGHAI)}, ("sale_from", "date_out_of_range")),
    ({"blackout_dates": (date(9999, 12, 31),)}, ("blackout_dates", "date_out_of_range")),
    ({"valid_days": None}, ("valid_days", "valid_days_missing")),
    ({"valid_days": 0}, ("valid_days", "valid_days_missing")),
    ({"usable_weekdays": (7,)}, ("usable_weekdays", "weekday_unknown")),
    ({"groups": (GroupDraft("", 0, (ItemDraft("面"),)),)}, ("groups.0", "choose_too_few")),
    ({"groups": (GroupDraft("", 1, (ItemDraft(" "),)),)}, ("groups.0", "item_incomplete")),
    ({"groups": (GroupDraft("", 1, (ItemDraft("面", 0),)),)}, ("groups.0", "item_incomplete")),
]
FIXED_CONTRADICTIONS = [
    ({"valid_until_date": date(9999, 12, 31)}, ("valid_until_date", "date_out_of_range")),
    ({"valid_from_date": None}, ("valid_from_date", "valid_date_missing")),
    ({"valid_until_date": None}, ("valid_until_date", "valid_date_missing")),
    ({"valid_until_date": date(2026, 11, 30)}, ("valid_until_date", "valid_dates_reversed")),
]


@pytest.mark.parametrize(
    ("draft", "expected"),
    [(replace(GOOD, **change), expected) for change, expected in CONTRADICTIONS]
    + [(replace(FIXED, **change), expected) for change, expected in FIXED_CONTRADICTIONS],
)
def test_what_not_even_a_draft_may_say_is_named_and_not_written(town, draft, expected):
    before = rows()

    with pytest.raises(DealInvalid) as refused:
        save(town, draft)

    assert [(p.field, p.code) for p in refused.value.problems] == [expected]
    assert rows() == before


GAPS = [
    (GOOD, {"price_fen": None}, ("price_fen", "price_missing")),
    (GOOD, {"list_price_fen": None}, ("list_price_fen", "list_price_missing")),
    (GOOD, {"stock": 0}, ("stock", "stock_missing")),
    (GOOD, {"groups": ()}, ("groups", "groups_missing")),
    (GOOD, {"groups": (GOOD.groups[0], GroupDraft("荤菜", 1, ()))}, ("groups.1", "group_empty")),
    (GOOD, {"groups": (GroupDraft("荤菜", 2, (ItemDraft("毛肚"),)),)}, ("groups.0", "choose_too_many")),
    (GOOD, {"all_stores": False}, ("stores", "stores_missing")),
    (GOOD, {"all_stores": False, "store_ids": (99,)}, ("stores", "stores_closed")),
    (GOOD, {"usable_weekdays": ()}, ("usable_weekdays", "weekdays_missing")),
    (GOOD, {"sale_until": AT}, ("sale_until", "sale_over")),
    (GOOD, {"kind": DealKind.CASH_VOUCHER}, ("face_value_fen", "face_value_missing")),
    (GOOD, {"kind": DealKind.CASH_VOUCHER, "face_value_fen": 12_799}, ("face_value_fen", "face_value_below_price")),
    (GOOD, {"kind": DealKind.TIMES_CARD, "uses_total": 1}, ("uses_total", "uses_too_few")),
    (FIXED, {"valid_from_date": date(2026, 11, 1), "valid_until_date": date(2026, 11, 20)}, ("valid_until_date", "validity_over")),
    (FIXED, {"blackout_dates": (date(2027, 1, 1),)}, ("blackout_dates", "blackout_outside_validity")),
    (FIXED, {"valid_until_date": date(2026, 12, 4), "usable_weekdays": (5, 6)}, ("usable_weekdays", "never_usable")),
    (
        FIXED,
        {"valid_until_date": date(2026, 12, 5), "usable_weekdays": (5, 6), "blackout_dates": (date(2026, 12, 5),)},
        ("usable_weekdays", "never_usable"),
    ),
    (FIXED, {"sale_until": datetime(2027, 1, 1, 0, 1, tzinfo=SHANGHAI)}, ("sale_until", "sale_outlasts_validity")),
]  # fmt: skip


@pytest.mark.parametrize(("base", "change", "expected"), GAPS)
def test_each_gap_is_named_alone(base, change, expected):
    draft = replace(base, **change)
    assert find_contradictions(draft) == []
    gaps = find_gaps(draft, open_store_ids={1, 2}, zone=SHANGHAI, at=AT)
    assert [(gap.field, gap.code) for gap in gaps] == [expected]


@pytest.mark.parametrize(
    "draft",
    [
        GOOD,
        FIXED,
        replace(FIXED, valid_until_date=date(2026, 12, 5), usable_weekdays=(5, 6)),
        replace(FIXED, sale_until=datetime(2027, 1, 1, 0, 0, tzinfo=SHANGHAI)),  # to the end of the last day
        replace(
            FIXED, valid_from_date=date(2026, 11, 1), valid_until_date=date(2026, 11, 21)
        ),  # its last day
        replace(GOOD, kind=DealKind.CASH_VOUCHER, groups=(), face_value_fen=12_800),
        replace(GOOD, kind=DealKind.TIMES_CARD, groups=(), uses_total=2),
        replace(GOOD, list_price_fen=12_800, all_stores=False, store_ids=(2, 99)),
    ],
)
def test_a_complete_deal_has_no_gap(draft):
    assert find_gaps(draft, open_store_ids={1, 2}, zone=SHANGHAI, at=AT) == []


def test_a_shop_without_an_open_store_sells_nothing():
    gaps = find_gaps(GOOD, open_store_ids=set(), zone=SHANGHAI, at=AT)
    assert [(gap.field, gap.code) for gap in gaps] == [("all_stores", "no_open_store")]


def test_the_worth_of_the_content_takes_the_dearest_of_each_choice():
    # 5,800 + the two dearest of 6,800, 2 × 2,900 and 3,600
    assert content_worth_fen(GOOD) == 5_800 + 6_800 + 5_800


def test_a_copy_is_a_draft_with_the_same_values_and_nothing_sold(town):
    deal = town.make_deal(stock=50)
    write_stock(deal, total=50, sold=7)

    copy = copy_deal(deal=deal, by=town.owner, title="双人鸳鸯锅套餐(副本)")

    assert replace(read_draft(deal=copy), title=deal.title) == read_draft(deal=deal)
    assert (copy.state, copy.stock.sold, copy.stock.total) == (DealState.DRAFT, 0, 50)
    assert Deal.objects.get(pk=deal.pk).state == DealState.ONLINE


def test_stock_never_falls_below_what_orders_took(town):
    deal = town.make_deal(stock=10)
    write_stock(deal, total=10, sold=3, held=2)

    set_stock(deal=deal, total=5, by=town.owner)
    with pytest.raises(StockBelowSold) as refused:
        set_stock(deal=deal, total=4, by=town.owner)

    assert refused.value.facts == {"taken": 5}
    assert DealStock.objects.get(deal=deal).total == 5
    set_stock(deal=deal, total=None, by=town.owner)
    assert DealStock.objects.get(deal=deal).left is None
    assert [
        event.facts["total"] for event in AuditEvent.objects.filter(verb="deal.stock").order_by("id")
    ] == [5, None]


def test_an_ended_deals_stock_stays(town):
    deal = town.make_deal(stock=10, state=DealState.ENDED)

    with pytest.raises(DealNotEditable):
        set_stock(deal=deal, total=20, by=town.owner)

    assert DealStock.objects.get(deal=deal).total == 10


def test_what_needs_no_review_changes_at_once_together(town):
    deal = town.make_deal(stock=10)
    until = AT + timedelta(days=30)

    change_offer(deal=deal, total=20, per_person_limit=2, sale_until=until, by=town.owner)

    stored = Deal.objects.select_related("stock").get(pk=deal.pk)
    assert (stored.stock.total, stored.per_person_limit, stored.sale_until) == (20, 2, until)
    assert (stored.state, stored.version) == (DealState.ONLINE, 2)


def test_an_offer_is_changed_as_a_whole_or_not_at_all(town):
    deal = town.make_deal(stock=10, sale_from=AT)
    write_stock(deal, total=10, sold=6)

    with pytest.raises(StockBelowSold):
        change_offer(deal=deal, total=5, per_person_limit=2, sale_until=None, by=town.owner)
    with pytest.raises(DealInvalid) as refused:
        change_offer(deal=deal, total=20, per_person_limit=2, sale_until=AT, by=town.owner)

    assert [(p.field, p.code) for p in refused.value.problems] == [("sale_until", "sale_window_reversed")]
    stored = Deal.objects.select_related("stock").get(pk=deal.pk)
    assert (stored.stock.total, stored.per_person_limit, stored.version) == (10, None, 1)


@pytest.mark.parametrize("state", [DealState.DRAFT, DealState.IN_REVIEW, DealState.REJECTED, DealState.ENDED])
def test_an_offer_is_changed_only_on_sale_or_paused(town, state):
    deal = town.make_deal(stock=10, state=state)

    with pytest.raises(DealNotEditable):
        change_offer(deal=deal, total=20, per_person_limit=None, sale_until=None, by=town.owner)

    assert DealStock.objects.get(deal=deal).total == 10
