"""Each invariant finds what it is there for, and only what it is there for."""

import pytest

from core.invariants import check_invariants, load_catalogue
from coupons.tests.town import Town
from tests.invariants.plantings import OPEN_REFUND, PLANTINGS
from tests.invariants.unguarded import plant

pytestmark = pytest.mark.django_db


def test_two_busy_shops_break_nothing(shops: tuple[Town, Town]) -> None:
    report = check_invariants()

    assert report.broken == {}
    assert list(report.figures) == list(load_catalogue())
    assert len(report.figures) >= 25


@pytest.mark.parametrize("name", load_catalogue())
def test_a_planted_violation_is_found(shops: tuple[Town, Town], name: str) -> None:
    assert name in PLANTINGS, "plant a violation of it in tests/invariants/plantings.py"
    here, there = shops
    planting = PLANTINGS[name]

    planting.run(here, there)

    report = check_invariants(samples=3)
    assert set(report.broken) == {name} | planting.also
    assert 1 <= len(report.samples[name]) <= 3


@pytest.mark.parametrize("name", [name for name, one in load_catalogue().items() if one.is_per_merchant])
def test_it_is_found_at_one_merchant_only(shops: tuple[Town, Town], name: str) -> None:
    here, there = shops
    only_this = {name: load_catalogue()[name]}
    PLANTINGS[name].run(here, there)

    found = [
        bool(check_invariants(merchant_id=town.merchant.pk, catalogue=only_this).broken) for town in shops
    ]

    if name != "books_belong_to_a_merchant":  # its row is planted with a merchant that does not exist
        assert any(found)
    assert not all(found)


def test_a_coupons_money_from_a_payment_that_went_back_whole_is_found(shops: tuple[Town, Town]) -> None:
    refund = OPEN_REFUND.replace("{here}", str(shops[0].merchant.pk))
    added = plant(
        "INSERT INTO coupons_refund (merchant_id, order_id, payment_id, amount_fen, reason, state, approved_at, last_error)"
        " SELECT merchant_id, order_id, payment_id, 1, 'double_payment', 'approved', now(), '' FROM coupons_refund"
        f" WHERE id = {refund}"
    )

    assert added == 1
    assert "refunds_agree_with_their_order" in check_invariants().broken


def test_every_planting_is_of_an_invariant() -> None:
    assert set(PLANTINGS) == set(load_catalogue())
