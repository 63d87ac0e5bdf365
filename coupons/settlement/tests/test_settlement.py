"""Settlement: one line per due redemption, parts that sum to the whole, a ledger that cannot be bent."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import AlreadySettled, ReversalTooLate, reverse_redemptions
from coupons.enums import CouponState, DealKind
from coupons.models import Coupon, Redemption, Refund
from coupons.settlement.domain.sealing import seal_statements, statement_hash
from coupons.settlement.domain.settlement import enqueue_unsettled, settle_merchant
from coupons.settlement.domain.statements import (
    StatementNotOpen,
    confirm_statement,
    dispute_statement,
)
from coupons.settlement.models import SettlementBatch, SettlementLine, Statement
from coupons.tests.town import make_town
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from ledger.models import Balance, Journal, Transfer
from merchants.domain.terms import end_terms
from merchants.enums import ShareKind
from merchants.tests.agreeing import agree, make_payee


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town(platform_fee_bps=250)


def balances(town):
    return {
        balance.account.kind: balance.credits_fen - balance.debits_fen
        for balance in Balance.objects.filter(merchant_id=town.merchant.pk).select_related("account")
    }


def assert_books_are_right():
    assert check_invariants().broken == {}


def test_a_due_redemption_becomes_a_line_and_a_journal(town):
    now = timezone.now()
    (coupon,) = town.buy(at=now - timedelta(days=1))
    town.redeem(coupon.code, at=now - timedelta(hours=2))

    batch = settle_merchant(merchant_id=town.merchant.pk)

    line = SettlementLine.objects.get()
    assert (line.gross_fen, line.platform_fee_fen, line.merchant_fen) == (12_800, 320, 12_480)
    assert (batch.lines, batch.gross_fen) == (1, 12_800)
    assert balances(town) == {
        "psp_clearing": -12_800,
        "customer_prepaid": 0,
        "merchant_payable": 12_480,
        "platform_fee": 320,
    }
    assert settle_merchant(merchant_id=town.merchant.pk) is None
    assert SettlementLine.objects.count() == 1
    assert_books_are_right()


def test_nothing_is_settled_inside_the_undo_window(town):
    (coupon,) = town.buy()
    town.redeem(coupon.code)

    assert settle_merchant(merchant_id=town.merchant.pk) is None

    assert SettlementLine.objects.count() == 0
    assert balances(town) == {"psp_clearing": -12_800, "customer_prepaid": 12_800}


def test_a_reversed_redemption_is_not_settled_and_its_successor_is(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    receipt = town.redeem(coupon.code, at=start)
    reverse_redemptions(
        merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk, at=start
    )
    town.redeem(coupon.code, at=start + timedelta(minutes=5))

    settle_merchant(merchant_id=town.merchant.pk)

    assert SettlementLine.objects.get().redemption.redeemed_at == start + timedelta(minutes=5)
    assert_books_are_right()


def test_what_settlement_took_is_never_reversed(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    receipt = town.redeem(coupon.code, at=start)
    settle_merchant(merchant_id=town.merchant.pk)
    undo = {"merchant": town.merchant, "redemption_ids": [receipt.redemptions[0].id], "by": town.clerk}

    with pytest.raises(ReversalTooLate):
        reverse_redemptions(**undo)
    with pytest.raises(AlreadySettled):  # even where somebody's clock says it is early
        reverse_redemptions(**undo, at=start)

    coupon.refresh_from_db()
    assert coupon.state == CouponState.REDEEMED


def test_terms_frozen_into_the_order_decide(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    agree(town.merchant, ShareKind.PLATFORM_FEE, 9_000, by=town.owner)
    town.redeem(coupon.code, at=start)

    settle_merchant(merchant_id=town.merchant.pk)

    assert SettlementLine.objects.get().platform_fee_fen == 320


def test_an_order_settles_by_the_terms_of_the_day_it_was_placed(town):
    """All four hands on 128.00: before anything was agreed, after, and after the service fee was changed and ended."""
    provider, station = make_payee(ShareKind.SERVICE_FEE), make_payee(ShareKind.STATION_SHARE, "重庆站")
    start = timezone.now() - timedelta(days=1)
    (before,) = town.buy(at=start)
    agree(town.merchant, ShareKind.PLATFORM_FEE, 300, by=town.owner)
    fee = agree(town.merchant, ShareKind.SERVICE_FEE, 1_111, by=town.owner, payee=provider)
    agree(town.merchant, ShareKind.STATION_SHARE, 77, by=town.owner, payee=station)
    (between,) = town.buy(at=start)
    fee = agree(town.merchant, ShareKind.SERVICE_FEE, 5, by=town.owner, payee=provider)
    (changed,) = town.buy(at=start)
    end_terms(terms=fee, by=provider[1])
    (after,) = town.buy(at=start)
    coupons = [before, between, changed, after]
    for minute, coupon in enumerate(coupons):
        town.redeem(coupon.code, at=start + timedelta(minutes=minute))

    settle_merchant(merchant_id=town.merchant.pk)

    lines = {line.coupon_id: line for line in SettlementLine.objects.all()}
    assert [
        (line.platform_fee_fen, line.service_fee_fen, line.station_share_fen, line.merchant_fen)
        for line in (lines[coupon.pk] for coupon in coupons)
    ] == [  # fen of 12,800; the largest remainder first
        (320, 0, 0, 12_480),
        (384, 1_422, 99, 10_895),
        (384, 6, 99, 12_311),
        (384, 0, 99, 12_317),
    ]
    assert lines[between.pk].service_payee_id == provider[0].pk
    assert (lines[after.pk].service_payee_id, lines[after.pk].station_payee_id) == (None, station[0].pk)


def test_every_use_of_a_times_card_settles_to_the_fen(town):
    start = timezone.now() - timedelta(days=1)
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=7, price_fen=9_999)
    (card,) = town.buy(deal=deal, at=start)
    for minute in range(7):
        town.redeem(card.code, at=start + timedelta(minutes=minute))

    settle_merchant(merchant_id=town.merchant.pk)

    lines = list(SettlementLine.objects.order_by("id"))
    assert sum(line.gross_fen for line in lines) == 9_999
    assert {line.gross_fen for line in lines} == {1_428, 1_429}
    assert balances(town)["customer_prepaid"] == 0
    assert_books_are_right()


def test_a_refund_before_use_leaves_the_book_as_it_was(town):
    (coupon,) = town.buy()
    request_refund(coupon=coupon, by=town.customer.user)
    assert run_due_jobs(kinds=["pay_refund"]) == 1

    settle_merchant(merchant_id=town.merchant.pk)

    coupon.refresh_from_db()
    assert coupon.state == CouponState.REFUNDED
    assert balances(town) == {"psp_clearing": 0, "customer_prepaid": 0}
    assert (town.deal.stock.sold, Refund.objects.get().amount_fen) == (0, 12_800)
    assert_books_are_right()


def test_a_free_coupon_makes_a_line_and_no_journal(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(deal=town.make_deal(price_fen=0), at=start)
    Coupon.objects.update(valid_from=start - timedelta(days=1))
    town.redeem(coupon.code, at=start)

    batch = settle_merchant(merchant_id=town.merchant.pk)

    assert (batch.lines, batch.gross_fen, batch.journal) == (1, 0, None)
    assert_books_are_right()


def test_the_job_settles_and_the_sweep_finds_what_has_no_job(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    town.redeem(coupon.code, at=start)
    Job.objects.all().delete()

    assert enqueue_unsettled() == 1
    assert enqueue_unsettled() == 0
    assert run_due_jobs(kinds=["settle"]) == 1

    assert SettlementLine.objects.count() == 1


def test_a_settlement_that_died_is_tried_again_an_hour_later(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    town.redeem(coupon.code, at=start)
    Job.objects.update(state="dead")
    assert enqueue_unsettled() == 0

    Job.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert enqueue_unsettled() == 1


def test_a_day_is_sealed_once_and_linked_to_the_day_before(town):
    start = timezone.now() - timedelta(days=3)
    for day in range(2):
        (coupon,) = town.buy(at=start + timedelta(days=day))
        town.redeem(coupon.code, at=start + timedelta(days=day))
    settle_merchant(merchant_id=town.merchant.pk)

    first, second = seal_statements(merchant=town.merchant)

    assert (first.lines_count, first.gross_fen, first.platform_fee_fen, first.merchant_fen) == (
        1,
        12_800,
        320,
        12_480,
    )
    assert second.previous == first
    assert len(first.hash) == 64
    assert seal_statements(merchant=town.merchant) == []
    assert statement_hash(statement=second) == second.hash
    Coupon.objects.update(price_fen=12_801)  # what a line rests on is sealed with it
    assert statement_hash(statement=second) != second.hash


def test_a_late_line_goes_into_a_further_statement_of_its_day(town):
    start = timezone.now() - timedelta(days=3)
    for _ in range(2):
        (coupon,) = town.buy(at=start)
        town.redeem(coupon.code, at=start)
        settle_merchant(merchant_id=town.merchant.pk)
        seal_statements(merchant=town.merchant)

    numbers = list(Statement.objects.order_by("id").values_list("number", flat=True))
    day = start.astimezone(town.merchant.tzinfo)
    assert numbers == [f"S{day:%Y%m%d}-0001", f"S{day:%Y%m%d}-0002"]
    assert_books_are_right()


def test_today_is_not_sealed(town):
    (coupon,) = town.buy(at=timezone.now() - timedelta(days=1))
    town.redeem(coupon.code, at=timezone.now())
    settle_merchant(merchant_id=town.merchant.pk, at=timezone.now() + timedelta(hours=2))
    assert SettlementLine.objects.count() == 1
    assert seal_statements(merchant=town.merchant) == []


def test_a_statement_is_confirmed_once_and_disputed_with_a_reason(town):
    start = timezone.now() - timedelta(days=3)
    (coupon,) = town.buy(at=start)
    town.redeem(coupon.code, at=start)
    settle_merchant(merchant_id=town.merchant.pk)
    (statement,) = seal_statements(merchant=town.merchant)

    with pytest.raises(Exception, match="reason"):
        dispute_statement(statement=statement, by=town.owner, reason="  ")
    dispute_statement(statement=statement, by=town.owner, reason="少了一张")
    confirm_statement(statement=statement, by=town.owner)
    with pytest.raises(StatementNotOpen):
        confirm_statement(statement=statement, by=town.owner)
    with pytest.raises(StatementNotOpen):
        dispute_statement(statement=statement, by=town.owner, reason="again")
    statement.refresh_from_db()
    assert (statement.state, statement.confirmed_by) == ("confirmed", town.owner)


def test_a_line_whose_parts_do_not_add_up_cannot_be_written(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    town.redeem(coupon.code, at=start)
    settle_merchant(merchant_id=town.merchant.pk)
    batch, (other,) = SettlementBatch.objects.get(), town.buy(at=start)
    use = town.redeem(other.code, at=start).redemptions[0]
    with pytest.raises(IntegrityError, match="settlement_line_adds_up"), transaction.atomic():
        SettlementLine.objects.create(
            merchant=town.merchant, batch=batch, redemption_id=use.id, coupon=other, deal=town.deal, store=town.store,
            business_date=start, gross_fen=12_800, merchant_fen=12_799,
        )  # fmt: skip


def test_a_reversed_redemption_cannot_get_a_line(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    receipt = town.redeem(coupon.code, at=start)
    reverse_redemptions(
        merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk, at=start
    )
    use = Redemption.objects.get()
    batch = SettlementBatch.objects.create(merchant=town.merchant, lines=1, gross_fen=0)
    with pytest.raises(IntegrityError, match="standing redemption"), transaction.atomic():
        SettlementLine.objects.create(
            merchant=town.merchant, batch=batch, redemption=use, coupon=coupon, deal=town.deal, store=town.store,
            business_date=use.business_date, gross_fen=12_800, merchant_fen=12_800,
        )  # fmt: skip


@pytest.fixture
def booked(town):
    start = timezone.now() - timedelta(days=1)
    (coupon,) = town.buy(at=start)
    town.redeem(coupon.code, at=start)
    settle_merchant(merchant_id=town.merchant.pk)
    return town


ATTACKS = {
    "change a transfer": "UPDATE ledger_transfer SET amount_fen = 1",
    "delete a transfer": "DELETE FROM ledger_transfer",
    "empty the transfers": "TRUNCATE ledger_transfer CASCADE",
    "change a journal": "UPDATE ledger_journal SET kind = 'refunds'",
    "delete a journal": "DELETE FROM ledger_journal",
    "empty the journals": "TRUNCATE ledger_journal CASCADE",
    "change an account": "UPDATE ledger_account SET bound = '-'",
    "write a balance": "UPDATE ledger_balance SET credits_fen = credits_fen + 1",
    "delete a balance": "DELETE FROM ledger_balance",
    "a replica's change": "SET LOCAL session_replication_role = replica; UPDATE ledger_transfer SET amount_fen = 1",
    "an amount of nothing": """INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id, credit_account_id,
        amount_fen, currency) SELECT merchant_id, journal_id, 99, debit_account_id, credit_account_id, 0, currency
        FROM ledger_transfer LIMIT 1""",
    "another currency": """INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id, credit_account_id,
        amount_fen, currency) SELECT merchant_id, journal_id, 99, debit_account_id, credit_account_id, 1, 'USD'
        FROM ledger_transfer LIMIT 1; SET CONSTRAINTS ALL IMMEDIATE""",
    "another tenant": """INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id, credit_account_id,
        amount_fen, currency) SELECT 1, journal_id, 99, debit_account_id, credit_account_id, 1, currency
        FROM ledger_transfer LIMIT 1""",
    "the same account twice": """INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id,
        credit_account_id, amount_fen, currency) SELECT merchant_id, journal_id, 99, debit_account_id, debit_account_id, 1,
        currency FROM ledger_transfer LIMIT 1""",
    "a forged transaction": """INSERT INTO ledger_journal (merchant_id, kind, source, happened_at, xid)
        SELECT merchant_id, kind, 'forged', happened_at, '1' FROM ledger_journal LIMIT 1""",
    "a second journal of a source": """INSERT INTO ledger_journal (merchant_id, kind, source, happened_at)
        SELECT merchant_id, kind, source, happened_at FROM ledger_journal LIMIT 1""",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_ledger_refuses(booked, attack):
    before = list(Balance.objects.order_by("pk").values_list("pk", "debits_fen", "credits_fen"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute(ATTACKS[attack])
    assert list(Balance.objects.order_by("pk").values_list("pk", "debits_fen", "credits_fen")) == before
    assert (Journal.objects.count(), Transfer.objects.count()) == (2, 3)


def test_a_liability_cannot_be_paid_out_twice(booked):
    accounts = {
        kind: open_account(merchant_id=booked.merchant.pk, kind=kind, owner_id=booked.merchant.pk)
        for kind in (AccountKind.CUSTOMER_PREPAID, AccountKind.MERCHANT_PAYABLE)
    }
    with pytest.raises(IntegrityError, match="ledger_balance_bound"), transaction.atomic():
        write_journal(
            merchant_id=booked.merchant.pk,
            kind=JournalKind.SETTLEMENT,
            source="too much",
            happened_at=timezone.now(),
            postings=[
                Posting(accounts[AccountKind.CUSTOMER_PREPAID], accounts[AccountKind.MERCHANT_PAYABLE], 1)
            ],
        )
