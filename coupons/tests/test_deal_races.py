"""People who act on one deal at the same moment: one of them wins, the others change nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django_scopes import scopes_disabled

from core.errors import DomainError
from coupons.domain.deal_draft import read_draft
from coupons.domain.deal_states import approve_deal, reject_deal, submit_deal, withdraw_deal
from coupons.domain.deals import save_deal, set_stock
from coupons.enums import DealState
from coupons.models import Deal, DealReview, DealStock
from coupons.tests.town import Town, make_customer, make_town
from identity.models import AuditEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]


@pytest.fixture
def town() -> Town:
    with scopes_disabled():
        return make_town()


def at_once(*acts: Callable[[], object]) -> list[str]:
    """The outcomes: "done", or the refusal's code."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        try:
            with scopes_disabled():
                gate.wait(timeout=30)
                act()
        except DomainError as refused:
            return refused.code
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.parametrize("_round", range(5))
def test_of_many_who_decide_one_is_heard(town, _round):
    with scopes_disabled():
        deal = town.make_deal(state=DealState.DRAFT)
        submit_deal(deal=deal, by=town.owner)
    by = town.owner

    outcomes = at_once(
        *[lambda: approve_deal(deal=deal, by=by)] * 3,
        *[lambda: reject_deal(deal=deal, reason="重写", by=by)] * 3,
        *[lambda: withdraw_deal(deal=deal, by=by)] * 2,
    )

    assert sorted(outcomes) == ["deal_not_in_state"] * 7 + ["done"]
    with scopes_disabled():
        state = Deal.objects.get(pk=deal.pk).state
        decided = list(DealReview.objects.filter(deal=deal).values_list("approved", flat=True))
    winner = outcomes.index("done")
    assert (state, decided) == (
        (DealState.ONLINE, [True])
        if winner < 3
        else (DealState.REJECTED, [False])
        if winner < 6
        else (DealState.DRAFT, [])
    )
    assert AuditEvent.objects.filter(noun="deal", noun_id=deal.pk).count() == 2  # submitted, then the winner


def test_of_many_who_save_one_version_one_is_kept(town):
    with scopes_disabled():
        deal = save_deal(merchant=town.merchant, draft=read_draft(deal=town.deal), by=town.owner)
        draft = read_draft(deal=deal)

    outcomes = at_once(
        *[lambda: save_deal(merchant=town.merchant, draft=draft, by=town.owner, deal_id=deal.pk, version=1)]
        * 6
    )

    assert sorted(outcomes) == ["deal_changed_meanwhile"] * 5 + ["done"]
    with scopes_disabled():
        stored = Deal.objects.get(pk=deal.pk)
        assert (stored.version, read_draft(deal=stored)) == (2, draft)


def test_stock_taken_down_while_customers_order_is_never_oversold(town):
    with scopes_disabled():
        customers = [make_customer() for _number in range(6)]

    outcomes = at_once(
        *[lambda customer=customer: town.order(customer=customer) for customer in customers],
        lambda: set_stock(deal=town.deal, total=3, by=town.owner),
    )

    with scopes_disabled():
        stock = DealStock.objects.get(deal=town.deal)
    ordered = outcomes[:6].count("done")
    assert stock.held == ordered
    assert set(outcomes) <= {"done", "sold_out", "stock_below_sold"}
    if outcomes[6] == "done":
        assert (stock.total, ordered <= 3) == (3, True)
    else:
        assert (stock.total, ordered > 3) == (100, True)
