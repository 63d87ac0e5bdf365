"""Requests that are sent at once: one key makes one order, one person one customer, one login code one token."""

from django.core.cache import cache
from django_scopes import scopes_disabled

from coupons.models import DealStock, Order
from coupons.tests.town import Town
from identity.customer_sign_in.sandbox import make_login_code
from identity.domain.customers import sign_in_customer
from identity.models import Customer, User
from tests.api.conftest import Api, api_of, fresh_key
from tests.races.racing import race

RACERS = 8


def test_one_key_makes_one_order_however_many_arrive_at_once(town: Town) -> None:
    cache.clear()
    api = api_of(town.customer.user)
    key = fresh_key()
    body = {"merchant": town.merchant.slug, "deal_id": str(town.deal.pk), "quantity": 2}

    lanes = race(*[[lambda: api.post("orders/", body, key=key)] for _ in range(RACERS)])

    answers = [lane[0] for lane in lanes]
    assert [answer.status_code for answer in answers] == [201] * RACERS
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers) == RACERS - 1
    with scopes_disabled():
        assert Order.objects.count() == 1
        assert DealStock.objects.get(pk=town.deal.pk).held == 2


def test_first_sign_ins_at_once_make_one_customer(town: Town) -> None:
    customers, users = Customer.objects.count(), User.objects.count()

    lanes = race(
        *[
            [lambda: sign_in_customer(provider="sandbox", open_id="sb_new", nickname="小明")]
            for _ in range(RACERS)
        ]
    )

    assert len({lane[0].pk for lane in lanes}) == 1
    assert (Customer.objects.count(), User.objects.count()) == (customers + 1, users + 1)


def test_login_code_sent_at_once_from_many_places_is_good_once(town: Town) -> None:
    cache.clear()
    code = make_login_code(phone="13800009999")

    lanes = race(*[[lambda: Api().post("customers/sign-in/", {"login_code": code})] for _ in range(RACERS)])

    assert sorted(lane[0].status_code for lane in lanes) == [200] + [401] * (RACERS - 1)
