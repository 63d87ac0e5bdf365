"""Redemption records and coupons over HTTP: who sees what, filters and sums, files, the story, the office's undo."""

import csv
import html
import io
import re
from datetime import timedelta

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scopes_disabled

from core.templatetags.tongdao import counted
from coupons.domain.codes import new_code
from coupons.domain.redemption_refusals import CouponUnknown
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.enums import DealKind
from coupons.models import Coupon, Redemption
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_customer, make_town, make_user
from identity.enums import Role
from merchants.domain.memberships import set_membership

PAGES = ["redemptions/", "redemptions/records.csv", "redemptions/records.xlsx", "coupons/"]


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


@pytest.fixture
def office(town):
    return enter(town.owner)


def enter(user):
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def add(town, role, name="同事"):
    user = make_user(name)
    set_membership(merchant=town.merchant, user=user, role=role, stores=[], by=town.owner)
    return user


def text(response):
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body.decode()


def sold(town, number=1, **more):
    """Redemptions of as many coupons, one after the other."""
    return [town.redeem(town.buy()[0].code, **more).redemptions[0].id for _ in range(number)]


# --- who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_owner_manager_and_finance_see_the_records_a_clerk_does_not(town, path):
    sold(town)
    url = f"/m/laozao/{path}"
    for user, status in [
        (town.owner, 200),
        (add(town, Role.MANAGER), 200),
        (add(town, Role.FINANCE), 200),
        (town.clerk, 404),
        (make_town(slug="other", name="别家").owner, 404),
    ]:
        assert enter(user).get(url).status_code == status


def test_another_merchants_rows_choices_and_objects_do_not_exist_here(town, office):
    other = make_town(slug="other", name="别家火锅")
    other.make_deal(title="别家的套餐")
    (foreign,) = sold(other)
    coupon = Redemption.objects.get(pk=foreign).coupon

    for page in ["redemptions/", "redemptions/?state=refused", "coupons/", f"coupons/?q={coupon.code}"]:
        assert "别家" not in text(office.get(f"/m/laozao/{page}"))
    for page in [f"redemptions/{foreign}/", f"coupons/{coupon.pk}/"]:
        assert office.get(f"/m/laozao/{page}").status_code == 404
    assert office.get(f"/m/laozao/redemptions/?store={other.store.pk}").status_code == 422
    assert office.get(f"/m/laozao/redemptions/?clerk={other.clerk.pk}").status_code == 422
    assert office.get(f"/m/laozao/coupons/?deal={other.deal.pk}").status_code == 422
    response = office.post(f"/m/laozao/redemptions/{foreign}/undo/", {"reason": "not mine"})
    assert response.status_code == 404
    assert Redemption.objects.get(pk=foreign).reversed_at is None


# --- the list ------------------------------------------------------------------------------------------------------------


def test_the_sums_are_over_everything_the_filters_leave(town, office):
    standing = sold(town, 2)
    (undone,) = sold(town, store=town.other_store, clerk=town.owner)
    reverse_redemptions(merchant=town.merchant, redemption_ids=[undone], by=town.owner)

    page = text(office.get("/m/laozao/redemptions/"))
    assert re.search(r"<strong>2</strong> uses stand, <strong>¥256.00</strong>", page)
    assert "1 undone, ¥128.00" in page

    for query, expected in [
        ("state=redeemed", standing),
        ("state=reversed", [undone]),
        (f"store={town.store.pk}", standing),
        (f"clerk={town.owner.pk}", [undone]),
        (f"clerk={town.clerk.pk}&state=reversed", []),
        ("state=nonsense", [*standing, undone]),
    ]:
        page = text(office.get(f"/m/laozao/redemptions/?{query}"))
        shown = {int(pk) for pk in re.findall(r"/redemptions/(\d+)/", page)}
        assert shown == set(expected), query


def test_days_are_the_merchants_days(town, office):
    (use,) = sold(town)
    day = Redemption.objects.get(pk=use).business_date
    for first, last, found in [
        (day, day, True),
        (day + timedelta(days=1), "", False),
        ("", day - timedelta(days=1), False),
    ]:
        page = text(office.get(f"/m/laozao/redemptions/?from_date={first}&until_date={last}"))
        assert (f"/redemptions/{use}/" in page) is found


@pytest.mark.parametrize(
    "query",
    ["from_date=yesterday", "from_date=0001-01-01", "until_date=9999-12-31", "store=x", "clerk=1e9",
     "from_date=2026-03-02&until_date=2026-03-01"],
)  # fmt: skip
@pytest.mark.parametrize("state", ["", "refused"])
def test_a_wrong_filter_is_named(town, office, query, state):
    response = office.get(f"/m/laozao/redemptions/?{query}&state={state}")
    assert response.status_code == 422
    assert "to correct" in text(response)


def test_refused_codes_are_listed_masked_with_their_reason(town, office):
    code = new_code()
    with pytest.raises(CouponUnknown):
        town.redeem(code)
    page = text(office.get("/m/laozao/redemptions/?state=refused"))
    assert "No coupon has this code." in page
    assert f"{code[:4]} **** {code[-4:]}" in page
    assert code not in page


def test_lists_cost_the_same_for_many_rows(town, office):
    urls = ["/m/laozao/redemptions/", "/m/laozao/redemptions/?state=refused", "/m/laozao/coupons/"]
    counts = []
    for rows in (1, 12):
        for _ in range(rows):
            clerk = make_user()
            town.redeem(town.buy(customer=make_customer())[0].code, clerk=clerk)
            with pytest.raises(CouponUnknown):
                town.redeem(new_code(), clerk=clerk)
        for url in urls:
            with CaptureQueriesContext(connection) as statements:
                assert office.get(url).status_code == 200
            counts.append(len(statements))
    assert counts[:3] == counts[3:]


def leaf_through(office, url, pattern):
    """The ids of every page, page by page, following "Older"."""
    pages = []
    while url:
        page = text(office.get(url))
        pages.append([int(pk) for pk in re.findall(pattern, page)])
        older = re.search(r'rel="next" href="([^"]*)"', page)
        url = f"{url.partition('?')[0]}{html.unescape(older.group(1))}" if older else None
    return pages


def test_pages_go_below_a_row_so_nothing_shifts_or_is_counted(town, office, monkeypatch):
    monkeypatch.setattr("coupons.views.redemptions.ROWS_PER_PAGE", 2)
    monkeypatch.setattr("coupons.views.coupons.ROWS_PER_PAGE", 2)
    noon = timezone.now() - timedelta(minutes=30)
    uses = [town.redeem(town.buy()[0].code, at=noon).redemptions[0].id for _ in range(4)]  # all at one moment
    uses.append(town.redeem(town.buy()[0].code, at=noon + timedelta(minutes=1)).redemptions[0].id)
    (elsewhere,) = sold(town, store=town.other_store, clerk=town.owner)
    newest = [elsewhere, *reversed(uses)]

    found = leaf_through(office, "/m/laozao/redemptions/", r"/redemptions/(\d+)/")
    assert found == [newest[:2], newest[2:4], newest[4:]]
    found = leaf_through(office, f"/m/laozao/redemptions/?store={town.store.pk}", r"/redemptions/(\d+)/")
    assert found == [newest[1:3], newest[3:5], newest[5:]]
    coupons = list(Coupon.objects.order_by("-pk").values_list("pk", flat=True))
    assert sum(leaf_through(office, "/m/laozao/coupons/?state=redeemed", r"/coupons/(\d+)/"), []) == coupons

    second = text(office.get(f"/m/laozao/redemptions/?before={newest[1]}"))
    assert "<strong>6</strong> uses stand" in second  # the sums are those of every page
    assert 'rel="first"' in second


@pytest.mark.parametrize("before", ["", "0", "x", "-1", "9" * 19, "9" * 30, "１"])  # noqa: RUF001
def test_a_page_below_nothing_is_the_first(town, office, before):
    (use,) = sold(town)
    assert f"/redemptions/{use}/" in text(office.get("/m/laozao/redemptions/", {"before": before}))
    for page in ["redemptions/?state=refused", "coupons/"]:
        assert office.get(f"/m/laozao/{page}", {"before": before}).status_code == 200


def test_more_refusals_than_are_counted(town, office, monkeypatch):
    monkeypatch.setattr("coupons.views.redemptions.MOST_COUNTED", 1)
    with pytest.raises(CouponUnknown):
        town.redeem(new_code())
    assert "Refused: 1<" in text(office.get("/m/laozao/redemptions/?state=refused"))
    assert (counted(999), counted(1_000), counted(None)) == ("999", "999+", "0")


def test_a_merchant_without_rows_is_told_what_comes(town, office):
    assert "Nothing was redeemed yet" in text(office.get("/m/laozao/redemptions/"))
    assert "No coupon was sold yet" in text(office.get("/m/laozao/coupons/"))
    assert "Nothing matches these filters" in text(office.get("/m/laozao/redemptions/?state=refused"))


# --- files ----------------------------------------------------------------------------------------------------------------


def test_the_csv_holds_every_row_and_no_formula(town, office):
    type(town.store).objects.filter(pk=town.store.pk).update(name='=HYPERLINK("http://evil")')
    (use,) = sold(town)

    response = office.get("/m/laozao/redemptions/records.csv")

    body = text(response)
    assert body.startswith("\ufeff")
    head, row = list(csv.reader(io.StringIO(body.removeprefix("\ufeff"))))
    values = dict(zip(head, row, strict=True))
    assert values["Redemption"] == str(use)
    assert values["Store"] == '\'=HYPERLINK("http://evil")'
    assert values["Amount (CNY)"] == "128.00"
    assert values["Coupon"] == str(Coupon.objects.get())
    assert values["Settled"] == "No"
    assert Coupon.objects.get().code not in body


def test_the_xlsx_keeps_the_filters(town, office):
    sold(town)
    (elsewhere,) = sold(town, store=town.other_store, clerk=town.owner)
    response = office.get(f"/m/laozao/redemptions/records.xlsx?store={town.other_store.pk}")
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [str(elsewhere)]
    assert sheet["J2"].value == 128
    response = office.get("/m/laozao/redemptions/records.csv?state=refused")
    assert text(response).splitlines()[0].startswith("\ufeffTime,")


# --- one redemption ---------------------------------------------------------------------------------------------------------


def test_the_story_tells_everything_in_order(town, office):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=2, price_fen=10_000)
    bought_at = timezone.now() - timedelta(minutes=30)
    (card,) = town.buy(deal=deal, at=bought_at)
    minute = timedelta(minutes=1)
    first = town.redeem(card.code, at=bought_at + minute).redemptions[0].id
    reverse_redemptions(
        merchant=town.merchant,
        redemption_ids=[first],
        by=town.owner,
        reason="by mistake",
        at=bought_at + 2 * minute,
    )
    town.redeem(card.code, count=2, at=bought_at + 3 * minute)
    Redemption.objects.filter(reversed_at__isnull=True).update(due_at=timezone.now() - timedelta(seconds=1))
    settle_merchant(merchant_id=town.merchant.pk)
    with pytest.raises(Exception, match="coupon_already_used"):
        town.redeem(card.code)

    page = text(office.get(f"/m/laozao/redemptions/{first}/"))

    names = re.findall(r'<span class="st st-\w+">([^<]+)</span>(?=<span class="story-words">)', page)
    assert names == [
        "Ordered", "Paid", "Redeemed, use 1", "Undone", "Redeemed, use 1", "Redeemed, use 2", "Settled", "Settled",
        "Refused at the counter",
    ]  # fmt: skip
    assert "by 老板: by mistake" in page
    assert card.code not in page
    assert card.code not in text(office.get(f"/m/laozao/coupons/{card.pk}/"))


def test_a_refund_is_part_of_the_story(town, office):
    (coupon,) = town.buy()
    request_refund(coupon=coupon, by=town.customer.user)
    page = text(office.get(f"/m/laozao/coupons/{coupon.pk}/"))
    assert "Refund asked for" in page
    assert "Being refunded" in page


def test_the_office_undoes_with_a_reason(town, office):
    (use,) = sold(town)
    url = f"/m/laozao/redemptions/{use}/"
    assert "Undo this redemption" in text(office.get(url))

    response = office.post(f"{url}undo/", {"reason": " "})
    assert response.status_code == 422
    assert Redemption.objects.get().reversed_at is None

    response = office.post(f"{url}undo/", {"reason": "wrong table"}, follow=True)
    assert "Undone. The coupon can be used again." in text(response)
    redemption = Redemption.objects.get()
    assert (redemption.reversal.reason, redemption.reversal.by) == ("wrong table", town.owner)
    assert "Undo this redemption" not in text(office.get(url))

    again = office.post(f"{url}undo/", {"reason": "wrong table"}, follow=True)
    assert "This was undone before." in text(again)


@pytest.mark.parametrize(("role", "status"), [(Role.MANAGER, 302), (Role.FINANCE, 404)])
def test_finance_reads_and_does_not_undo(town, role, status):
    (use,) = sold(town)
    client = enter(add(town, role))
    assert ("Undo this redemption" in text(client.get(f"/m/laozao/redemptions/{use}/"))) is (status == 302)
    response = client.post(f"/m/laozao/redemptions/{use}/undo/", {"reason": "a reason"})
    assert response.status_code == status
    assert (Redemption.objects.get().reversed_at is not None) is (status == 302)


# --- coupons ------------------------------------------------------------------------------------------------------------------


def test_one_box_finds_by_code_order_number_and_phone(town, office):
    anna = make_customer("安娜")
    type(anna).objects.filter(pk=anna.pk).update(phone_tail="4477")
    (mine,) = town.buy(customer=anna)
    town.buy()
    spaced = f"{mine.code[:4]} {mine.code[4:8]} {mine.code[8:]}"

    for words in [mine.code, spaced, str(mine.order_id), "4477", "安娜"]:
        page = text(office.get("/m/laozao/coupons/", {"q": words}))
        assert re.findall(r"/coupons/(\d+)/", page) == [str(mine.pk)], words
    for words in [new_code(), "9" * 19, "12345678901234567890123", "nobody", "%"]:
        response = office.get("/m/laozao/coupons/", {"q": words})
        assert response.status_code == 200
        assert "No coupon matches" in text(response)


def test_coupons_by_state_and_deal(town, office):
    deal = town.make_deal(title="百元代金券")
    (used,), (fresh,) = town.buy(), town.buy(deal=deal)
    town.redeem(used.code)
    for query, found in [("state=redeemed", used), (f"deal={deal.pk}", fresh), ("state=issued", fresh)]:
        page = text(office.get(f"/m/laozao/coupons/?{query}"))
        assert re.findall(r"/coupons/(\d+)/", page) == [str(found.pk)]
    assert office.get("/m/laozao/coupons/?state=stolen").status_code == 422
