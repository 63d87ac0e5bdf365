"""Payouts at the same moment: two proposers, an approval against money taken back, one answer of the bank twice."""

from functools import partial

import pytest
from django_scopes import scopes_disabled

from core.invariants import check_invariants
from coupons.settlement.domain import payout_approvals, payout_proposals
from coupons.settlement.domain.payout_approvals import approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import propose_batch
from coupons.settlement.domain.payout_results import apply_results
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.enums import BankFileKind
from coupons.settlement.models import Payout
from coupons.settlement.tests.paying import bank_says, give_account, redeem, state_and_confirm
from coupons.tests.town import Town, make_user, put_paid_refund
from ledger.models import Balance, Journal
from tests.races.racing import count_codes, hold_against, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

USE = 12_480


@pytest.fixture
def earned(town: Town):
    """One use, stated and confirmed, and an account to pay it to."""
    with scopes_disabled():
        give_account(town.merchant.party, by=town.owner)
        (use,) = redeem(town)
        state_and_confirm(town)
        yield use


def balance_of(town: Town, kind: str) -> int:
    balance = Balance.objects.get(merchant_id=town.merchant.pk, account__kind=kind)
    return balance.credits_fen - balance.debits_fen


def test_two_proposers_at_once_pay_a_statement_once(town: Town, earned) -> None:
    by = make_user("first")
    answers = race_once(*[partial(propose_batch, by=by)] * 3)
    assert count_codes(answers) == {"done": 1, "nothing_to_pay": 2}
    assert Payout.objects.count() == 1
    assert check_invariants().broken == {}


def test_without_their_lock_the_second_proposer_waits_and_finds_nothing(
    town: Town, earned, monkeypatch
) -> None:
    """The row locks behind the proposers' own lock hold alone too."""
    monkeypatch.setattr(payout_proposals, "_one_proposer_at_a_time", lambda: None)
    by = make_user("first")
    result = hold_against(partial(propose_batch, by=by), partial(propose_batch, by=by))
    assert result.second_waited
    assert (result.second.code, Payout.objects.count()) == ("nothing_to_pay", 1)


def test_an_approval_waits_for_money_that_is_taken_back(town: Town, earned) -> None:
    batch = propose_batch(by=make_user("first"))
    put_paid_refund(earned.pk)
    result = hold_against(
        partial(settle_merchant, merchant_id=town.merchant.pk),
        partial(approve_batch, batch=batch, by=make_user("second")),
    )
    assert result.second_waited
    assert (result.second.held, len(result.second.dropped)) == ([], 1)
    assert balance_of(town, "merchant_payable") == 0
    assert check_invariants().broken == {}


def test_an_approval_that_does_not_lock_balances_pays_what_was_taken_back(
    town: Town, earned, monkeypatch
) -> None:
    """The control: what the lock is for."""
    read = payout_proposals.read_balances
    monkeypatch.setattr(payout_approvals, "read_balances", lambda keys, lock: read(keys, lock=False))
    batch = propose_batch(by=make_user("first"))
    put_paid_refund(earned.pk)
    result = hold_against(
        partial(settle_merchant, merchant_id=town.merchant.pk),
        partial(approve_batch, batch=batch, by=make_user("second")),
    )
    assert len(result.second.held) == 1
    assert balance_of(town, "merchant_payable") == -USE


def test_money_taken_back_after_an_approval_makes_the_balance_negative(town: Town, earned) -> None:
    batch = propose_batch(by=make_user("first"))
    put_paid_refund(earned.pk)
    result = hold_against(
        partial(approve_batch, batch=batch, by=make_user("second")),
        partial(settle_merchant, merchant_id=town.merchant.pk),
    )
    assert result.second_waited
    assert (balance_of(town, "merchant_payable"), balance_of(town, "payout_held")) == (-USE, USE)
    assert check_invariants().broken == {}


def test_two_approvals_and_two_answers_of_the_bank_count_once(town: Town, earned) -> None:
    batch = propose_batch(by=make_user("first"))
    answers = race_once(
        *[partial(approve_batch, batch=batch, by=make_user(name)) for name in ("a", "b", "c")]
    )
    assert count_codes(answers) == {"done": 1, "batch_not_open": 2}
    by = make_user("first")
    files = race_once(*[partial(export_batch, batch=batch, kind=kind, by=by) for kind in BankFileKind])
    assert files[0] == files[1]

    payout = Payout.objects.get()
    said = [bank_says(batch, {payout: word}, by=by) for word in ("paid", "paid", "failed")]
    answers = race_once(*[partial(apply_results, results=results, by=by) for results in said])

    codes = count_codes(answers)
    assert codes in ({"done": 2, "payout_results_refused": 1}, {"done": 1, "payout_results_refused": 2})
    assert Journal.objects.filter(kind__in=["payout", "payout_void"]).count() == 1
    payout.refresh_from_db()
    assert payout.state == ("paid" if codes["done"] == 2 else "failed")
    assert check_invariants().broken == {}
