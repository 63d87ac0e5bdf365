"""Refunds of uses through the API: the customer asks, the shop's staff answers."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from coupons.domain.recalls import count_recallable, start_recall
from coupons.models import Coupon, Redemption, Refund
from coupons.tests.town import Town
from tests.api.conftest import Api, api_of, error_of


@pytest.fixture
def owner(town: Town) -> Api:
    return api_of(town.owner)


def use(town: Town, *, ago: timedelta = timedelta(days=1)) -> Redemption:
    at = timezone.now() - ago
    with scopes_disabled():
        (coupon,) = town.buy(at=at)
        town.redeem(coupon.code, at=at)
        return Redemption.objects.select_related("coupon").get(coupon=coupon)


def of(town: Town, path: str = "") -> str:
    return f"merchants/{town.merchant.slug}/refunds/{path}"


def shown_use(customer: Api, redemption: Redemption) -> Any:
    (one,) = customer.get(f"coupons/{redemption.coupon_id}/").json()["uses"]
    return one


def test_asking_deciding_and_what_the_customer_sees(customer: Api, owner: Api, town: Town) -> None:
    redemption = use(town)
    before = shown_use(customer, redemption)
    assert (before["id"], before["refundable"], before["refund"]) == (str(redemption.pk), True, None)
    assert before["price_fen"] == 12_800

    asked = customer.post(f"uses/{redemption.pk}/refund/", {"cause": "quality", "words": "凉的"})
    again = customer.post(f"uses/{redemption.pk}/refund/", {"cause": "quality"})

    assert asked.status_code == 200
    body = asked.json()
    assert (body["state"], body["amount_fen"], body["cause"], body["words"]) == (
        "requested",
        12_800,
        "quality",
        "凉的",
    )
    assert body["review_due_at"].endswith("+08:00")
    assert (again.status_code, error_of(again)["code"]) == (409, "refund_asked_before")
    now = shown_use(customer, redemption)
    assert (now["refundable"], now["refund"]["state"]) == (False, "requested")

    (listed,) = owner.get(of(town, "?state=requested")).json()["results"]
    assert (listed["id"], listed["use_id"], listed["reason"]) == (body["id"], str(redemption.pk), "after_use")
    decided = owner.post(
        of(town, f"{body['id']}/decision/"), {"approve": True, "amount_fen": 5_000, "reason": "只有锅底"}
    )
    late = owner.post(of(town, f"{body['id']}/decision/"), {"approve": False, "reason": "不退"})
    assert (decided.status_code, decided.json()["state"], decided.json()["amount_fen"]) == (
        200,
        "approved",
        5_000,
    )
    assert (late.status_code, error_of(late)["code"]) == (409, "refund_decided")
    run_due_jobs(kinds=["pay_refund"])
    seen = shown_use(customer, redemption)["refund"]
    assert (seen["state"], seen["amount_fen"], seen["decision_reason"]) == ("paid_out", 5_000, "只有锅底")
    assert owner.get(of(town, f"{body['id']}/")).json()["paid_out_at"]
    assert customer.get(f"orders/{redemption.order_id}/").json()["refunded_fen"] == 5_000
    assert customer.get(f"coupons/{redemption.coupon_id}/").json()["refund"] is None


def test_a_rejected_request_and_money_given_later(customer: Api, owner: Api, town: Town) -> None:
    redemption = use(town)
    refund_id = customer.post(f"uses/{redemption.pk}/refund/").json()["id"]
    empty = owner.post(of(town, f"{refund_id}/decision/"), {"approve": False})
    assert (empty.status_code, error_of(empty)["code"]) == (422, "invalid")
    owner.post(of(town, f"{refund_id}/decision/"), {"approve": False, "reason": "已补做"})
    assert shown_use(customer, redemption)["refund"]["decision_reason"] == "已补做"

    give = f"merchants/{town.merchant.slug}/redemptions/{redemption.pk}/refund/"
    above = owner.post(give, {"amount_fen": 12_801, "cause": "quality", "reason": "抱歉"})
    assert (above.status_code, error_of(above)["code"]) == (422, "refund_amount_wrong")
    given = owner.post(give, {"amount_fen": 3_000, "cause": "quality", "reason": "抱歉"})
    assert (given.status_code, given.json()["state"]) == (200, "approved")
    assert shown_use(customer, redemption)["refund"]["amount_fen"] == 3_000


def test_refusals_say_the_next_step(customer: Api, town: Town) -> None:
    fresh, old = use(town, ago=timedelta(minutes=5)), use(town, ago=timedelta(days=31))
    undo = error_of(customer.post(f"uses/{fresh.pk}/refund/"))
    late = error_of(customer.post(f"uses/{old.pk}/refund/"))
    assert (undo["code"], undo["next_step"]) == (
        "refund_undo_first",
        "Undo it at the counter: the coupon can then be used again or given back.",
    )
    assert (late["code"], late["facts"]["days"]) == ("refund_too_late", 30)
    assert [shown_use(customer, one)["refundable"] for one in (fresh, old)] == [False, False]
    assert customer.post(f"uses/{fresh.pk}/refund/", {"cause": "nonsense"}).status_code in (400, 422)
    with scopes_disabled():
        assert Refund.objects.count() == 0


def test_strangers_find_nothing(
    customer: Api, stranger: Api, clerk: Api, anybody: Api, owner: Api, town: Town
) -> None:
    redemption = use(town)
    assert stranger.post(f"uses/{redemption.pk}/refund/").status_code == 404
    assert clerk.post(f"uses/{redemption.pk}/refund/").status_code == 403
    assert anybody.post(f"uses/{redemption.pk}/refund/").status_code == 401
    refund_id = customer.post(f"uses/{redemption.pk}/refund/").json()["id"]
    for api in (stranger, customer, clerk):
        assert api.get(of(town)).status_code == 404
        assert api.get(of(town, f"{refund_id}/")).status_code == 404
        assert api.post(of(town, f"{refund_id}/decision/"), {"approve": True}).status_code == 404
    assert anybody.get(of(town)).status_code == 401
    with scopes_disabled():
        assert Refund.objects.get().state == "requested"


def test_a_recalled_coupon_says_why(customer: Api, town: Town) -> None:
    with scopes_disabled():
        (coupon,) = town.buy()
        Coupon.objects.update(issued_at=timezone.now() - timedelta(hours=1))
        start_recall(
            deal=town.deal, shown=count_recallable(deal=town.deal), typed=1, words="停售退款", by=town.owner
        )
        run_due_jobs(kinds=["recall"])
    refund = customer.get(f"coupons/{coupon.pk}/").json()["refund"]
    assert (refund["reason"], refund["recall_words"], refund["amount_fen"]) == ("recall", "停售退款", 12_800)
