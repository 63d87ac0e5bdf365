"""One answer to one proposal, and never more than the whole, whoever comes at the same moment."""

from functools import partial

import pytest
from django.db import connection
from django_scopes import scopes_disabled

from coupons.models import OrderShare
from coupons.tests.town import Town
from identity.enums import Role
from merchants.domain import terms as domain
from merchants.domain.memberships import set_membership
from merchants.domain.terms import accept_terms, refuse_terms, withdraw_terms
from merchants.enums import ShareKind
from merchants.models import Terms
from merchants.tests.agreeing import propose
from tests.races.racing import count_codes, hold_against, race_once

pytestmark = pytest.mark.concurrency


def states(town: Town) -> list[tuple[int, str]]:
    with scopes_disabled():
        return list(
            Terms.objects.filter(merchant=town.merchant, kind="platform_fee")
            .order_by("version")
            .values_list("version", "state")
        )


def test_two_owners_accept_and_it_counts_once(town: Town) -> None:
    terms = propose(town.merchant, ShareKind.PLATFORM_FEE, 300)
    set_membership(merchant=town.merchant, user=town.clerk, role=Role.OWNER, stores=[], by=town.owner)

    answers = race_once(*(partial(accept_terms, terms=terms, by=user) for user in (town.owner, town.clerk)))

    assert count_codes(answers) == {"done": 1, "terms_answered": 1}
    assert states(town) == [(1, "ended"), (2, "in_force")]


@pytest.mark.parametrize("accept_first", [True, False])
def test_accepting_against_withdrawing(town: Town, accept_first: bool) -> None:
    terms = propose(town.merchant, ShareKind.PLATFORM_FEE, 300)
    calls = [
        partial(accept_terms, terms=Terms.objects.get(pk=terms.pk), by=town.owner),
        partial(withdraw_terms, terms=Terms.objects.get(pk=terms.pk), by=terms.proposed_by),
    ]

    met = hold_against(*(calls if accept_first else reversed(calls)))

    assert met.second_waited
    assert met.second.code == "terms_answered"
    expected = [(1, "ended"), (2, "in_force")] if accept_first else [(1, "in_force"), (2, "withdrawn")]
    assert states(town) == expected


def test_accepting_against_refusing(town: Town) -> None:
    terms = propose(town.merchant, ShareKind.PLATFORM_FEE, 300)
    calls = [
        partial(act, terms=Terms.objects.get(pk=terms.pk), by=town.owner)
        for act in (accept_terms, refuse_terms)
    ]

    assert count_codes(race_once(*calls)) == {"done": 1, "terms_answered": 1}
    assert states(town) in ([(1, "ended"), (2, "in_force")], [(1, "in_force"), (2, "refused")])


@pytest.mark.parametrize("domain_locks", [True, False])
def test_two_kinds_agreed_at_once_stay_below_the_whole(
    town: Town, domain_locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5,000 and 5,000 beside the fee of 250: one of them fits. The guard in the database is enough by itself."""
    if not domain_locks:
        monkeypatch.setattr(domain, "_lock", lambda merchant_id: None)
    both = [propose(town.merchant, kind, 5_000) for kind in (ShareKind.SERVICE_FEE, ShareKind.STATION_SHARE)]

    met = hold_against(*(partial(accept_terms, terms=terms, by=town.owner) for terms in both))

    assert met.second_waited
    assert met.second.code == "terms_above_whole"


def test_without_any_lock_the_race_is_lost(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same two, with the locks of domain and guard gone, exceed the whole."""
    monkeypatch.setattr(domain, "_lock", lambda merchant_id: None)
    both = [propose(town.merchant, kind, 5_000) for kind in (ShareKind.SERVICE_FEE, ShareKind.STATION_SHARE)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('merchants_guard_terms'::regproc)")
        guard = cursor.fetchone()[0]
        cursor.execute(
            guard.replace(
                "PERFORM FROM merchants_merchant m WHERE m.party_id = NEW.merchant_id FOR NO KEY UPDATE;", ""
            )
        )
    try:
        met = hold_against(*(partial(accept_terms, terms=terms, by=town.owner) for terms in both))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(guard)

    assert not met.second_waited
    with scopes_disabled():
        assert sum(Terms.objects.filter(state="in_force").values_list("bps", flat=True)) == 10_250


def test_an_order_does_not_wait_for_a_change_and_freezes_one_whole_set(town: Town) -> None:
    terms = propose(town.merchant, ShareKind.PLATFORM_FEE, 300)

    met = hold_against(partial(accept_terms, terms=terms, by=town.owner), town.order)
    later = town.order()

    assert not met.second_waited
    with scopes_disabled():
        shares = {share.order_id: share.bps for share in OrderShare.objects.all()}
    assert shares == {met.second.pk: 250, later.pk: 300}
