"""Clerks who redeem the same coupons at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from core.invariants import check_invariants
from coupons.domain import redemption as rules
from coupons.domain import redemption_refusals, reversal
from coupons.enums import CouponState, DealKind
from coupons.models import Coupon, Redemption, RedemptionRefusal
from coupons.tests.town import Town, make_user, write_stock
from tests.races.racing import count_codes, race, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

CLERKS = 12


def redeem_all_at_once(town: Town, coupons: list[Coupon]) -> list[list[object]]:
    """Every clerk redeems every coupon, all of them the same one at the same moment; the answers per coupon."""
    clerks = [make_user(f"店员{number}") for number in range(CLERKS)]
    lanes = [[partial(town.redeem, coupon.code, clerk=clerk) for coupon in coupons] for clerk in clerks]
    return [list(answers) for answers in zip(*race(*lanes), strict=True)]


def buy(town: Town, count: int) -> list[Coupon]:
    """Coupons of orders of several and of single ones."""
    singles = [town.buy()[0] for _ in range(count // 4)]
    return [*town.buy(quantity=count - len(singles)), *singles]


def test_twelve_clerks_twenty_coupons_twenty_rounds(town: Town) -> None:
    write_stock(town.deal, total=None)
    for _ in range(20):
        coupons = [*buy(town, 10), *buy(town, 10)]
        for answers in redeem_all_at_once(town, coupons):
            assert count_codes(answers) == {"done": 1, "coupon_already_used": CLERKS - 1}
    assert Redemption.objects.count() == 400
    assert Coupon.objects.filter(state=CouponState.REDEEMED, uses_left=0).count() == 400
    assert RedemptionRefusal.objects.filter(code="coupon_already_used").count() == 400 * (CLERKS - 1)
    assert check_invariants().broken == {}


GUARDS = {
    "index redemption_once": ("DROP INDEX redemption_once", "pg_get_indexdef('redemption_once'::regclass)"),
    **{
        f"constraint {name}": (
            f"ALTER TABLE coupons_coupon DROP CONSTRAINT {name}",
            "(SELECT 'ALTER TABLE coupons_coupon ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)"
            f" FROM pg_constraint WHERE conname = '{name}')",
        )
        for name in ("coupon_uses", "coupon_redeemed_has_no_use_left")
    },
}


@contextmanager
def database_guards_off() -> Iterator[None]:
    """Drop what keeps a coupon from being used twice in the database; emptied and brought back in the end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(definition for _, definition in GUARDS.values()))
        back = cursor.fetchone()
        for drop, _ in GUARDS.values():
            cursor.execute(drop)
    try:
        yield
    finally:
        call_command("flush", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            for statement in back:
                cursor.execute(statement)


@pytest.fixture
def lock_off(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = rules.fetch_order_coupons
    monkeypatch.setattr(rules, "fetch_order_coupons", lambda **given: fetch(**given | {"lock": False}))


def test_negative_control_without_the_guards_coupons_are_used_twice(town: Town, lock_off: None) -> None:
    """The race above is a real one: with lock and constraints away, it is lost."""
    with database_guards_off():
        answers = redeem_all_at_once(town, [*buy(town, 10), *buy(town, 10)])
        doubles = [codes for codes in map(count_codes, answers) if codes["done"] > 1]
        assert doubles
        assert Redemption.objects.count() > 20
        assert Coupon.objects.filter(uses_left__lt=0).count() == len(doubles)


def test_the_lock_alone_is_enough(town: Town) -> None:
    with database_guards_off():
        for answers in redeem_all_at_once(town, [*buy(town, 10), *buy(town, 10)]):
            assert count_codes(answers) == {"done": 1, "coupon_already_used": CLERKS - 1}
        assert Redemption.objects.count() == 20


def test_the_database_alone_is_enough(town: Town, lock_off: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lock the constraints still let nobody use a coupon twice; the loser only hears it less kindly."""

    def redeem_or_break(**given: object) -> object:
        try:
            return redeem(**given)
        except IntegrityError:
            return redemption_refusals.CouponAlreadyUsed()

    redeem = rules._redeem
    monkeypatch.setattr(rules, "_redeem", redeem_or_break)
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=5, price_fen=9_999)
    (card,) = town.buy(deal=deal)
    for answers in redeem_all_at_once(town, [*buy(town, 10), *buy(town, 10)]):
        assert count_codes(answers) == {"done": 1, "coupon_already_used": CLERKS - 1}
    assert Redemption.objects.count() == 20
    redeem_all_at_once(town, [card])
    uses = list(Redemption.objects.filter(coupon=card).values_list("use_no", flat=True))
    assert len(uses) == len(set(uses)) >= 1
    assert check_invariants().broken == {}


def test_two_tabs_with_one_attempt_get_one_receipt(town: Town) -> None:
    for coupon in town.buy(quantity=8):
        answers = race_once(*[partial(town.redeem, coupon.code, attempt_key=f"tab-{coupon.pk}")] * 4)
        assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
        assert len({tuple(answer.redemptions) for answer in answers}) == 1
    assert Redemption.objects.count() == 8
    assert RedemptionRefusal.objects.count() == 0


def test_two_tabs_with_one_attempt_take_one_use_of_a_times_card(town: Town) -> None:
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=10, price_fen=9_999)
    (card,) = town.buy(deal=deal)
    for number in range(5):
        answers = race_once(*[partial(town.redeem, card.code, attempt_key=f"tab-{number}", count=2)] * 4)
        assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
        assert len({tuple(answer.redemptions) for answer in answers}) == 1
    assert list(Redemption.objects.order_by("use_no").values_list("use_no", flat=True)) == list(range(1, 11))
    assert sum(Redemption.objects.values_list("gross_fen", flat=True)) == 9_999


def test_a_times_card_gives_no_more_uses_than_were_bought(town: Town) -> None:
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=10, price_fen=9_999)
    cards = [town.buy(deal=deal)[0] for _ in range(3)]
    for answers in redeem_all_at_once(town, cards):
        assert count_codes(answers) == {"done": 10, "coupon_already_used": 2}
    for card in cards:
        uses = list(
            Redemption.objects.filter(coupon=card).order_by("use_no").values_list("use_no", "gross_fen")
        )
        assert [use_no for use_no, _ in uses] == list(range(1, 11))
        assert sum(gross for _, gross in uses) == 9_999


def test_counts_larger_than_one_never_pass_what_is_left(town: Town) -> None:
    coupons = town.buy(quantity=10)
    answers = race_once(
        *(partial(town.redeem, coupons[number % 10].code, clerk=make_user(), count=3) for number in range(12))
    )
    done = [answer for answer in answers if isinstance(answer, rules.Receipt)]
    assert len(done) == 3
    assert len({use.code for receipt in done for use in receipt.redemptions}) == 9
    assert {answer.code for answer in answers if answer not in done} <= {
        "count_too_large",
        "coupon_already_used",
    }
    assert check_invariants().broken == {}


def test_undone_once_however_many_ask(town: Town) -> None:
    for coupon in town.buy(quantity=5):
        redemption = town.redeem(coupon.code).redemptions[0].id
        undo = partial(
            reversal.reverse_redemptions, merchant=town.merchant, redemption_ids=[redemption], by=town.clerk
        )
        assert count_codes(race_once(*[undo] * 8)) == {"done": 1, "already_reversed": 7}
        coupon.refresh_from_db()
        assert (coupon.state, coupon.uses_left) == (CouponState.ISSUED, 1)
