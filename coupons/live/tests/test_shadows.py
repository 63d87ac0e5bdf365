"""Shadow shops and everybody else never meet: not in orders, not in shops, not in statements."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import NotFound
from core.models import Job
from coupons.models import Order, Payment
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import SettlementLine, Statement
from coupons.settlement.tasks import enqueue_statements
from coupons.tests.town import Town, make_customer, make_town
from identity.api.authentication import give_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return make_town()


@pytest.fixture
def shadow(town: Town) -> Town:
    """A shop that was made the shadow of another."""
    other = make_town(slug="rehearsal-abc", name="山城老灶火锅")
    other.merchant.shadow_of = town.merchant
    other.merchant.save(update_fields=["shadow_of"])
    other.customer.is_shadow = True
    other.customer.save(update_fields=["is_shadow"])
    return other


def test_only_shadow_customers_buy_in_a_shadow_shop(town: Town, shadow: Town):
    with pytest.raises(NotFound):
        shadow.order(customer=make_customer("真人"))
    with pytest.raises(NotFound):
        town.order(customer=shadow.customer)
    with scopes_disabled():
        assert not Order.objects.exists()
    assert shadow.order().merchant == shadow.merchant
    assert town.order().merchant == town.merchant


def test_a_shadow_shop_is_entered_by_its_rehearsals_processes_only(shadow: Town):
    deal = reverse("api_deal", kwargs={"deal_id": shadow.deal.pk})
    places = [
        reverse("shop_home", args=[shadow.merchant.slug]),
        reverse("shop_deal", args=[shadow.merchant.slug, shadow.deal.pk]),
        reverse("api_merchant", args=[shadow.merchant.slug]),
        reverse("api_deals", args=[shadow.merchant.slug]),
        deal,
    ]
    assert [Client().get(place).status_code for place in places] == [404] * 5
    with override_settings(REHEARSAL="rehearsal-1"):
        assert [Client().get(place).status_code for place in places] == [200] * 5


def test_a_rehearsals_processes_sell_nothing_of_a_real_shop(town: Town, shadow: Town):
    """Their payment provider is a sandbox: whoever reached them would buy for play money."""
    order = town.order()
    mine = reverse("api_order", kwargs={"order_id": order.pk})
    pay = reverse("api_order_payment", kwargs={"order_id": order.pk})
    places = [
        reverse("shop_home", args=[town.merchant.slug]),
        reverse("shop_deal", args=[town.merchant.slug, town.deal.pk]),
        reverse("api_merchant", args=[town.merchant.slug]),
        reverse("api_deals", args=[town.merchant.slug]),
        reverse("api_deal", kwargs={"deal_id": town.deal.pk}),
        mine,
    ]
    token, _ = give_token(user=town.customer.user, life=timedelta(hours=1))
    client = Client(headers={"Authorization": f"Token {token}"})
    assert [client.get(place).status_code for place in places] == [200] * 6
    with override_settings(REHEARSAL="rehearsal-1"):
        assert [client.get(place).status_code for place in places] == [404] * 6
        paid = client.post(pay, content_type="application/json")
    assert paid.status_code == 404
    with scopes_disabled():
        assert not Payment.objects.exists()


def test_nothing_of_a_shadow_shop_is_stated(shadow: Town):
    long_ago = timezone.now() - timedelta(days=3)
    (coupon,) = shadow.buy(at=long_ago)
    shadow.redeem(coupon.code, at=long_ago + timedelta(hours=1))
    settle_merchant(merchant_id=shadow.merchant.pk)
    with scope(merchant=shadow.merchant.pk):
        line = SettlementLine.objects.get()
    assert line.gross_fen == 12_800
    enqueue_statements()
    assert not Job.objects.filter(kind="seal_statements").exists()
    assert seal_statements(merchant=shadow.merchant) == []
    with scope(merchant=shadow.merchant.pk), pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.create(
            merchant=shadow.merchant,
            number="S1",
            period_start=line.business_date,
            period_end=line.business_date,
            lines_count=1,
            gross_fen=12_800,
            merchant_fen=12_480,
        )
