"""Payouts: who is paid and who not, by two people, through the bank's file and back; every fen in the books once."""

import io
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django_scopes import scopes_disabled
from openpyxl import load_workbook

from core.invariants import check_invariants
from coupons.settlement.domain.payout_approvals import (
    BANK_COLUMNS,
    SecondPersonNeeded,
    approve_batch,
    export_batch,
)
from coupons.settlement.domain.payout_proposals import (
    BatchNotOpen,
    NothingToPay,
    preview_payouts,
    propose_batch,
    withdraw_batch,
)
from coupons.settlement.domain.payout_results import (
    ResultsRefused,
    apply_results,
    judge_results,
    upload_results,
)
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.unanswered import confirm_unanswered
from coupons.settlement.enums import BankFileKind, PayoutState, StatementState, Withheld
from coupons.settlement.models import Payout, PayoutBatch, PayoutItem, Statement
from coupons.settlement.tests.paying import bank_says, give_account, redeem, state_and_confirm
from coupons.tests.town import make_town, make_user, put_paid_refund
from identity.models import AuditEvent
from ledger.models import Balance, Journal

USE = 12_480  # of 128.00 after a platform fee of 2.5 %


@pytest.fixture
def town(db):
    with scopes_disabled():
        town = make_town()
        give_account(town.merchant.party, by=town.owner)
        yield town
        assert check_invariants().broken == {}


@pytest.fixture
def first(town):
    return make_user("运营一")


@pytest.fixture
def second(town):
    return make_user("运营二")


def balances(town):
    """Credits less debits by kind of account."""
    return {
        balance.account.kind: balance.credits_fen - balance.debits_fen
        for balance in Balance.objects.filter(merchant_id=town.merchant.pk).select_related("account")
    }


def send(town, first, second):
    """A batch at the bank, and its payouts."""
    batch = propose_batch(by=first)
    approve_batch(batch=batch, by=second)
    export_batch(batch=batch, kind=BankFileKind.XLSX, by=first)
    return batch, list(batch.payouts.order_by("id"))


def test_two_people_pay_a_merchant_by_way_of_the_bank(town, first, second):
    redeem(town, uses=2, days_ago=3)
    redeem(town, uses=1, days_ago=2)
    statements = state_and_confirm(town)
    assert [statement.amount_fen for statement in statements] == [2 * USE, USE]

    batch = propose_batch(by=first)
    payout = batch.payouts.get()
    assert (payout.amount_fen, payout.state, payout.account.number_tail) == (3 * USE, "proposed", "5678")
    assert balances(town)["merchant_payable"] == 3 * USE
    with pytest.raises(SecondPersonNeeded):
        approve_batch(batch=batch, by=first)
    with pytest.raises(BatchNotOpen):
        export_batch(batch=batch, kind=BankFileKind.CSV, by=first)

    approval = approve_batch(batch=batch, by=second)
    assert ([held.pk for held in approval.held], approval.dropped) == ([payout.pk], [])
    assert (balances(town)["merchant_payable"], balances(town)["payout_held"]) == (0, 3 * USE)
    with pytest.raises(BatchNotOpen):
        approve_batch(batch=batch, by=second)
    with pytest.raises(BatchNotOpen):
        withdraw_batch(batch=batch, by=first)

    content = export_batch(batch=batch, kind=BankFileKind.XLSX, by=first)
    assert export_batch(batch=batch, kind=BankFileKind.CSV, by=second) == content, "the same bytes ever after"
    rows = list(load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))
    assert rows == [
        tuple(BANK_COLUMNS),
        (
            f"PO{payout.pk}",
            "山城老灶火锅",
            "工商银行",
            "6222020200012345678",
            "374.40",
            "CNY",
            f"{batch.number} 山城老灶火锅",
        ),
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT file_encrypted FROM settlement_payoutbatch")
        assert bytes(cursor.fetchone()[0])[:2] != b"PK", "whole account numbers are never kept readable"

    apply_results(results=bank_says(batch, {payout: "成功"}, by=first), by=first)
    payout.refresh_from_db()
    batch.refresh_from_db()
    assert (payout.state, payout.bank_reference, batch.state) == ("paid", "R1", "finished")
    assert set(Statement.objects.values_list("state", "payout")) == {("paid", payout.pk)}
    after = balances(town)
    assert (after["merchant_payable"], after["payout_held"], after["bank"]) == (0, 0, 3 * USE)
    verbs = AuditEvent.objects.filter(noun="payout_batch").order_by("id").values_list("verb", flat=True)
    assert [verb.partition(".")[2] for verb in verbs] == [
        "proposed",
        "approved",
        "exported",
        "downloaded",
        "results",
    ]


def test_what_comes_back_is_paid_by_the_next_batch(town, first, second):
    redeem(town)
    (statement,) = state_and_confirm(town)
    batch, (payout,) = send(town, first, second)

    apply_results(results=bank_says(batch, {payout: "失败"}, by=first), by=first)

    payout.refresh_from_db()
    statement.refresh_from_db()
    assert (payout.state, payout.failure, statement.state, statement.payout) == (
        "failed",
        "账号有误",
        "confirmed",
        None,
    )
    assert (balances(town)["merchant_payable"], balances(town)["payout_held"]) == (USE, 0)
    assert payout.result.reverses == payout.hold

    batch, (again,) = send(town, first, second)
    apply_results(results=bank_says(batch, {again: "paid"}, by=first), by=first)
    assert sorted(Payout.objects.values_list("state", flat=True)) == ["failed", "paid"]
    assert PayoutItem.objects.filter(statement=statement).count() == 2
    assert balances(town)["bank"] == USE


def test_results_are_applied_once_and_whole_or_not_at_all(town, first, second):
    redeem(town)
    state_and_confirm(town)
    batch, (payout,) = send(town, first, second)
    text = (
        "payout_id,result,amount\n"
        f"PO{payout.pk},paid,124.80\nPO{payout.pk},paid,124.80\nPO1,paid,1.00\nPO{payout.pk},perhaps,\n"
    )
    bad = upload_results(batch=batch, file_name="bad.csv", content=text.encode(), by=first)
    assert [one.fault for one in judge_results(results=bad)] == [None, "twice", "unknown_payout", "twice"]
    with pytest.raises(ResultsRefused) as refused:
        apply_results(results=bad, by=first)
    assert refused.value.facts == {"bad": 3}
    for row, fault in (
        (f"PO{payout.pk},perhaps,", "unknown_result"),
        (f"PO{payout.pk},paid,124.81", "wrong_amount"),
    ):
        one = upload_results(
            batch=batch, file_name="x.csv", content=f"payout_id,result,amount\n{row}\n".encode(), by=first
        )
        assert [judged.fault for judged in judge_results(results=one)] == [fault]
    payout.refresh_from_db()
    assert (payout.state, Journal.objects.filter(kind="payout").count()) == ("sent", 0)

    good = bank_says(batch, {payout: "paid"}, by=first)
    for results in (good, good, bank_says(batch, {payout: "paid"}, by=second)):
        apply_results(results=results, by=first)
    assert Journal.objects.filter(kind="payout").count() == 1
    opposite = bank_says(batch, {payout: "failed"}, by=first)
    assert [one.fault for one in judge_results(results=opposite)] == ["contradicts"]
    with pytest.raises(ResultsRefused):
        apply_results(results=opposite, by=first)
    assert balances(town)["bank"] == USE


def test_who_is_withheld_and_why(town, first, second):
    poor, indebted, refunded = (make_town(slug, slug) for slug in ("poor", "indebted", "refunded"))
    for one in (indebted, refunded):
        give_account(one.merchant.party, by=one.owner)
    redeem(poor)
    state_and_confirm(poor)
    uses = redeem(indebted, uses=2, days_ago=3)
    state_and_confirm(indebted)
    for one in uses:
        put_paid_refund(one.pk)  # taken back today: the ledger knows it, no statement says it yet
    settle_merchant(merchant_id=indebted.merchant.pk)

    found = preview_payouts()
    assert {one.merchant.slug: one.withheld for one in found.withheld} == {
        "poor": Withheld.NO_ACCOUNT,
        "indebted": Withheld.BALANCE,
    }
    with pytest.raises(NothingToPay):
        propose_batch(by=first)
    assert not PayoutBatch.objects.exists()

    give_account(poor.merchant.party, by=poor.owner)
    batch = propose_batch(by=first)
    assert [payout.merchant for payout in batch.payouts.all()] == [poor.merchant]
    redeem(poor, days_ago=4)
    state_and_confirm(poor)
    assert {one.merchant.slug: one.withheld for one in preview_payouts().withheld}[
        "poor"
    ] == Withheld.UNDER_WAY

    withdraw_batch(batch=batch, by=first)
    assert [one.amount_fen for one in preview_payouts().payable] == [2 * USE]


def test_a_balance_that_fell_before_the_approval_drops_the_payout(town, first, second):
    (use,) = redeem(town)
    (statement,) = state_and_confirm(town)
    batch = propose_batch(by=first)
    put_paid_refund(use.pk, amount_fen=5_000)
    settle_merchant(merchant_id=town.merchant.pk)

    approval = approve_batch(batch=batch, by=second)

    assert (approval.held, [one.pk for one in approval.dropped]) == ([], [batch.payouts.get().pk])
    assert (batch.state, batch.payouts.get().dropped) == ("withdrawn", "balance")
    statement.refresh_from_db()
    assert (statement.state, statement.payout) == ("confirmed", None)
    assert "payout_held" not in balances(town)


def test_an_account_changed_before_the_approval_drops_the_payout(town, first, second):
    redeem(town)
    state_and_confirm(town)
    batch = propose_batch(by=first)
    give_account(
        town.merchant.party, by=town.owner, number="3100020012349999", at=timezone.now() - timedelta(days=3)
    )
    approve_batch(batch=batch, by=second)
    assert batch.payouts.get().dropped == Withheld.ACCOUNT_CHANGED


def test_an_account_that_waits_is_never_paid_to(town, first, second):
    redeem(town)
    state_and_confirm(town)
    waiting = give_account(town.merchant.party, by=town.owner, number="3100020012349999", at=timezone.now())

    payout = propose_batch(by=first).payouts.get()

    assert payout.account.number_tail == "5678"
    with pytest.raises(IntegrityError), transaction.atomic():
        Payout.objects.create(
            merchant=town.merchant, payee=town.merchant.party, kind="provider", account=waiting, amount_fen=1,
            batch=payout.batch,
        )  # fmt: skip


def test_what_nobody_answered_within_a_week_counts_as_confirmed_by_nobody(town, first):
    redeem(town)
    (statement,) = seal_statements(merchant=town.merchant)
    assert confirm_unanswered() == 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE settlement_statement DISABLE TRIGGER sealed_columns")
        cursor.execute("UPDATE settlement_statement SET sealed_at = now() - interval '7 days'")
        cursor.execute("ALTER TABLE settlement_statement ENABLE ALWAYS TRIGGER sealed_columns")

    assert (confirm_unanswered(), confirm_unanswered()) == (1, 0)

    statement.refresh_from_db()
    assert (statement.state, statement.confirmed_by) == (StatementState.CONFIRMED, None)
    assert statement.confirmed_at is not None
    event = AuditEvent.objects.get(verb="statement.confirmed")
    assert (event.actor_id, event.facts["unanswered_days"]) == (None, 7)
    assert [one.amount_fen for one in preview_payouts().payable] == [USE]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE settlement_payoutbatch SET approved_by_id = proposed_by_id",
        "UPDATE settlement_payout SET amount_fen = amount_fen + 1",
        "UPDATE settlement_payout SET account_id = account_id + 1",
        "UPDATE settlement_statement SET state = 'paid'",
        "UPDATE settlement_statement SET payout_id = NULL, state = 'paid'",
        "UPDATE settlement_payoutbatch SET file_encrypted = '\\x00'",
        "DELETE FROM settlement_payoutitem",
        "DELETE FROM settlement_payout",
        "INSERT INTO settlement_payout (merchant_id, batch_id, payee_id, kind, account_id, amount_fen, state, dropped,"
        " bank_reference, failure) SELECT merchant_id, batch_id, payee_id, kind, account_id, 1, 'proposed', '', '', ''"
        " FROM settlement_payout",
    ],
)
def test_the_database_refuses(town, first, second, sql):
    redeem(town)
    state_and_confirm(town)
    send(town, first, second)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert Payout.objects.get().state == PayoutState.SENT
