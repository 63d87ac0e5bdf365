"""Statements through HTTP: they add up whichever way they are taken apart, and only the right people answer them."""

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled
from openpyxl import load_workbook

from coupons.models import Deal, OrderShare
from coupons.settlement.domain.breakdown import (
    AMOUNTS,
    DEDUCTIONS,
    list_lines,
    sum_by_day,
    sum_by_store,
    total_lines,
)
from coupons.settlement.domain.outstanding import sum_next_payout, sum_waiting
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement, dispute_statement
from coupons.settlement.enums import StatementState
from coupons.settlement.export import safe_text
from coupons.settlement.models import Statement
from coupons.tests.town import make_town, make_user
from identity.enums import PartyKind, Role
from identity.models import AuditEvent, Party
from merchants.domain.memberships import set_membership
from merchants.models import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2026, 11, 16, 19, 30, tzinfo=SHANGHAI)


@pytest.fixture
def town(db):
    with scopes_disabled():
        return make_town(platform_fee_bps=250)


def make_statement(town, *, uses=1, day=0, deal=None) -> Statement:
    """`uses` redemptions in turn at both stores, settled and sealed."""
    with scopes_disabled():
        for number in range(uses):
            at = EVENING + timedelta(days=day, minutes=number)
            (coupon,) = town.buy(deal=deal, at=at - timedelta(hours=1))
            town.redeem(coupon.code, at=at, store=[town.store, town.other_store][number % 2])
        settle_merchant(merchant_id=town.merchant.pk, at=EVENING + timedelta(days=day, hours=3))
        (statement,) = seal_statements(
            merchant=town.merchant, until_date=(EVENING + timedelta(days=day)).date()
        )
    return statement


def person(town, role):
    user = make_user()
    set_membership(
        merchant=town.merchant,
        user=user,
        role=role,
        stores=[town.store] if role == Role.CLERK else [],
        by=town.owner,
    )
    return user


def url(town, statement, tail=""):
    return f"/m/{town.merchant.slug}/statements/{statement.pk}/{tail}"


def state_of(statement):
    with scopes_disabled():
        return Statement.objects.get(pk=statement.pk).state


def test_the_ledger_adds_up_on_the_page(client, town):
    statement = make_statement(town, uses=3)
    client.force_login(town.owner)

    text = client.get(url(town, statement), headers={"accept-language": "en"}).content.decode()

    assert (statement.gross_fen, statement.platform_fee_fen, statement.merchant_fen) == (38_400, 960, 37_440)
    for amount in ("¥384.00", "−¥9.60", "¥374.40", "2.5% of what was redeemed"):  # noqa: RUF001
        assert amount in text
    assert "Commission of creators" not in text
    assert statement.hash in text


def test_every_way_to_take_it_apart_adds_up(town):
    """With all four deductions, and a price that no rate divides."""
    with scopes_disabled():
        deal = town.make_deal(price_fen=3_333, list_price_fen=3_333)
        payee = Party.objects.create(kind=PartyKind.PROVIDER, name="代运营")
        for number in range(7):
            order = town.order(deal=deal, at=EVENING - timedelta(hours=2))
            for kind, bps in (("service_fee", 300), ("station_share", 117), ("commission", 611)):
                OrderShare.objects.create(
                    merchant=town.merchant, order=order, payee=payee, kind=kind, bps=bps, rule="test"
                )
            town.pay(order, at=EVENING - timedelta(hours=2))
            store = [town.store, town.other_store][number % 2]
            town.redeem(order.coupons.get().code, at=EVENING + timedelta(minutes=number), store=store)
        settle_merchant(merchant_id=town.merchant.pk, at=EVENING + timedelta(hours=3))
        statement = seal_statements(merchant=town.merchant, until_date=EVENING.date())[0]

        totals = total_lines(statement=statement)
        ways = [
            list(sum_by_store(statement=statement)),
            list(sum_by_day(statement=statement)),
            [{name: getattr(line, name) for name in AMOUNTS} for line in list_lines(statement=statement)],
        ]

    assert [len(way) for way in ways] == [2, 1, 7]
    assert all(getattr(statement, name) > 0 for name in AMOUNTS)
    assert (
        statement.gross_fen - sum(getattr(statement, name) for name in DEDUCTIONS) == statement.merchant_fen
    )
    for name in AMOUNTS:
        assert getattr(totals, name) == getattr(statement, name)
        assert [sum(row[name] for row in way) for way in ways] == [getattr(statement, name)] * 3


@pytest.mark.parametrize(
    ("by", "first"), [("store", "解放碑店"), ("day", "11-16"), ("coupon", "双人鸳鸯锅套餐")]
)
def test_tabs_show_lines_and_their_total(client, town, by, first):
    statement = make_statement(town, uses=2)
    client.force_login(town.owner)

    page = client.get(url(town, statement), {"by": by}).content.decode()
    part = client.get(url(town, statement), {"by": by}, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert first in part
    assert "¥256.00" in part[part.index("<tfoot>") :]
    assert part.strip() in page.replace("\r", "")


def test_the_list_shows_what_is_on_its_way(client, town):
    make_statement(town, uses=2)
    second = make_statement(town, uses=1, day=1)
    with scopes_disabled():
        confirm_statement(statement=second, by=town.owner)
        (coupon,) = town.buy(at=timezone.now() - timedelta(hours=3))
        town.redeem(coupon.code, at=timezone.now() - timedelta(hours=2))
        (coupon,) = town.buy(at=timezone.now() - timedelta(minutes=5))
        town.redeem(coupon.code, at=timezone.now())
        settle_merchant(merchant_id=town.merchant.pk)  # takes the first of the two; the other can be undone

        waiting = sum_waiting(merchant=town.merchant)
        payout = sum_next_payout(merchant=town.merchant)
    client.force_login(town.owner)
    text = client.get(f"/m/{town.merchant.slug}/statements/").content.decode()

    assert (waiting.gross_fen, waiting.uses) == (25_600, 2)
    assert (payout.to_confirm_fen, payout.to_confirm) == (24_960, 1)
    assert (payout.confirmed_fen, payout.total_fen, payout.disputed) == (12_480, 37_440, 0)
    assert "S20261116-0001" in text
    assert "S20261117-0001" in text


def test_the_list_is_narrowed_by_state(client, town):
    first, second = make_statement(town), make_statement(town, day=1)
    with scopes_disabled():
        confirm_statement(statement=first, by=town.owner)
    client.force_login(town.owner)

    text = client.get(f"/m/{town.merchant.slug}/statements/", {"state": "confirmed"}).content.decode()

    assert first.number in text
    assert second.number not in text


@pytest.mark.parametrize("role", [Role.OWNER, Role.FINANCE])
def test_owner_and_finance_confirm(client, town, role):
    statement = make_statement(town)
    user = town.owner if role == Role.OWNER else person(town, role)
    client.force_login(user)

    response = client.post(url(town, statement, "confirm/"))

    assert response.status_code == 302
    assert state_of(statement) == StatementState.CONFIRMED
    event = AuditEvent.objects.get(verb="statement.confirmed")
    assert (event.actor_id, event.noun_id) == (user.pk, statement.pk)


@pytest.mark.parametrize("tail", ["confirm/", "dispute/"])
@pytest.mark.parametrize("role", [Role.MANAGER, Role.CLERK])
def test_nobody_else_answers(client, town, role, tail):
    statement = make_statement(town)
    client.force_login(person(town, role))

    assert client.post(url(town, statement, tail), {"reason": "x"}).status_code == 404
    assert state_of(statement) == StatementState.SEALED


def test_a_manager_reads_without_buttons(client, town):
    statement = make_statement(town)
    client.force_login(person(town, Role.MANAGER))

    text = client.get(url(town, statement)).content.decode()

    assert statement.number in text
    assert "/confirm/" not in text
    assert "/dispute/" not in text


def test_looking_changes_nothing(client, town):
    statement = make_statement(town)
    client.force_login(town.owner)

    assert client.get(url(town, statement, "confirm/")).status_code == 405
    assert client.get(url(town, statement, "dispute/")).status_code == 405
    assert state_of(statement) == StatementState.SEALED


def test_the_second_to_answer_is_told(client, town):
    statement = make_statement(town)
    with scopes_disabled():
        confirm_statement(statement=statement, by=town.owner)
    client.force_login(person(town, Role.FINANCE))

    response = client.post(
        url(town, statement, "dispute/"),
        {"reason": "少了一张"},
        follow=True,
        headers={"accept-language": "en"},
    )

    assert "This statement was answered before." in response.content.decode()
    with scopes_disabled():
        kept = Statement.objects.get(pk=statement.pk)
    assert (kept.state, kept.dispute_reason) == (StatementState.CONFIRMED, "")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 401])
def test_a_question_needs_words_and_not_too_many(client, town, reason):
    statement = make_statement(town)
    client.force_login(town.owner)

    response = client.post(url(town, statement, "dispute/"), {"reason": reason})

    assert response.status_code == 422
    assert "is-invalid" in response.content.decode()
    assert state_of(statement) == StatementState.SEALED


def test_a_question_is_kept_and_can_still_be_settled(client, town):
    statement = make_statement(town)
    client.force_login(town.owner)

    client.post(url(town, statement, "dispute/"), {"reason": "解放碑店少了一张 <b>"})

    assert state_of(statement) == StatementState.DISPUTED
    text = client.get(url(town, statement)).content.decode()
    assert "解放碑店少了一张 &lt;b&gt;" in text
    client.post(url(town, statement, "confirm/"))
    assert state_of(statement) == StatementState.CONFIRMED


def test_a_disputed_statement_is_not_in_the_next_payout(town):
    statement = make_statement(town)
    with scopes_disabled():
        dispute_statement(statement=statement, by=town.owner, reason="?")
        payout = sum_next_payout(merchant=town.merchant)

    assert (payout.total_fen, payout.disputed_fen, payout.disputed) == (0, 12_480, 1)


@pytest.mark.parametrize("tail", ["", "lines.csv", "lines.xlsx", "confirm/", "dispute/"])
def test_another_merchants_owner_finds_nothing(client, town, tail):
    statement = make_statement(town)
    with scopes_disabled():
        other = make_town(slug="other", name="别家")
    client.force_login(other.owner)
    method = client.post if tail in ("confirm/", "dispute/") else client.get

    assert method(url(town, statement, tail), {"reason": "x"}).status_code == 404
    assert method(url(other, statement, tail), {"reason": "x"}).status_code == 404
    assert state_of(statement) == StatementState.SEALED


def test_csv_holds_every_line(client, town):
    with scopes_disabled():
        Store.objects.filter(pk=town.store.pk).update(name="=HYPERLINK(1)")
    statement = make_statement(town, uses=2)
    client.force_login(person(town, Role.MANAGER))

    response = client.get(url(town, statement, "lines.csv"), headers={"accept-language": "en"})

    raw = b"".join(response.streaming_content)
    assert raw.startswith(b"\xef\xbb\xbf")
    assert response["Content-Disposition"] == 'attachment; filename="laozao-S20261116-0001.csv"'
    head, *rows = csv.reader(io.StringIO(raw.decode("utf-8-sig")))
    assert head[-6:] == [
        "Redeemed (CNY)", "Platform fee (CNY)", "Service fee (CNY)", "Station share (CNY)", "Commission (CNY)",
        "Net (CNY)",
    ]  # fmt: skip
    assert [row[2] for row in rows] == ["2026-11-16T19:30:00+08:00", "2026-11-16T19:31:00+08:00"]
    assert [row[-6:] for row in rows] == [["128.00", "3.20", "0.00", "0.00", "0.00", "124.80"]] * 2
    assert [row[5] for row in rows] == ["'=HYPERLINK(1)", town.other_store.name]
    assert all("****" in row[8] for row in rows)


def test_xlsx_holds_numbers_and_no_formula(client, town):
    with scopes_disabled():
        Deal.objects.filter(pk=town.deal.pk).update(title="=1+1")
    statement = make_statement(town, uses=2)
    client.force_login(town.owner)

    response = client.get(url(town, statement, "lines.xlsx"))

    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    rows = list(sheet.iter_rows(min_row=2))
    assert sheet.title == "S20261116-0001"
    assert [[cell.value for cell in row][-6:] for row in rows] == [[128, 3.2, 0, 0, 0, 124.8]] * 2
    assert {cell.data_type for row in rows for cell in row} == {"s", "n"}
    assert [row[7].value for row in rows] == ["'=1+1"] * 2
    assert sheet.max_row == 3


def test_a_line_is_exported_in_no_other_kind(client, town):
    statement = make_statement(town)
    client.force_login(town.owner)

    assert client.get(url(town, statement, "lines.pdf")).status_code == 404


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("解放碑店", "解放碑店"),
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\t=1", "'\t=1"),
        ("", ""),
    ],
)
def test_text_never_becomes_a_formula(text, safe):
    assert safe_text(text) == safe


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_statement_and_three(client, town, rows, django_assert_num_queries):
    for day in range(rows):
        make_statement(town, day=day)
    client.force_login(town.owner)

    with django_assert_num_queries(12):
        client.get(f"/m/{town.merchant.slug}/statements/")


@pytest.mark.parametrize("by", ["store", "day", "coupon"])
@pytest.mark.parametrize("uses", [1, 3])
def test_a_statement_costs_the_same_for_one_line_and_three(client, town, uses, by, django_assert_num_queries):
    statement = make_statement(town, uses=uses)
    client.force_login(town.owner)

    with django_assert_num_queries(7):
        client.get(url(town, statement), {"by": by})
