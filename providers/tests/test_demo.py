"""The demonstration town: believable, built by the rules, made once."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_scopes import scopes_disabled

from core.clock import database_now
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.redemption import check_coupon
from coupons.enums import CouponState, DealState, OrderCloseReason, OrderState, RefundReason, RefundState
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession
from coupons.models import (
    Coupon,
    Deal,
    DealReview,
    Order,
    Redemption,
    RedemptionRefusal,
    RedemptionReversal,
    Refund,
)
from coupons.settlement.domain.breakdown import AMOUNTS, list_lines, sum_by_day, sum_by_store, total_lines
from coupons.settlement.domain.sealing import statement_hash
from coupons.settlement.enums import StatementState
from coupons.settlement.models import PayoutBatch, Statement
from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant, Store
from merchants.seed import PASSWORD

pytestmark = pytest.mark.django_db


def run_demo(*arguments: str) -> dict:
    out = io.StringIO()
    call_command("demo", "--json", *arguments, stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def counts() -> dict[str, int]:
    return {
        model.__name__: model.objects.count()
        for model in (Merchant, Store, Deal, Order, Redemption, Refund, Statement, User)
    }


@scopes_disabled()
def test_the_town(client):
    began = database_now()
    town = run_demo()

    assert list(town) == ["sign_ins", "coupon_codes", "merchants", "stores", "deals", "coupons"]
    assert (town["merchants"], town["stores"], town["deals"]) == (3, 8, 17)
    assert town["coupons"] == Coupon.objects.count() > 300
    _check_states()
    _check_statements()
    _check_sign_ins(client, town)
    _check_ready_codes(town)
    assert set(Job.objects.filter(state="ready", due_at__lte=began).values_list("kind", flat=True)) == {
        "pay_refund"
    }

    before = counts()
    again = run_demo()
    assert again == town
    assert counts() == before

    used = Coupon.objects.get(code=town["coupon_codes"][0])
    Coupon.objects.filter(pk=used.pk).update(state=CouponState.VOIDED)
    topped_up = run_demo("--lang", "en")
    assert topped_up["coupons"] == town["coupons"] + 1
    assert topped_up["coupon_codes"][:2] == town["coupon_codes"][1:]
    assert used.code not in topped_up["coupon_codes"]
    assert len(set(topped_up["coupon_codes"])) == 3


def _check_states() -> None:
    """Something of everything the pages show."""
    assert set(Deal.objects.values_list("state", flat=True)) == set(DealState.values)
    assert DealReview.objects.get(approved=False).reason
    assert DealReview.objects.filter(decided_at__isnull=True).exists()
    assert set(Coupon.objects.values_list("state", flat=True)) == set(CouponState.values) - {
        CouponState.VOIDED
    }
    assert Coupon.objects.filter(
        state=CouponState.ISSUED, valid_until__lte=timezone.now() + timedelta(days=7)
    ).exists()
    assert Coupon.objects.filter(uses_left__gt=0, uses_left__lt=10, uses_total=10).exists()
    assert {OrderState.CREATED, OrderState.PAID, OrderState.CLOSED} <= set(
        Order.objects.values_list("state", flat=True)
    )
    assert set(Order.objects.filter(state="closed").values_list("close_reason", flat=True)) == set(
        OrderCloseReason.values
    )
    states = set(Refund.objects.values_list("state", flat=True))
    assert set(RefundState.values) - {RefundState.FAILED} <= states
    assert {RefundReason.CUSTOMER, RefundReason.LATE_PAYMENT, RefundReason.AFTER_USE} <= set(
        Refund.objects.values_list("reason", flat=True)
    )
    assert RedemptionReversal.objects.exists()
    assert {"coupon_already_used", "coupon_refund_locked", "coupon_unknown"} <= set(
        RedemptionRefusal.objects.values_list("code", flat=True)
    )
    assert set(LiveSession.objects.values_list("state", flat=True)) == {LiveState.ENDED, LiveState.PLANNED}
    assert (
        Order.objects.filter(placement__live_deal__session__state=LiveState.ENDED, state="paid").count() > 30
    )
    assert not Redemption.objects.filter(redeemed_at__gt=timezone.now()).exists()


def _check_statements() -> None:
    """On every statement each tab adds up to the ledger, the seal fits, and the books are proved."""
    assert set(StatementState) == set(Statement.objects.values_list("state", flat=True))
    assert set(PayoutBatch.objects.values_list("state", flat=True)) == {"proposed", "finished"}
    for statement in Statement.objects.all():
        ledger = [getattr(statement, name) for name in AMOUNTS]
        totals = total_lines(statement=statement)
        assert [getattr(totals, name) for name in AMOUNTS] == ledger
        assert totals.lines == statement.lines_count
        for way in (sum_by_store, sum_by_day):
            rows = list(way(statement=statement))
            assert [sum(row[name] for row in rows) for name in AMOUNTS] == ledger
            assert sum(row["lines"] for row in rows) == statement.lines_count
        lines = list(list_lines(statement=statement))
        assert [sum(getattr(line, name) for line in lines) for name in AMOUNTS] == ledger
        assert statement.hash == statement_hash(statement=statement)
    assert check_invariants().broken == {}


def _check_sign_ins(client, town) -> None:
    assert {row["role"] for row in town["sign_ins"]} == {
        "owner",
        "manager",
        "finance",
        "clerk",
        "creator",
        "provider",
        "station",
        "operator",
    }
    for row in town["sign_ins"]:
        response = client.post("/accounts/login/", {"login": row["login"], "password": row["password"]})
        assert response.status_code == 302, row
        assert client.get(row["url"], follow=True).status_code == 200, row
        client.logout()


def _check_ready_codes(town) -> None:
    merchant = Merchant.objects.get(slug="shancheng")
    clerk = User.objects.get(phone="+8613800000014")
    assert len(set(town["coupon_codes"])) == 3
    for code in town["coupon_codes"]:
        for store in Store.objects.filter(merchant=merchant):
            assert check_coupon(merchant=merchant, store=store, code=code, clerk=clerk).usable_count == 1


def make_business(password: str | None) -> None:
    owner = User.objects.create_user(name="老板", phone="+8613700000001", password=password)
    merchant = create_merchant(slug="real", name="真店")
    set_membership(merchant=merchant, user=owner, role=Role.OWNER, stores=[], by=None)


def test_real_business_is_left_alone():
    make_business(password=PASSWORD)

    with pytest.raises(CommandError, match="真店") as refusal:
        run_demo()

    assert refusal.value.returncode == 2
    assert Merchant.objects.count() == 1
    assert User.objects.count() == 1


def test_where_the_public_is_served_no_town_is_built(settings):
    settings.HTTPS_ONLY = True

    with pytest.raises(CommandError, match="HTTPS_ONLY") as refusal:
        run_demo()

    assert refusal.value.returncode == 2
    assert not Merchant.objects.exists()
