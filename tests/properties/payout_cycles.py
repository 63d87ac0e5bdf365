"""Ways to bring a statement, a payout and its batch into each state, and every function that moves one."""

from typing import Any

from coupons.settlement.domain.payout_approvals import approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import propose_batch, withdraw_batch
from coupons.settlement.domain.payout_results import apply_results
from coupons.settlement.domain.statements import confirm_statement
from coupons.settlement.enums import BankFileKind, PayoutBatchState, PayoutState
from coupons.settlement.models import BankAccount, Payout, PayoutBatch, SettlementLine, Statement
from coupons.settlement.tests.paying import bank_says, give_account, redeem, state_and_confirm
from coupons.tests.town import Town, make_user

# How far a batch is brought for each state.
WAYS = {
    PayoutState.PROPOSED: [],
    PayoutState.DROPPED: ["withdraw"],
    PayoutState.APPROVED: ["approve"],
    PayoutState.SENT: ["approve", "export"],
    PayoutState.PAID: ["approve", "export", "paid"],
    PayoutState.FAILED: ["approve", "export", "failed"],
}
BATCH_WAYS = {
    PayoutBatchState.PROPOSED: PayoutState.PROPOSED,
    PayoutBatchState.WITHDRAWN: PayoutState.DROPPED,
    PayoutBatchState.APPROVED: PayoutState.APPROVED,
    PayoutBatchState.EXPORTED: PayoutState.SENT,
    PayoutBatchState.FINISHED: PayoutState.PAID,
}


def approve(batch: PayoutBatch) -> Any:
    return approve_batch(batch=batch, by=make_user("second"))


def withdraw(batch: PayoutBatch) -> Any:
    return withdraw_batch(batch=batch, by=make_user("first"))


def export(batch: PayoutBatch) -> Any:
    return export_batch(batch=batch, kind=BankFileKind.CSV, by=make_user("first"))


def say(batch: PayoutBatch, word: str) -> Any:
    by = make_user("first")
    answers = dict.fromkeys(batch.payouts.all(), word)
    return apply_results(results=bank_says(batch, answers, by=by), by=by)


STEPS = {
    "approve": approve,
    "withdraw": withdraw,
    "export": export,
    "paid": lambda batch: say(batch, "paid"),
    "failed": lambda batch: say(batch, "failed"),
}


def put_payout(town: Town, state: PayoutState) -> Payout:
    redeem(town)
    state_and_confirm(town)
    return _propose(town, state)


def put_batch(town: Town, state: PayoutBatchState) -> PayoutBatch:
    batch = put_payout(town, BATCH_WAYS[state]).batch
    batch.refresh_from_db()
    return batch


def pay_statement(town: Town, statement: Statement) -> Any:
    return _propose(town, PayoutState.PAID)


def pay_line(town: Town, line: SettlementLine) -> Any:
    if line.statement is not None:
        confirm_statement(statement=line.statement, by=town.owner)
    return _propose(town, PayoutState.PAID)


def _propose(town: Town, state: PayoutState) -> Payout:
    if not BankAccount.objects.filter(payee_id=town.merchant.pk).exists():
        give_account(town.merchant.party, by=town.owner)
    batch = propose_batch(by=make_user("first"))
    for step in WAYS[state]:
        STEPS[step](batch)
    return Payout.objects.get(batch=batch)
