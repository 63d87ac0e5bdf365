"""Statements of providers, stations and creators: their own people read, answer and download them, and nobody else."""

import csv
import io
import re

import pytest
from django.urls import reverse
from django_scopes import scopes_disabled

from coupons.settlement.domain.breakdown import AMOUNTS, list_lines, sum_by_day, sum_by_store, total_lines
from coupons.settlement.enums import PayeeKind, StatementState
from coupons.settlement.ledger import list_ledger
from coupons.settlement.models import Statement
from coupons.settlement.tests.payees import make_shared_town
from coupons.tests.town import make_user
from identity.domain.grants import end_grants
from identity.enums import Role
from identity.models import AuditEvent, Grant

SERVING = [PayeeKind.PROVIDER, PayeeKind.STATION, PayeeKind.CREATOR]
TAILS = ["detail", "export", "files", "confirm", "dispute"]


@pytest.fixture
def shared(db):
    return make_shared_town()


def page_of(statement, name="detail", **more) -> str:
    arguments = {"statement_id": statement.pk} | ({"kind": "csv"} if name == "export" else {}) | more
    if statement.kind == PayeeKind.MERCHANT:
        return reverse(f"statement_{name}", kwargs={"slug": statement.merchant.slug, **arguments})
    return reverse(f"payee_statement_{name}", kwargs={"party_id": statement.payee_id, **arguments})


def ask(client, statement, name, **more):
    method = client.post if name in ("confirm", "dispute") else client.get
    return method(page_of(statement, name, **more), {"reason": "?"}, headers={"accept-language": "en"})


def fen_of(text: str) -> int:
    """The amount of a cell, as a reader of the page adds it up."""
    digits = text.replace("−", "-").replace("¥", "").replace(",", "").strip()  # noqa: RUF001
    yuan, cents = digits.lstrip("-+").split(".")
    return (int(yuan) * 100 + int(cents)) * (-1 if "-" in digits else 1)


def test_the_ledger_adds_up_on_every_statement(client, shared):
    """In the domain and as it stands on the page: redeemed, refunds, everybody's part, and what is left."""
    for statement in shared.sealed:
        assert sum(row.fen for row in list_ledger(statement=statement)) == statement.amount_fen
        client.force_login(shared.readers[PayeeKind(statement.kind)])

        text = ask(client, statement, "detail").content.decode()

        cells = re.findall(r'data-row="(\w+)".*?<td class="num[^"]*">([^<]*)</td>', text, re.DOTALL)
        *parts, (last, total) = cells
        assert last == "amount"
        assert sum(fen_of(amount) for _, amount in parts) == fen_of(total) == statement.amount_fen
        assert {name for name, _ in parts} >= {"redeemed", "platform_fee_fen"}
        assert ("refunded" in dict(parts)) == bool(statement.refund_lines)
        assert "3.33%" in text  # as agreed, not the 3.34% that roundings made of it
    assert sum(bool(statement.refund_lines) for statement in shared.sealed) == 4


def test_every_way_to_take_it_apart_adds_up(shared):
    for statement in shared.sealed:
        with scopes_disabled():
            totals = total_lines(statement=statement)
            ways = [
                list(sum_by_store(statement=statement)),
                list(sum_by_day(statement=statement)),
                [{name: getattr(line, name) for name in AMOUNTS} for line in list_lines(statement=statement)],
            ]
        assert (totals.lines, totals.refunds) == (statement.lines_count, statement.refund_lines)
        assert totals.redeemed_fen - totals.refunded_fen == totals.gross_fen == statement.gross_fen
        assert totals.refunded_fen == statement.refunded_fen
        for name in AMOUNTS:
            assert [sum(row[name] for row in way) for way in ways] == [getattr(statement, name)] * 3
        for way in ways[:2]:
            assert sum(row["redeemed_fen"] for row in way) == totals.redeemed_fen
            assert sum(row["refunded_fen"] for row in way) == totals.refunded_fen


@pytest.mark.parametrize("kind", SERVING)
def test_its_people_find_it_in_their_list_and_read_it(client, shared, kind):
    statement, party = shared.statements[kind], shared.parties[kind]
    client.force_login(shared.readers[kind])

    text = client.get(reverse("payee_statements", kwargs={"party_id": party.pk})).content.decode()
    assert len(re.findall(r"/statements/\d+/\"", text)) == 2
    assert statement.number in text

    for by in ("store", "day", "coupon"):
        page = client.get(page_of(statement), {"by": by}).content.decode()
        assert statement.hash in page
        assert shared.town.clerk.name not in page
        for other in set(shared.parties) - {kind}:
            assert shared.parties[other].name not in page


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("kind", SERVING)
def test_nobody_else_finds_it(client, shared, kind, tail):
    """Neither the merchant's owner, nor another payee, nor somebody of the party without the right role, nor one who left."""
    statement, party = shared.statements[kind], shared.parties[kind]
    with scopes_disabled():
        clerk, gone = make_user("前台"), make_user("离职")
        Grant.objects.create(user=clerk, party=party, role=Role.CLERK, why="test")
        Grant.objects.create(user=gone, party=party, role=Role.OWNER, why="test")
        end_grants(user=gone, party_id=party.pk, why="test")
    others = [user for other, user in shared.readers.items() if other != kind]
    for user in [*others, clerk, gone]:
        client.force_login(user)
        assert ask(client, statement, tail).status_code == 404
    client.force_login(shared.readers[PayeeKind.MERCHANT])
    arguments = {"slug": shared.town.merchant.slug, "statement_id": statement.pk}
    arguments |= {"kind": "csv"} if tail == "export" else {}
    method = client.post if tail in ("confirm", "dispute") else client.get
    assert method(reverse(f"statement_{tail}", kwargs=arguments), {"reason": "?"}).status_code == 404
    client.logout()
    assert "/accounts/login/" in ask(client, statement, tail).headers["Location"]
    with scopes_disabled():
        assert Statement.objects.get(pk=statement.pk).state == StatementState.SEALED
    assert not AuditEvent.objects.filter(verb="statement.downloaded").exists()


@pytest.mark.parametrize("kind", SERVING)
def test_a_statement_of_one_payee_is_not_found_under_another(client, shared, kind):
    """The reader's own party in the path, somebody else's statement behind it."""
    client.force_login(shared.readers[kind])
    for other in set(PayeeKind) - {kind}:
        arguments = {"party_id": shared.parties[kind].pk, "statement_id": shared.statements[other].pk}
        assert client.get(reverse("payee_statement_detail", kwargs=arguments)).status_code == 404


@pytest.mark.parametrize("kind", SERVING)
def test_its_owner_confirms(client, shared, kind):
    statement = shared.statements[kind]
    client.force_login(shared.readers[kind])

    assert ask(client, statement, "confirm").status_code == 302

    with scopes_disabled():
        assert Statement.objects.get(pk=statement.pk).state == StatementState.CONFIRMED
    assert AuditEvent.objects.get(verb="statement.confirmed").actor_id == shared.readers[kind].pk


@pytest.mark.parametrize("kind", list(PayeeKind))
def test_csv_says_each_lines_kind_and_rates_and_a_download_is_audited(client, shared, kind):
    statement = shared.statements[kind] if kind != PayeeKind.CREATOR else shared.sealed[-2]
    statement = next(one for one in shared.sealed if one.kind == kind and one.refund_lines)
    client.force_login(shared.readers[kind])

    raw = b"".join(ask(client, statement, "export").streaming_content)

    head, *rows = csv.reader(io.StringIO(raw.decode("utf-8-sig")))
    assert ("Clerk" in head) == (kind == PayeeKind.MERCHANT)
    column = {name: head.index(name) for name in head}
    refunds = [row for row in rows if row[column["Kind of line"]] == "Refund after use"]
    assert len(rows) == statement.lines_count
    assert sorted(row[column["Redeemed (CNY)"]] for row in refunds) == ["-10.01", "-33.33"]
    rates = ["Platform fee (%)", "Service fee (%)", "Station share (%)", "Commission (%)"]
    assert {tuple(row[column[name]] for name in rates) for row in rows} == {
        ("3.33", "12.34", "0.77", "20.01")
    }
    assert shared.town.customer.nickname not in raw.decode()
    event = AuditEvent.objects.get(verb="statement.downloaded")
    assert (event.actor_id, event.noun_id, event.facts["form"]) == (
        shared.readers[kind].pk,
        statement.pk,
        "csv",
    )


def test_the_merchants_list_adds_up_with_refunds(client, shared):
    client.force_login(shared.town.owner)

    text = client.get(reverse("statements", args=[shared.town.merchant.slug])).content.decode()

    tables = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)
    rows = [
        re.findall(r'<td class="num[^"]*">(.*?)</td>', row)
        for row in tables[-1].split("</tr>")
        if "<td" in row
    ]
    assert [row[0] for row in rows] == ["3", "3"]
    for _, *amounts in rows:
        *parts, net = map(fen_of, amounts)
        assert sum(parts) == net
    assert [row[2] for row in rows] == ["−¥43.34", "¥0.00"]  # noqa: RUF001


@pytest.mark.parametrize("shops", [1, 3])
def test_a_payees_list_costs_the_same_for_one_shop_and_three(
    client, shared, shops, django_assert_num_queries
):
    reader, party = shared.readers[PayeeKind.CREATOR], shared.parties[PayeeKind.CREATOR]
    for number in range(1, shops):
        make_shared_town(slug=f"shop{number}", parties=shared.parties)
    client.force_login(reader)

    with django_assert_num_queries(5):
        text = client.get(reverse("payee_statements", args=[party.pk])).content.decode()

    assert len(re.findall(r"/statements/\d+/\"", text)) == 2 * shops


@pytest.mark.parametrize("kind", SERVING)
def test_every_fen_of_his_is_explained_without_naming_others(client, shared, kind):
    statement, party = shared.statements[kind], shared.parties[kind]
    client.force_login(shared.readers[kind])
    page = client.get(page_of(statement), {"by": "coupon"}).content.decode()
    lines = re.findall(rf"/payees/{party.pk}/settlement-lines/(\d+)/", page)
    with scopes_disabled():
        expected = {line.pk: line for line in list_lines(statement=statement)}
    assert {int(line) for line in lines} == set(expected)
    for pk, line in expected.items():
        address = reverse("payee_line_why", kwargs={"party_id": party.pk, "line_id": pk})
        text = client.get(address, headers={"accept-language": "en"}).content.decode()
        cells = re.findall(r'<td class="num">([−+-]?¥[\d,.]+)', text)  # noqa: RUF001
        *parts, together = [fen_of(cell) for cell in cells[: 1 + 4 + 1]]
        assert sum(parts) == together == line.gross_fen
        assert party.name in text
        assert line.coupon.code not in text.replace(" ", "")
        for hidden in [shared.town.clerk, *(shared.parties[other] for other in set(shared.parties) - {kind})]:
            assert hidden.name not in text


def test_a_line_that_gives_him_nothing_is_not_his(client, shared):
    with scopes_disabled():
        line = list_lines(statement=shared.statements[PayeeKind.PROVIDER]).first()
        other = Grant.objects.get(user=shared.readers[PayeeKind.CREATOR]).party
        stranger = type(other).objects.create(kind="provider", name="别家")
        Grant.objects.create(
            user=shared.readers[PayeeKind.PROVIDER], party=stranger, role=Role.OWNER, why="test"
        )
    client.force_login(shared.readers[PayeeKind.PROVIDER])
    for party in (stranger, other):
        address = reverse("payee_line_why", kwargs={"party_id": party.pk, "line_id": line.pk})
        assert client.get(address).status_code == 404
