"""After any sequence of using, refunding, stating, paying out and coming back, every balance is its lines less what left.

TONGDAO_EXAMPLES=200 tries that many random histories instead of the few, always the same ones, of a usual run.
"""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django_scopes import scopes_disabled
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.errors import DomainError
from core.invariants import check_invariants
from coupons.models import Redemption, Refund
from coupons.settlement.domain.payout_approvals import approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import propose_batch, withdraw_batch
from coupons.settlement.domain.payout_results import apply_results
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement
from coupons.settlement.enums import BankFileKind, PayoutBatchState, PayoutState, StatementState
from coupons.settlement.models import Payout, PayoutBatch, SettlementLine, Statement
from coupons.settlement.tests.paying import bank_says, give_account
from coupons.tests.town import Town, make_town, make_user, put_paid_refund
from identity.enums import PartyKind
from identity.models import Party
from ledger.models import Balance
from merchants.enums import ShareKind
from merchants.tests.agreeing import put_long_ago

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("TONGDAO_EXAMPLES", "8"))
STEPS = (
    "use",
    "refund",
    "settle",
    "state",
    "confirm",
    "propose",
    "withdraw",
    "approve",
    "export",
    "succeed",
    "fail",
)
HISTORY = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 10**6)), min_size=10, max_size=30)


class Story:
    """A merchant and a provider with an account each, and what may happen to them."""

    def __init__(self) -> None:
        self.town: Town = make_town()
        self.provider = Party.objects.create(kind=PartyKind.PROVIDER, name="provider")
        put_long_ago(self.town.merchant, ShareKind.SERVICE_FEE, 777, self.provider)
        self.first, self.second = make_user("first"), make_user("second")
        for payee in (self.town.merchant.party, self.provider):
            give_account(payee, by=self.town.owner)

    def take(self, step: str, number: int) -> None:
        try:
            with transaction.atomic():
                getattr(self, step)(number)
        except DomainError:
            pass  # refused: the balances must be as before

    def use(self, number: int) -> None:
        at = timezone.now() - timedelta(days=2 + number % 3)
        order = self.town.order(quantity=1 + number % 2, at=at)
        assert self.town.pay(order, at=at) == "paid"
        for coupon in order.coupons.all():
            self.town.redeem(coupon.code, at=at)

    def refund(self, number: int) -> None:
        uses = list(Redemption.objects.exclude(pk__in=Refund.objects.values("redemption_id")).order_by("id"))
        if uses:
            use = uses[number % len(uses)]
            put_paid_refund(use.pk, amount_fen=1 + number % use.gross_fen)

    def settle(self, number: int) -> None:
        settle_merchant(merchant_id=self.town.merchant.pk)

    def state(self, number: int) -> None:
        seal_statements(merchant=self.town.merchant, until_date=timezone.localdate() + timedelta(days=1))

    def confirm(self, number: int) -> None:
        sealed = list(Statement.objects.filter(state=StatementState.SEALED).order_by("id"))
        for statement in sealed[: 1 + number % 3]:
            confirm_statement(statement=statement, by=self.town.owner)

    def propose(self, number: int) -> None:
        propose_batch(by=self.first)

    def withdraw(self, number: int) -> None:
        if batch := self._batch(PayoutBatchState.PROPOSED):
            withdraw_batch(batch=batch, by=self.first)

    def approve(self, number: int) -> None:
        if batch := self._batch(PayoutBatchState.PROPOSED):
            approve_batch(batch=batch, by=self.first if number % 5 == 0 else self.second)

    def export(self, number: int) -> None:
        if batch := self._batch(PayoutBatchState.APPROVED):
            export_batch(batch=batch, kind=BankFileKind.CSV, by=self.first)

    def succeed(self, number: int) -> None:
        self._answer("paid", number)

    def fail(self, number: int) -> None:
        self._answer("failed", number)

    def _answer(self, word: str, number: int) -> None:
        if batch := self._batch(PayoutBatchState.EXPORTED):
            sent = list(batch.payouts.order_by("id"))
            results = bank_says(batch, {sent[number % len(sent)]: word}, by=self.first)
            for _twice in range(2):
                apply_results(results=results, by=self.first)

    def _batch(self, state: PayoutBatchState) -> PayoutBatch | None:
        return PayoutBatch.objects.filter(state=state).order_by("id").first()

    def check(self) -> None:
        held: dict[tuple[str, int], int] = {}
        total = 0
        for balance in Balance.objects.filter(merchant_id=self.town.merchant.pk).select_related("account"):
            held[balance.account.kind, balance.account.owner_id] = balance.credits_fen - balance.debits_fen
            total += balance.credits_fen - balance.debits_fen
        assert total == 0
        bank = 0
        for payee, kind, column in (
            (self.town.merchant.party, "merchant_payable", "merchant_fen"),
            (self.provider, "service_fee", "service_fee_fen"),
        ):
            earned = SettlementLine.objects.aggregate(fen=Sum(column))["fen"] or 0
            left = _paid(payee, PayoutState.APPROVED, PayoutState.SENT, PayoutState.PAID)
            assert held.get((kind, payee.pk), 0) == earned - left
            assert held.get(("payout_held", payee.pk), 0) == _paid(
                payee, PayoutState.APPROVED, PayoutState.SENT
            )
            bank += _paid(payee, PayoutState.PAID)
        assert sum(fen for (kind, _owner), fen in held.items() if kind == "bank") == bank


def _paid(payee: Party, *states: PayoutState) -> int:
    return Payout.objects.filter(payee=payee, state__in=states).aggregate(fen=Sum("amount_fen"))["fen"] or 0


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="TONGDAO_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # making a history shorter takes minutes
)
@given(history=HISTORY)
def test_every_balance_is_its_lines_less_what_left(history: list[tuple[str, int]], db: Any) -> None:
    with scopes_disabled(), transaction.atomic():
        story = Story()
        # A history of chance seldom pays anybody: it goes on from one payout of each kind.
        begin = [
            ("use", 1),
            ("use", 2),
            *((step, 1) for step in ("settle", "state", "confirm", "confirm", "propose")),
        ]
        for step, number in [*begin, ("approve", 1), ("export", 1), *history]:
            story.take(step, number)
            story.check()
        assert Payout.objects.filter(
            state__in=[PayoutState.SENT, PayoutState.PAID, PayoutState.FAILED]
        ).exists()
        story.settle(0)
        story.check()
        assert check_invariants().broken == {}
        transaction.set_rollback(True)
