"""Objections to lines: raised by the payee with words, answered once by an operator; no line and no sum ever changes."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django_scopes import scopes_disabled

from core.errors import Invalid
from coupons.settlement.domain.breakdown import list_lines
from coupons.settlement.domain.objections import ObjectionAnswered, answer_objection
from coupons.settlement.domain.sealing import statement_hash
from coupons.settlement.domain.statements import StatementNotOpen, confirm_statement, dispute_statement
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import Objection, Statement
from coupons.settlement.tests.payees import make_shared_town
from coupons.tests.town import make_user


@pytest.fixture
def shared(db):
    shared = make_shared_town()
    with scopes_disabled():
        yield shared


def lines_of(statement) -> list[int]:
    return [line.pk for line in list_lines(statement=statement)]


def page_of(statement, name="detail") -> str:
    if statement.kind == PayeeKind.MERCHANT:
        return reverse(f"statement_{name}", args=[statement.merchant.slug, statement.pk])
    return reverse(f"payee_statement_{name}", args=[statement.payee_id, statement.pk])


def state_of(statement) -> str:
    return Statement.objects.get(pk=statement.pk).state


@pytest.mark.parametrize("kind", list(PayeeKind))
def test_each_payee_marks_lines_and_reads_the_answer(shared, client, kind):
    statement = shared.statements[kind]
    first, second, *_ = lines_of(statement)
    client.force_login(shared.readers[kind])

    page = client.get(page_of(statement) + "?by=coupon").content.decode()
    assert page.count('name="line"') == len(lines_of(statement))
    client.post(page_of(statement, "dispute"), {"reason": "这桌只用了一张", "line": [first, second]})

    assert state_of(statement) == "disputed"
    assert list(Objection.objects.order_by("line").values_list("line", "reason", "state")) == [
        (first, "这桌只用了一张", "open"),
        (second, "这桌只用了一张", "open"),
    ]
    answer_objection(
        objection=Objection.objects.get(line=first), is_upheld=True, answer="今天退款更正", by=make_user()
    )
    page = client.get(page_of(statement)).content.decode()
    assert "今天退款更正" in page
    assert statement_hash(statement=Statement.objects.get(pk=statement.pk)) == statement.hash


def test_more_lines_may_follow_while_it_is_disputed_and_each_once(shared):
    statement = shared.statements[PayeeKind.MERCHANT]
    first, second, *_ = lines_of(statement)
    by = shared.town.owner
    dispute_statement(statement=statement, by=by, reason="一", line_ids=[first])
    dispute_statement(statement=statement, by=by, reason="二", line_ids=[first, second])
    assert list(Objection.objects.order_by("line").values_list("reason", flat=True)) == ["一", "二"]
    for lines in ([], [first]):
        with pytest.raises(StatementNotOpen):
            dispute_statement(statement=statement, by=by, reason="三", line_ids=lines)
    confirm_statement(statement=statement, by=by)
    with pytest.raises(StatementNotOpen):
        dispute_statement(statement=statement, by=by, reason="三", line_ids=lines_of(statement))
    assert Objection.objects.count() == 2


@pytest.mark.parametrize("which", ["foreign", "unknown", "one of each"])
def test_a_line_of_another_statement_is_refused_and_nothing_is_kept(shared, which):
    statement = shared.statements[PayeeKind.MERCHANT]
    other = next(one for one in shared.sealed if one.kind == statement.kind and one.pk != statement.pk)
    foreign = lines_of(other)[0]
    wanted = {"foreign": [foreign], "unknown": [0], "one of each": [lines_of(statement)[0], foreign]}[which]
    with pytest.raises(Invalid) as refused:
        dispute_statement(statement=statement, by=shared.town.owner, reason="?", line_ids=wanted)
    assert refused.value.facts["field"] == "lines"
    assert state_of(statement) == "sealed"
    assert Objection.objects.count() == 0


def test_it_is_answered_once_and_with_words(shared):
    statement = shared.statements[PayeeKind.MERCHANT]
    dispute_statement(statement=statement, by=shared.town.owner, reason="?", line_ids=lines_of(statement)[:1])
    objection = Objection.objects.get()
    with pytest.raises(Invalid):
        answer_objection(objection=objection, is_upheld=True, answer="  ", by=make_user())
    answer_objection(objection=objection, is_upheld=False, answer="监控显示两张", by=make_user())
    with pytest.raises(ObjectionAnswered):
        answer_objection(objection=objection, is_upheld=True, answer="还是改", by=make_user())
    objection.refresh_from_db()
    assert (objection.state, objection.answer) == ("declined", "监控显示两张")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE settlement_objection SET answer = ''")


def test_an_operator_answers_at_ops_and_nobody_else(shared, client):
    statement = shared.statements[PayeeKind.MERCHANT]
    dispute_statement(statement=statement, by=shared.town.owner, reason="?", line_ids=lines_of(statement)[:1])
    objection = Objection.objects.get()
    address = reverse("admin:objection_answer", args=[objection.pk])
    sent = {"verdict": "upheld", "answer": "已退款"}
    operator = make_user("运营")
    operator.is_staff = True
    operator.save()
    for user, status in ((shared.town.owner, 302), (operator, 403)):
        client.force_login(user)
        assert client.post(address, sent).status_code == status
    objection.refresh_from_db()
    assert objection.state == "open"

    operator.user_permissions.add(*Permission.objects.filter(codename__endswith="_objection"))
    client.force_login(operator)
    page = client.get(reverse("admin:settlement_objection_change", args=[objection.pk]))
    assert 'name="verdict"' in page.content.decode()
    assert client.post(address, sent).status_code == 302

    objection.refresh_from_db()
    assert (objection.state, objection.answer, objection.answered_by) == ("upheld", "已退款", operator)
    page = client.get(reverse("admin:settlement_objection_change", args=[objection.pk]))
    assert 'name="verdict"' not in page.content.decode()
