"""Scorecards: one rule for all, of what happened in a shop while it was served, and silent where too little happened."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.domain.refunds import request_refund
from coupons.domain.use_refunds import approve_refund, reject_refund, request_refund_of_use
from coupons.models import Coupon, Redemption, Refund
from coupons.tests.town import make_town
from merchants.models import Merchant
from providers.domain.scorecards import get_scorecards
from providers.models import Engagement
from providers.tests.firms import make_firm

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def firm():
    cache.clear()
    return make_firm()


def served_since(firm, town, days: int) -> None:
    firm.engage(town)
    Engagement.objects.filter(merchant=town.merchant).update(active_at=timezone.now() - days * DAY)


def sell(town, count: int, *, days_ago: int, redeemed: int = 0) -> list[Coupon]:
    """So many coupons issued then, in orders of ten; the first of them redeemed."""
    coupons: list[Coupon] = []
    with scopes_disabled():
        while len(coupons) < count:
            coupons += town.buy(quantity=min(10, count - len(coupons)))
        Coupon.objects.filter(pk__in=[coupon.pk for coupon in coupons]).update(
            issued_at=timezone.now() - days_ago * DAY
        )
        for coupon in coupons[:redeemed]:
            town.redeem(coupon.code)
    return coupons


def card_of(firm):
    return get_scorecards(providers=[firm.provider])[firm.provider.pk]


def test_redeemed_and_given_back_are_of_the_time_served(firm):
    town = make_town()
    served_since(firm, town, 60)
    coupons = sell(town, 30, days_ago=20, redeemed=18)
    with scopes_disabled():
        for coupon in coupons[-3:]:
            request_refund(coupon=coupon, by=town.owner)
    sell(town, 10, days_ago=80, redeemed=10)  # before it served the shop
    sell(town, 10, days_ago=2)  # too fresh to say
    sell(make_town("second"), 10, days_ago=20)  # not its shop

    card = card_of(firm)

    assert (card.clients, card.coupons, card.sold, card.redeemed, card.refunded) == (1, 30, 30, 18, 3)
    assert (card.redemption_bps, card.refund_bps) == (6_000, 1_000)


def test_after_the_end_nothing_counts(firm):
    town = make_town()
    served_since(firm, town, 60)
    Engagement.objects.update(
        state="ended", scopes=[], ended_at=timezone.now() - 30 * DAY, end_reason="merchant"
    )
    sell(town, 20, days_ago=20)
    card = card_of(firm)
    assert (card.clients, card.coupons) == (0, 0)


def test_rehearsals_do_not_count(firm):
    town, real = make_town(), make_town("real")
    served_since(firm, town, 60)
    sell(town, 20, days_ago=20)
    Merchant.objects.filter(pk=town.merchant.pk).update(shadow_of=real.merchant)
    assert card_of(firm).coupons == 0


def test_answers_of_people_count_and_the_clocks_do_not(firm):
    town = make_town()
    served_since(firm, town, 60)
    coupons, later = sell(town, 6, days_ago=20, redeemed=6), timezone.now() + timedelta(hours=2)
    with scopes_disabled():
        for number, coupon in enumerate(coupons):
            use = Redemption.objects.get(coupon=coupon)
            refund = request_refund_of_use(redemption=use, cause="quality", by=town.customer.user, at=later)
            if number < 3:
                reject_refund(refund=refund, by=town.owner, reason="做了", at=later)
            elif number == 3:
                approve_refund(refund=refund, by=town.owner, at=later)
            elif number == 4:
                Refund.objects.filter(pk=refund.pk).update(state="approved", approved_at=later)
        Refund.objects.update(requested_at=later - timedelta(hours=2))
    card = card_of(firm)
    assert (card.asked, card.answered) == (5, 4)
    assert card.response_bps == 8_000
    assert card.response_hours == 2.0


def test_where_too_little_happened_nothing_is_said(firm):
    town = make_town()
    served_since(firm, town, 60)
    sell(town, 19, days_ago=20, redeemed=1)
    card = card_of(firm)
    assert card.sold == 19
    assert [
        card.redemption_bps,
        card.refund_bps,
        card.response_bps,
        card.response_hours,
        card.dispute_bps,
    ] == [None] * 5


def test_all_are_worked_out_by_one_statement(firm, django_assert_num_queries):
    others = [make_firm(f"{n}号") for n in range(3)]
    with django_assert_num_queries(1):
        assert len(get_scorecards(providers=[firm.provider, *(one.provider for one in others)])) == 4


def test_everybody_may_look(firm):
    town = make_town()
    served_since(firm, town, 60)
    sell(town, 20, days_ago=20, redeemed=15)
    client = Client(headers={"accept-language": "en"})
    page = client.get(f"/providers/{firm.provider.pk}/").content.decode()
    assert "75%" in page
    assert "15 of 20 uses" in page
    assert town.merchant.name not in page
    assert firm.provider.name in client.get("/providers/").content.decode()
    assert client.get("/providers/12345/").status_code == 404
