"""Whatever happens in whatever order: a plain Python model of a shop foretells every answer, row and fen.

TONGDAO_EXAMPLES=500 tries that many random histories instead of the few, always the same ones, of a usual run.
"""

import inspect
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django_scopes import scopes_disabled
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.domain.jobs import run_due_jobs
from core.errors import DomainError
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.orders import close_order
from coupons.domain.payments import receive_notification, start_payment
from coupons.domain.redemption import Receipt
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.enums import DealKind, OrderCloseReason
from coupons.models import Coupon, Deal, DealPurchase, DealStock, Order, Redemption, Refund
from coupons.payment_providers.sandbox import get_charge, signed_notification
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import SettlementLine, Statement
from coupons.tests.town import Town, make_town
from ledger.models import Balance

WINDOW = timedelta(hours=1)
PICK = st.integers(0, 10**6)  # which of the things there are


@dataclass
class Card:
    """A coupon as the model knows it."""

    pk: int
    code: str
    price: int
    uses: int
    order: "Sale"
    state: str = "issued"
    used: set[int] = field(default_factory=set)

    @property
    def left(self) -> int:
        return self.uses - len(self.used)

    def part(self, use_no: int) -> int:
        """The price spread over the uses, the last fen on the last ones."""
        return self.price * use_no // self.uses - self.price * (use_no - 1) // self.uses


@dataclass
class Sale:
    pk: int
    deal: Deal
    quantity: int
    state: str = "created"
    payment: str = "created"
    money_back: int = 0
    cards: list[Card] = field(default_factory=list)


@dataclass
class Use:
    pk: int
    card: Card
    use_no: int
    at: datetime
    reversed: bool = False
    settled: bool = False
    sealed: bool = False


def answer_of(call: Callable[[], Any]) -> Any:
    """What it returned, or the code of its refusal."""
    try:
        with transaction.atomic():
            return call()
    except DomainError as refusal:
        return refusal.code


class Shop(RuleBasedStateMachine):
    town: Town
    deals: list[Deal]

    def __init__(self) -> None:
        super().__init__()
        self._example = transaction.atomic()
        self._example.__enter__()
        self.clock = timezone.now() + timedelta(days=1)
        self.keys = itertools.count(1)
        self.sales: list[Sale] = []
        self.cards: list[Card] = []
        self.uses: list[Use] = []
        self.attempts: list[tuple[dict[str, Any], Receipt]] = []
        self.notifications: list[tuple[dict[str, str], bytes]] = []
        self.statements = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._example.__exit__(None, None, None)

    def can(self, step: str) -> bool:
        """Whether there is something to take this step with."""
        needs: dict[str, list[Any]] = {
            "notify": self.sales, "close": self.sales, "notify_again": self.notifications, "redeem": self.cards,
            "refund": self.cards, "redeem_again_after_a_lost_answer": self.attempts, "undo": self.uses,
            "undo_and_redeem_again": self.uses,
        }  # fmt: skip
        return bool(needs.get(step, [True]))

    def pick_use(self, number: int) -> Use:
        """Mostly a late one: old ones are all undone or too old to undo."""
        return self.pick(self.uses if number % 4 == 0 else self.uses[-3:], number)

    def pick(self, things: list[Any], number: int) -> Any:
        return things[number % len(things)]

    # Selling

    @initialize()
    def open_with_sales(self) -> None:
        """A history that begins with nothing is mostly about nothing."""
        for number, quantity in ((0, 3), (1, 2), (2, 1)):
            self.order(number, quantity)
            self.notify(number, "payment.succeeded")

    @rule(number=PICK, quantity=st.integers(1, 4))
    def order(self, number: int, quantity: int) -> None:
        deal = self.pick(self.deals, number)
        held = sum(sale.quantity for sale in self.of(deal, "created"))
        sold = self.sold(deal)
        answer = answer_of(lambda: self.town.order(deal=deal, quantity=quantity, at=self.clock))
        if deal.per_person_limit and held + sold + quantity > deal.per_person_limit:
            assert answer == "over_person_limit"
        elif held + sold + quantity > deal.stock.total:
            assert answer == "sold_out"
        else:
            sale = Sale(answer.pk, deal, quantity)
            self.sales.append(sale)
            start_payment(order=answer)
            if deal.price_fen == 0:
                sale.payment = "succeeded"
                self.mint(sale)

    @precondition(lambda self: self.sales)
    @rule(number=PICK, kind=st.sampled_from(["payment.succeeded"] * 4 + ["payment.failed"]))
    def notify(self, number: int, kind: str) -> None:
        sale = self.pick(self.sales, number)
        if sale.deal.price_fen == 0:
            return
        payment = Order.objects.get(pk=sale.pk).payments.get()
        charge = get_charge(reference=payment.reference)
        charge.paid_at = self.clock
        charge.save(update_fields=["paid_at"])
        headers, body = signed_notification(
            charge=charge, kind=kind, event_id=f"evt-{next(self.keys)}", occurred_at=self.clock
        )
        outcome = receive_notification(provider="sandbox", headers=headers, body=body)
        self.notifications.append((headers, body))
        if sale.payment == "succeeded" or (kind == "payment.failed" and sale.payment == "failed"):
            assert outcome == "stale"
        elif kind == "payment.failed":
            sale.payment = "failed"
            assert outcome == "failed"
        else:
            sale.payment = "succeeded"
            assert outcome == ("paid" if sale.state == "created" else "late")
            if sale.state == "created":
                self.mint(sale)
            else:
                sale.money_back = sale.quantity * sale.deal.price_fen

    @precondition(lambda self: self.notifications)
    @rule(number=PICK)
    def notify_again(self, number: int) -> None:
        headers, body = self.pick(self.notifications, number)
        assert receive_notification(provider="sandbox", headers=headers, body=body) == "duplicate"

    @precondition(lambda self: self.sales)
    @rule(number=PICK)
    def close(self, number: int) -> None:
        sale = self.pick(self.sales, number)
        answer = answer_of(
            lambda: close_order(
                order_id=sale.pk,
                merchant_id=self.town.merchant.pk,
                reason=OrderCloseReason.TIMEOUT,
                at=self.clock,
            )
        )
        if sale.state == "created":
            assert answer.pk == sale.pk
            sale.state = "closed"
        else:
            assert answer == "order_not_open"

    # At the counter

    @precondition(lambda self: self.cards)
    @rule(number=PICK, count=st.sampled_from([1, 1, 1, 2, 3]))
    def redeem(self, number: int, count: int) -> None:
        self.try_to_redeem(self.pick(self.cards, number), count)

    def try_to_redeem(self, card: Card, count: int) -> None:
        asked = {"code": card.code, "attempt_key": f"key-{next(self.keys)}", "count": count, "at": self.clock}
        answer = answer_of(lambda: self.town.redeem(**asked))
        refusals = {
            "redeemed": "coupon_already_used",
            "refund_locked": "coupon_refund_locked",
            "refunded": "coupon_refunded",
        }
        if card.state in refusals:
            assert answer == refusals[card.state]
            return
        siblings = [other for other in card.order.cards if other is not card and other.state == "issued"]
        free = [
            (one, use_no)
            for one in (card, *siblings)
            for use_no in range(1, one.uses + 1)
            if use_no not in one.used
        ]
        if count > len(free):
            assert answer == "count_too_large"
            return
        expected = [(one.code, use_no, one.part(use_no)) for one, use_no in free[:count]]
        assert [(use.code, use.use_no, use.gross_fen) for use in answer.redemptions] == expected
        assert not answer.replayed
        self.attempts.append((asked, answer))
        for (one, use_no), made in zip(free[:count], answer.redemptions, strict=True):
            one.used.add(use_no)
            one.state = "redeemed" if not one.left else one.state
            self.uses.append(Use(made.id, one, use_no, self.clock))

    @precondition(lambda self: self.attempts)
    @rule(number=PICK)
    def redeem_again_after_a_lost_answer(self, number: int) -> None:
        asked, first = self.pick(self.attempts, number)
        again = self.town.redeem(**asked | {"at": self.clock})
        assert again.replayed
        assert (again.redemptions, again.undo_until) == (first.redemptions, first.undo_until)

    @precondition(lambda self: self.uses)
    @rule(number=PICK)
    def undo(self, number: int) -> None:
        self.try_to_undo(self.pick_use(number))

    def try_to_undo(self, use: Use) -> bool:
        answer = answer_of(
            lambda: reverse_redemptions(
                merchant=self.town.merchant, redemption_ids=[use.pk], by=self.town.clerk, at=self.clock
            )
        )
        if use.reversed:
            assert answer == "already_reversed"
        elif self.clock >= use.at + WINDOW:
            assert answer == "reversal_too_late"
        else:
            assert answer == 1
            use.reversed = True
            use.card.used.discard(use.use_no)
            use.card.state = "issued"
            return True
        return False

    @precondition(lambda self: self.uses)
    @rule(number=PICK)
    def undo_and_redeem_again(self, number: int) -> None:
        """Ends where it began: the same uses, the same money."""
        use = self.pick_use(number)
        before = (use.card.state, use.card.left)
        if self.try_to_undo(use):
            self.try_to_redeem(use.card, 1)
            lowest_was_free = self.uses[-1].use_no != use.use_no
            assert lowest_was_free or (use.card.state, use.card.left) == before
            assert Coupon.objects.get(pk=use.card.pk).uses_left == before[1]

    # Money back

    @precondition(lambda self: self.cards)
    @rule(number=PICK)
    def refund(self, number: int) -> None:
        card = self.pick(self.cards, number)
        coupon = Coupon.objects.get(pk=card.pk)
        answer = answer_of(lambda: request_refund(coupon=coupon, by=self.town.owner))
        if card.state == "issued" and card.left == card.uses:
            assert answer.amount_fen == card.price
            card.state = "refund_locked"
        else:
            assert answer == "coupon_not_refundable"

    @rule()
    def pay_refunds(self) -> None:
        run_due_jobs(kinds=["pay_refund"])
        run_due_jobs(kinds=["pay_refund"])  # paying again pays nothing
        for card in self.cards:
            card.state = "refunded" if card.state == "refund_locked" else card.state
        assert not Refund.objects.exclude(state="paid_out").exists()
        paid_back = sum(card.price for card in self.cards if card.state == "refunded")
        paid_back += sum(sale.money_back for sale in self.sales)
        assert sum(Refund.objects.values_list("amount_fen", flat=True)) == paid_back

    # Settlement

    @rule()
    def settle(self) -> None:
        due = [
            use for use in self.uses if not (use.reversed or use.settled) and use.at + WINDOW <= self.clock
        ]
        batch = settle_merchant(merchant_id=self.town.merchant.pk, at=self.clock)
        assert (batch.lines if batch else 0) == len(due)
        assert (batch.gross_fen if batch else 0) == sum(use.card.part(use.use_no) for use in due)
        for use in due:
            use.settled = True
        assert settle_merchant(merchant_id=self.town.merchant.pk, at=self.clock) is None

    @rule()
    def seal(self) -> None:
        zone = self.town.merchant.tzinfo
        last = self.clock.astimezone(zone).date()
        open_uses = [use for use in self.uses if use.settled and not use.sealed]
        sealed = seal_statements(merchant=self.town.merchant, until_date=last)
        assert len(sealed) == len({use.at.astimezone(zone).date() for use in open_uses})
        assert sum(statement.lines_count for statement in sealed) == len(open_uses)
        self.statements += len(sealed)
        for use in open_uses:
            use.sealed = True

    @rule(minutes=st.sampled_from([1, 20, 20, 59, 60, 61, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock += timedelta(minutes=minutes)

    @rule()
    def a_day_ends(self) -> None:
        self.clock += WINDOW
        self.settle()
        self.seal()

    # What holds at every moment

    @invariant()
    def the_books_are_right(self) -> None:
        assert check_invariants().broken == {}
        assert sum(balance.debits_fen - balance.credits_fen for balance in Balance.objects.all()) == 0

    @invariant()
    def the_rows_are_as_foretold(self) -> None:
        rows = Coupon.objects.order_by("id").values_list("id", "state", "uses_left")
        assert list(rows) == sorted((card.pk, card.state, card.left) for card in self.cards)
        assert dict(Order.objects.values_list("id", "state")) == {sale.pk: sale.state for sale in self.sales}
        standing = set(Redemption.objects.filter(reversed_at__isnull=True).values_list("id", flat=True))
        assert standing == {use.pk for use in self.uses if not use.reversed}
        lines = set(SettlementLine.objects.values_list("redemption_id", flat=True))
        assert lines == {use.pk for use in self.uses if use.settled}
        assert Statement.objects.count() == self.statements
        assert not Job.objects.filter(state="dead").exists()
        for deal in self.deals:
            stock = DealStock.objects.get(deal=deal)
            held, sold = sum(sale.quantity for sale in self.of(deal, "created")), self.sold(deal)
            assert (stock.held, stock.sold) == (held, sold)
            bought = DealPurchase.objects.filter(deal=deal).first()
            assert (bought.quantity if bought else 0) == held + sold

    def of(self, deal: Deal, state: str) -> list[Sale]:
        return [sale for sale in self.sales if sale.deal is deal and sale.state == state]

    def sold(self, deal: Deal) -> int:
        returned = sum(card.state == "refunded" for sale in self.of(deal, "paid") for card in sale.cards)
        return sum(sale.quantity for sale in self.of(deal, "paid")) - returned

    def mint(self, sale: Sale) -> None:
        sale.state = "paid"
        coupons = list(Coupon.objects.filter(order_id=sale.pk).order_by("id"))
        assert len(coupons) == sale.quantity
        sale.cards = [
            Card(coupon.pk, coupon.code, sale.deal.price_fen, sale.deal.uses_total, sale)
            for coupon in coupons
        ]
        self.cards += sale.cards


@pytest.fixture
def shop(db: None) -> type[Shop]:
    with scopes_disabled():
        town = make_town()
        deals = [
            town.make_deal(stock=40, per_person_limit=35),
            town.make_deal(stock=20, kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_001),
            town.make_deal(stock=5, price_fen=0),
        ]
    return type("ShopOfTheTest", (Shop,), {"town": town, "deals": deals})


EXAMPLES = int(os.environ.get("TONGDAO_EXAMPLES", "0"))
LONG_DAYS = range(EXAMPLES // 10 or 4)
STEPS = {
    "order": 3, "notify": 4, "notify_again": 1, "close": 1, "redeem": 12, "redeem_again_after_a_lost_answer": 2, "undo": 3,
    "undo_and_redeem_again": 2, "refund": 2, "pay_refunds": 1, "settle": 2, "seal": 1, "time_passes": 4, "a_day_ends": 1,
}  # fmt: skip


@pytest.mark.parametrize("seed", LONG_DAYS)
def test_long_days_are_as_the_model_foretells(shop: type[Shop], seed: int) -> None:
    """hypothesis likes short histories, which shrink well; these are long and dense."""
    dice = random.Random(seed)
    steps: Counter[str] = Counter()
    with scopes_disabled():
        day = shop()
        try:
            day.open_with_sales()
            for _ in range(150):
                step = dice.choices(list(STEPS), weights=list(STEPS.values()))[0]
                given = {
                    "number": dice.randrange(10**6),
                    "quantity": dice.randint(1, 4),
                    "count": dice.choice([1, 1, 1, 2, 3]),
                    "minutes": dice.choice([1, 10, 20, 59, 60, 24 * 60]),
                    "kind": dice.choice(["payment.succeeded"] * 4 + ["payment.failed"]),
                }
                if not day.can(step):
                    continue
                method = getattr(day, step)
                method(**{name: given[name] for name in inspect.signature(method).parameters})
                day.the_books_are_right()
                day.the_rows_are_as_foretold()
                steps[step] += 1
            day.a_day_ends()
            settled, undone = sum(use.settled for use in day.uses), sum(use.reversed for use in day.uses)
            assert min(settled, undone, day.statements) > 0, "a dull day"
        finally:
            day.teardown()
    print(dict(steps))


def test_any_history_is_as_the_model_foretells(shop: type[Shop]) -> None:
    with scopes_disabled():
        run_state_machine_as_test(
            shop,
            settings=settings(
                max_examples=EXAMPLES or 10,
                stateful_step_count=50,
                deadline=None,
                derandomize=not EXAMPLES,
                suppress_health_check=list(HealthCheck),
            ),
        )
