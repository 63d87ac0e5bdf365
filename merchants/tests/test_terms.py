"""Terms: the other side's consent, one answer, facts that stay, and shares that never exceed the whole."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django_scopes import scopes_disabled

from core.errors import Invalid
from identity.domain.platform_party import get_platform_party
from identity.models import AuditEvent
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant
from merchants.domain.terms import (
    AlreadyAnswered,
    NotThisSide,
    OtherTermsInForce,
    ProposalPending,
    SharesAboveWhole,
    accept_terms,
    copy_terms,
    end_terms,
    get_platform_fee,
    propose_terms,
    refuse_terms,
    withdraw_terms,
)
from merchants.enums import ShareKind
from merchants.models import Merchant, Terms
from merchants.tests.agreeing import agree, make_operator, make_payee, propose
from merchants.tests.conftest import Shop

pytestmark = pytest.mark.django_db
FEE, SERVICE, STATION, COMMISSION = ShareKind


@pytest.fixture(autouse=True)
def everywhere():
    with scopes_disabled():
        yield


def versions(merchant: Merchant, kind: ShareKind = FEE) -> list[tuple[int, int, str]]:
    return list(
        Terms.objects.filter(merchant=merchant, kind=kind)
        .order_by("version")
        .values_list("version", "bps", "state")
    )


def test_a_new_shop_has_agreed_to_its_first_fee(shop: Shop) -> None:
    terms = Terms.objects.get(merchant=shop.merchant)

    assert versions(shop.merchant) == [(1, 250, "in_force")]
    assert (terms.payee.kind, terms.answered_by, terms.proposed_by) == ("platform", shop.owner, None)
    with pytest.raises(Invalid), transaction.atomic():
        create_merchant(slug="new", name="New", platform_fee_bps=10_001)
    assert not Merchant.objects.filter(slug="new").exists()


def test_a_proposal_changes_nothing_before_the_other_side_agreed(shop: Shop) -> None:
    terms = propose(shop.merchant, FEE, 300)
    assert get_platform_fee(merchant=shop.merchant).bps == 250

    accept_terms(terms=terms, by=shop.owner)

    assert versions(shop.merchant) == [(1, 250, "ended"), (2, 300, "in_force")]
    first, second = Terms.objects.filter(merchant=shop.merchant).order_by("version")
    assert first.ended_at == second.in_force_at  # not a moment without terms, none with two
    assert second.answered_by == shop.owner
    verbs = AuditEvent.objects.filter(noun="terms").order_by("id").values_list("verb", "actor_id")
    assert list(verbs) == [("terms.propose", terms.proposed_by_id), ("terms.accept", shop.owner.pk)]


def test_only_an_owner_of_the_other_side_answers(shop: Shop, other_shop: Shop) -> None:
    terms = propose(shop.merchant, FEE, 300)
    strangers = [shop.manager, shop.clerk, other_shop.owner, make_operator("同事"), terms.proposed_by]

    for act in (accept_terms, refuse_terms):
        for who in strangers:
            with pytest.raises(NotThisSide):
                act(terms=terms, by=who)
    with pytest.raises(NotThisSide):
        withdraw_terms(terms=terms, by=shop.owner)
    assert versions(shop.merchant) == [(1, 250, "in_force"), (2, 300, "proposed")]


def test_who_stands_on_both_sides_never_agrees_with_himself(shop: Shop) -> None:
    operator = make_operator()
    set_membership(merchant=shop.merchant, user=operator, role="owner", stores=[], by=shop.owner)
    platform = get_platform_party()
    terms = propose(shop.merchant, FEE, 300, payee=(platform, operator))

    with pytest.raises(NotThisSide):
        accept_terms(terms=terms, by=operator)
    accept_terms(terms=terms, by=shop.owner)


def test_the_merchant_proposes_and_the_payee_answers(shop: Shop) -> None:
    party, owner = make_payee(SERVICE)
    ask = partial(
        propose_terms, merchant=shop.merchant, kind=SERVICE, payee=party, for_party_id=shop.merchant.pk
    )
    with pytest.raises(NotThisSide):
        ask(bps=800, by=shop.manager)
    terms = ask(bps=800, by=shop.owner)
    with pytest.raises(NotThisSide):
        accept_terms(terms=terms, by=shop.owner)

    refuse_terms(terms=terms, by=owner)
    accept_terms(terms=ask(bps=900, by=shop.owner), by=owner)

    assert versions(shop.merchant, SERVICE) == [(1, 800, "refused"), (2, 900, "in_force")]


@pytest.mark.parametrize("bps", [-1, 10_001])
def test_a_rate_is_a_share(shop: Shop, bps: int) -> None:
    with pytest.raises(Invalid):
        propose(shop.merchant, FEE, bps)
    assert versions(shop.merchant) == [(1, 250, "in_force")]


def test_what_makes_no_sense_is_not_proposed(shop: Shop) -> None:
    with pytest.raises(Invalid, match="invalid"):
        propose(shop.merchant, FEE, 250)  # as it is
    with pytest.raises(Invalid, match="invalid"):
        propose(shop.merchant, FEE, 300, payee=make_payee(SERVICE))  # a provider gets no platform fee
    propose(shop.merchant, FEE, 300)
    with pytest.raises(ProposalPending):
        propose(shop.merchant, FEE, 310)
    assert versions(shop.merchant) == [(1, 250, "in_force"), (2, 300, "proposed")]


def test_an_answer_is_given_once(shop: Shop) -> None:
    terms = propose(shop.merchant, FEE, 300)
    withdraw_terms(terms=terms, by=terms.proposed_by)

    for act in (partial(accept_terms, by=shop.owner), partial(refuse_terms, by=shop.owner)):
        with pytest.raises(AlreadyAnswered):
            act(terms=terms)
    assert versions(shop.merchant) == [(1, 250, "in_force"), (2, 300, "withdrawn")]


def test_shares_are_at_most_the_whole(shop: Shop) -> None:
    """10,000 = 250 + 5,000 + 750 and the largest of two commissions."""
    agree(shop.merchant, SERVICE, 5_000, by=shop.owner)
    agree(shop.merchant, STATION, 750, by=shop.owner)
    agree(shop.merchant, COMMISSION, 4_000, by=shop.owner, payee=make_payee(COMMISSION, "小王"))
    agree(shop.merchant, COMMISSION, 3_999, by=shop.owner, payee=make_payee(COMMISSION, "小李"))

    for kind, bps in ((COMMISSION, 4_001), (FEE, 251)):
        terms = propose(shop.merchant, kind, bps)
        with pytest.raises(SharesAboveWhole):
            accept_terms(terms=terms, by=shop.owner)
    assert get_platform_fee(merchant=shop.merchant).bps == 250  # what was in force still is


def test_one_party_gets_each_kind_of_share(shop: Shop) -> None:
    first, second = make_payee(SERVICE, "甲"), make_payee(SERVICE, "乙")
    in_force = agree(shop.merchant, SERVICE, 500, by=shop.owner, payee=first)
    terms = propose(shop.merchant, SERVICE, 400, payee=second)
    with pytest.raises(OtherTermsInForce):
        accept_terms(terms=terms, by=shop.owner)

    with pytest.raises(NotThisSide):
        end_terms(terms=in_force, by=shop.owner)  # the merchant cannot take it away
    end_terms(terms=in_force, by=first[1])
    accept_terms(terms=terms, by=shop.owner)

    states = Terms.objects.filter(kind=SERVICE).order_by("id").values_list("payee_id", "state")
    assert list(states) == [(first[0].pk, "ended"), (second[0].pk, "in_force")]
    with pytest.raises(Invalid):
        end_terms(terms=get_platform_fee(merchant=shop.merchant), by=make_operator())


def test_a_shadow_shop_gets_the_terms_in_force(shop: Shop, other_shop: Shop) -> None:
    agree(shop.merchant, SERVICE, 500, by=shop.owner)
    propose(shop.merchant, STATION, 100)

    copy_terms(original=shop.merchant, copy=other_shop.merchant)

    assert versions(other_shop.merchant, SERVICE) == [(1, 500, "in_force")]
    assert versions(other_shop.merchant, STATION) == []


FORGERIES = {
    "another rate": "UPDATE merchants_terms SET bps = 1",
    "another payee": "UPDATE merchants_terms SET payee_id = payee_id + 1",
    "another kind": "UPDATE merchants_terms SET kind = 'commission'",
    "another version": "UPDATE merchants_terms SET version = version + 1",
    "in force earlier": "UPDATE merchants_terms SET in_force_at = in_force_at - interval '1 day'",
    "agreed by another": "UPDATE merchants_terms SET answered_by_id = NULL",
    "ended is in force again": "UPDATE merchants_terms SET state = 'in_force', ended_at = NULL WHERE state = 'ended'",
    "back to a proposal": "UPDATE merchants_terms SET state = 'proposed', answered_at = NULL, in_force_at = NULL"
    " WHERE state = 'in_force'",
    "removed": "DELETE FROM merchants_terms",
    "emptied": "TRUNCATE merchants_terms CASCADE",
    "two in force": "INSERT INTO merchants_terms (merchant_id, kind, payee_id, version, bps, state, note, proposed_for_id,"
    " answered_at, in_force_at) SELECT merchant_id, kind, payee_id, 9, 1, 'in_force', '', payee_id, now(), now()"
    " FROM merchants_terms WHERE state = 'in_force' LIMIT 1",
    "more than the whole": "INSERT INTO merchants_terms (merchant_id, kind, payee_id, version, bps, state, note,"
    " proposed_for_id, answered_at, in_force_at) SELECT merchant_id, 'commission', payee_id, 9, 9701, 'in_force', '',"
    " payee_id, now(), now() FROM merchants_terms WHERE state = 'in_force' LIMIT 1",
}


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("how", FORGERIES)
def test_the_database_refuses_to_bend_terms(shop: Shop, how: str, role: str) -> None:
    agree(shop.merchant, FEE, 300, by=shop.owner)
    before = versions(shop.merchant)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SET LOCAL session_replication_role = {role}")
        cursor.execute(FORGERIES[how])
    assert versions(shop.merchant) == before
