"""Orders, the provider's bill and the ledger of a day: each kind of difference, its answer, and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django_scopes import scope

from core.domain.jobs import run_due_jobs
from core.errors import Invalid
from core.invariants import check_invariants
from coupons.domain.payments import start_payment
from coupons.domain.refunds import request_refund
from coupons.models import Order, Payment
from coupons.settlement.domain.bill_rows import BillRow
from coupons.settlement.domain.bills import BillRefused, BillTooShort, DaysBilled, import_bill
from coupons.settlement.domain.breaks import (
    BreakNotOpen,
    NothingToAdjust,
    adjust_break,
    explain_break,
    take_break,
)
from coupons.settlement.domain.reconciliation import reconcile_day
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.enums import BillEntryKind
from coupons.settlement.models import BillEntry, Break, ProviderBill, ReconciliationRun
from coupons.settlement.tests.billing import bill_of, breaks_of, noon, pay_and_bill, rows_of_day
from coupons.tests.town import Town, make_town
from ledger.models import Balance, Journal, LedgerAccount

pytestmark = pytest.mark.django_db
PRICE = 12_800


@pytest.fixture
def town() -> Town:
    return make_town()


def one_break(town: Town) -> Break:
    with scope(merchant=town.merchant.pk):
        return Break.objects.get(state="open")


def a_day(town: Town, payments: int = 3):
    at = noon(zone=town.merchant.tzinfo)
    for _ in range(payments):
        town.buy(at=at)
    settle_merchant(merchant_id=town.merchant.pk)
    return at.date(), rows_of_day(town, at.date())


def matched(town: Town, day, rows) -> ReconciliationRun:
    bill_of(town, day=day, rows=rows)
    return reconcile_day(merchant=town.merchant, day=day)


def test_a_day_that_agrees_has_no_break(town: Town) -> None:
    run = pay_and_bill(town)

    assert breaks_of(town) == []
    assert (run.is_billed, run.matched, run.payments_count) == (True, 3, 3)
    assert run.payments_fen == run.billed_payments_fen == run.booked_payments_fen == 3 * PRICE


def test_each_difference_has_its_kind_its_reason_and_both_sums(town: Town) -> None:
    day, rows = a_day(town, payments=4)
    stranger = BillRow(9, BillEntryKind.PAYMENT, "nobody", 700, rows[0].happened_at)
    rows = [replace(rows[1], amount_fen=PRICE + 1), rows[2], rows[2], rows[3], stranger]

    run = matched(town, day, rows)

    assert breaks_of(town) == [
        ("amount_differs", "other_amount", PRICE, PRICE + 1),
        ("duplicate_in_bill", "billed_twice", 0, PRICE),
        ("missing_in_bill", "not_billed", PRICE, 0),
        ("missing_in_books", "unknown_reference", 0, 700),
    ]
    assert run.matched == 2


def test_the_providers_own_number_of_a_payment_matches_too(town: Town) -> None:
    day, rows = a_day(town)
    with scope(merchant=town.merchant.pk):
        numbers = dict(Payment.objects.values_list("reference", "provider_reference"))
    assert all(number.startswith("SBX") for number in numbers.values())

    matched(town, day, [replace(row, reference=numbers[row.reference]) for row in rows])

    assert breaks_of(town) == []


def test_a_payment_whose_notice_never_came_is_told_apart_from_a_stranger(town: Town) -> None:
    day, rows = a_day(town)
    waiting = start_payment(order=town.order()).payment

    matched(
        town, day, [*rows, BillRow(9, BillEntryKind.PAYMENT, waiting.reference, PRICE, rows[0].happened_at)]
    )

    assert breaks_of(town) == [("missing_in_books", "notice_missing", 0, PRICE)]
    assert one_break(town).order_id == waiting.order_id


def test_refunds_are_compared_payment_by_payment(town: Town) -> None:
    at = noon(zone=town.merchant.tzinfo)
    for _ in range(3):
        (coupon,) = town.buy(at=at)
        request_refund(coupon=coupon, by=town.owner)
    assert run_due_jobs(kinds=["pay_refund"]) == 3
    settle_merchant(merchant_id=town.merchant.pk)
    today = timezone.now().astimezone(town.merchant.tzinfo).date()
    rows = rows_of_day(town, today)
    assert [row.kind for row in rows] == [BillEntryKind.REFUND] * 3
    assert breaks_of(town) == []
    stranger = replace(rows[0], reference="nobody", refund_reference="")

    matched(town, today, [replace(rows[1], amount_fen=5), rows[2], stranger])

    assert sorted(breaks_of(town)) == [
        ("refund_differs", "other_refund", PRICE, 5),
        ("refund_differs", "refund_not_billed", PRICE, 0),
        ("refund_differs", "refund_unknown", 0, PRICE),
    ]


def test_a_refund_the_provider_made_just_before_midnight_belongs_to_our_day(town: Town) -> None:
    at = noon(zone=town.merchant.tzinfo)
    (coupon,) = town.buy(at=at)
    refund = request_refund(coupon=coupon, by=town.owner)
    run_due_jobs(kinds=["pay_refund"])
    settle_merchant(merchant_id=town.merchant.pk)
    day = at.date()
    just_after = at.replace(hour=0) + timedelta(days=1, minutes=5)
    with scope(merchant=town.merchant.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE coupons_refund SET paid_out_at = %s WHERE id = %s", [just_after, refund.pk])
    payment, told = rows_of_day(town, day)[0], rows_of_day(town, just_after.date())[0]

    early = replace(told, happened_at=just_after - timedelta(minutes=10))
    import_bill(
        merchant=town.merchant, provider="sandbox", rows=[payment, early], file_name="two days", by=None,
        days=(day, just_after.date()),
    )  # fmt: skip
    for one in (day, just_after.date()):
        reconcile_day(merchant=town.merchant, day=one)

    assert breaks_of(town) == []


def test_a_payment_listed_on_another_day_is_one_break_on_ours(town: Town) -> None:
    day, rows = a_day(town)
    moved = replace(rows[0], happened_at=rows[0].happened_at + timedelta(days=1))
    import_bill(
        merchant=town.merchant, provider="sandbox", rows=[moved, *rows[1:]], file_name="two days", by=None,
        days=(day, day + timedelta(days=1)),
    )  # fmt: skip
    for one in (day, day + timedelta(days=1)):
        reconcile_day(merchant=town.merchant, day=one)

    assert breaks_of(town) == [("day_differs", "other_day", PRICE, PRICE)]


def test_money_that_is_not_in_the_ledger_is_found_without_any_bill(town: Town) -> None:
    town.buy(at=noon(zone=town.merchant.tzinfo))
    day = noon(zone=town.merchant.tzinfo).date()

    run = reconcile_day(merchant=town.merchant, day=day)

    assert breaks_of(town) == [("ledger_differs", "not_booked", PRICE, 0)]
    assert (run.is_billed, run.booked_payments_fen) == (False, 0)
    settle_merchant(merchant_id=town.merchant.pk)
    reconcile_day(merchant=town.merchant, day=day)
    assert breaks_of(town) == []


def test_an_order_that_counts_otherwise_than_its_payments_is_found(town: Town) -> None:
    day, rows = a_day(town)
    with scope(merchant=town.merchant.pk):
        Order.objects.filter(payments__reference=rows[0].reference).update(paid_fen=PRICE + 5)

    matched(town, day, rows)

    assert breaks_of(town) == [("order_differs", "order_sums", PRICE + 5, PRICE)]


def test_matching_again_changes_nothing_and_a_later_bill_clears(town: Town) -> None:
    run = pay_and_bill(town, missing=1)
    found = one_break(town)

    again = reconcile_day(merchant=town.merchant, day=run.day)

    assert (again.pk, one_break(town).pk) == (run.pk, found.pk)
    bill_of(town, day=run.day, replaces=True)
    assert run_due_jobs(kinds=["reconcile_day"]) == 2
    found.refresh_from_db()
    assert (found.state, found.resolved_by, breaks_of(town)) == ("cleared", None, [])


def test_the_same_bill_twice_changes_nothing_and_says_so(town: Town) -> None:
    day, rows = a_day(town)
    first, second = bill_of(town, day=day, rows=rows), bill_of(town, day=day, rows=rows)

    assert (first.is_new, second.is_new, first.bill.pk) == (True, False, second.bill.pk)
    with scope(merchant=town.merchant.pk):
        assert (ProviderBill.objects.count(), BillEntry.objects.count()) == (1, 3)


def test_another_bill_of_a_day_must_say_that_it_replaces_and_cover_as_much(town: Town) -> None:
    day, rows = a_day(town)
    wide = import_bill(
        merchant=town.merchant, provider="sandbox", rows=rows, file_name="wide.csv", by=None,
        days=(day - timedelta(days=1), day),
    )  # fmt: skip

    with pytest.raises(DaysBilled):
        bill_of(town, day=day, rows=rows[1:])
    with pytest.raises(BillTooShort):
        bill_of(town, day=day, rows=rows[1:], replaces=True)

    with scope(merchant=town.merchant.pk):
        assert list(ProviderBill.objects.values_list("pk", "replaced_by")) == [(wide.bill.pk, None)]


def test_a_row_outside_the_days_is_named_and_nothing_is_imported(town: Town) -> None:
    day, rows = a_day(town)

    with pytest.raises(BillRefused) as refusal:
        bill_of(town, day=day + timedelta(days=1), rows=rows)

    assert refusal.value.facts["count"] == 3
    assert [row.number for row in refusal.value.facts["rows"]] == [2, 3, 4]
    with scope(merchant=town.merchant.pk):
        assert ProviderBill.objects.count() == 0


def balances(town: Town) -> dict[str, int]:
    return {
        LedgerAccount.objects.get(pk=one.account_id).kind: one.debits_fen - one.credits_fen
        for one in Balance.objects.filter(merchant_id=town.merchant.pk)
    }


def test_adjusting_brings_the_ledger_to_what_the_provider_holds_by_a_new_entry(town: Town) -> None:
    pay_and_bill(town, missing=1)
    before, entries = balances(town), Journal.objects.count()

    adjust_break(found=one_break(town), by=town.owner, words="The provider confirmed it")

    after = balances(town)
    assert after["psp_clearing"] == before["psp_clearing"] - PRICE == 2 * PRICE
    assert after["differences"] == PRICE
    assert Journal.objects.count() == entries + 1
    with scope(merchant=town.merchant.pk):
        found = Break.objects.get()
    assert (found.state, found.resolved_by, found.owner) == ("adjusted", town.owner, town.owner)
    assert found.journal.source == f"break:{found.pk}"
    assert check_invariants(merchant_id=town.merchant.pk).broken == {}
    for answer in (adjust_break, explain_break):
        with pytest.raises(BreakNotOpen), transaction.atomic():
            answer(found=found, by=town.owner, words="again")
    assert balances(town) == after


def test_money_the_provider_holds_besides_is_owed_to_the_differences(town: Town) -> None:
    day, rows = a_day(town)
    matched(town, day, [*rows, rows[0]])

    adjust_break(found=one_break(town), by=town.owner, words="Charged twice, goes back")

    assert balances(town) | {"customer_prepaid": 0} == {
        "psp_clearing": 4 * PRICE,
        "customer_prepaid": 0,
        "differences": -PRICE,
    }


def test_what_moves_no_money_cannot_be_adjusted_and_words_are_needed(town: Town) -> None:
    town.buy(at=noon(zone=town.merchant.tzinfo))
    reconcile_day(merchant=town.merchant, day=noon(zone=town.merchant.tzinfo).date())
    found = one_break(town)

    with pytest.raises(NothingToAdjust):
        adjust_break(found=found, by=town.owner, words="away with it")
    with pytest.raises(Invalid):
        explain_break(found=found, by=town.owner, words="  ")
    take_break(found=found, by=town.clerk)
    explain_break(found=found, by=town.owner, words="Booked by hand tonight")

    found.refresh_from_db()
    assert (found.state, found.owner, found.explanation) == (
        "explained",
        town.clerk,
        "Booked by hand tonight",
    )
    reconcile_day(merchant=town.merchant, day=found.day)
    assert breaks_of(town) == []


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE settlement_billentry SET amount_fen = amount_fen + 1",
        "DELETE FROM settlement_billentry",
        "TRUNCATE settlement_billentry CASCADE",
        "UPDATE settlement_providerbill SET payments_fen = 0",
        "DELETE FROM settlement_providerbill",
        "INSERT INTO settlement_billentry (merchant_id, bill_id, row_number, kind, reference, refund_reference, amount_fen,"
        " happened_at, business_date) SELECT merchant_id, bill_id, 99, kind, 'more', '', 1, happened_at, business_date"
        " FROM settlement_billentry LIMIT 1",
        "UPDATE settlement_break SET explanation = 'other words' WHERE state = 'explained'",
        "UPDATE settlement_break SET state = 'open', resolved_by_id = NULL, resolved_at = NULL WHERE state = 'explained'",
        "UPDATE settlement_break SET found_fen = 0 WHERE state = 'open'",
        "DELETE FROM settlement_break",
        "TRUNCATE settlement_break CASCADE",
    ],
)
@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_edit_bills_and_answers(town: Town, attack: str) -> None:
    day, rows = a_day(town, payments=4)
    matched(town, day, [replace(rows[0], amount_fen=1), *rows[2:]])
    with scope(merchant=town.merchant.pk):
        missing = Break.objects.get(kind="missing_in_bill")
    explain_break(found=missing, by=town.owner, words="Comes later")

    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)

    assert isinstance(refusal.value, IntegrityError)
