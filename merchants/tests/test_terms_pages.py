"""/m/<slug>/terms/: what is in force, what is proposed with an example in fen, and an owner's answer."""

import re

import pytest
from django_scopes import scopes_disabled

from identity.enums import Role
from merchants.domain.memberships import set_membership
from merchants.domain.terms import accept_terms, propose_terms, withdraw_terms
from merchants.enums import ShareKind
from merchants.models import Terms
from merchants.tests.agreeing import agree, make_payee, propose
from merchants.tests.conftest import Shop

pytestmark = pytest.mark.django_db
PAGE = "/m/hotpot/terms/"


@pytest.fixture(autouse=True)
def everywhere():
    with scopes_disabled():
        yield


def text(response) -> str:
    body = re.sub(r"(?s)<(script|style|dialog)\b.*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def states(shop: Shop) -> list[str]:
    return list(Terms.objects.filter(merchant=shop.merchant).order_by("id").values_list("state", flat=True))


def test_what_is_in_force_and_who_agreed(shop: Shop, sign_in) -> None:
    shown = text(sign_in(shop.owner).get(PAGE))

    assert re.search(r"Platform fee .*2\.5% Tongdao Owner of hotpot, since", shown)
    assert "Earlier versions" not in shown
    assert "Proposed:" not in shown


def test_a_proposal_says_what_it_costs_in_fen(shop: Shop, sign_in) -> None:
    agree(shop.merchant, ShareKind.STATION_SHARE, 77, by=shop.owner)
    propose(shop.merchant, ShareKind.PLATFORM_FEE, 300)

    shown = text(sign_in(shop.owner).get(PAGE))

    # 12,800 fen: 77 bps are 98.56, so 99; 250 are 320 and 300 are 384
    assert "Of ¥128.00 you keep ¥123.17 instead of ¥123.81." in shown
    assert "2.5% → 3%" in shown
    assert "新一年的费率" in shown


def test_an_owner_agrees_and_the_old_version_stays_to_read(shop: Shop, sign_in) -> None:
    terms = propose(shop.merchant, ShareKind.PLATFORM_FEE, 300)
    owner = sign_in(shop.owner)

    answer = owner.post(f"{PAGE}{terms.pk}/accept/", follow=True)

    assert states(shop) == ["ended", "in_force"]
    shown = text(answer)
    assert "Agreed: it counts for orders placed from now on." in shown
    assert "Earlier versions" in shown
    assert "3%" in text(owner.get("/m/hotpot/settings/"))


def test_an_owner_refuses(shop: Shop, sign_in) -> None:
    terms = propose(shop.merchant, ShareKind.PLATFORM_FEE, 300)

    answer = sign_in(shop.owner).post(f"{PAGE}{terms.pk}/refuse/", follow=True)

    assert states(shop) == ["in_force", "refused"]
    assert "Refused: everything stays as it is." in text(answer)


def test_too_late_is_told_and_changes_nothing(shop: Shop, sign_in) -> None:
    terms = propose(shop.merchant, ShareKind.PLATFORM_FEE, 300)
    withdraw_terms(terms=terms, by=terms.proposed_by)

    for answer in ("accept", "refuse"):
        response = sign_in(shop.owner).post(f"{PAGE}{terms.pk}/{answer}/", follow=True)
        assert "This proposal has been answered or withdrawn." in text(response)
    assert states(shop) == ["in_force", "withdrawn"]


def test_others_of_the_office_read_and_do_not_answer(shop: Shop, sign_in) -> None:
    terms = propose(shop.merchant, ShareKind.PLATFORM_FEE, 300)
    set_membership(merchant=shop.merchant, user=shop.clerk, role=Role.FINANCE, stores=[], by=shop.owner)

    for user in (shop.manager, shop.clerk):
        reader = sign_in(user)
        assert "Only an owner can answer." in text(reader.get(PAGE))
        for answer in ("accept", "refuse"):
            assert reader.post(f"{PAGE}{terms.pk}/{answer}/").status_code == 404
    assert states(shop) == ["in_force", "proposed"]


def test_our_own_proposal_waits_for_the_other_side(shop: Shop, sign_in) -> None:
    party, owner = make_payee(ShareKind.SERVICE_FEE)
    terms = propose_terms(
        merchant=shop.merchant, kind=ShareKind.SERVICE_FEE, payee=party, bps=800,
        for_party_id=shop.merchant.pk, by=shop.owner,
    )  # fmt: skip

    shown = text(sign_in(shop.owner).get(PAGE))
    refused = sign_in(shop.owner).post(f"{PAGE}{terms.pk}/accept/", follow=True)

    assert "The other side has to answer." in shown
    assert "This is for an owner of the other side to say." in text(refused)
    accept_terms(terms=terms, by=owner)
    assert "Of ¥128.00" not in text(sign_in(shop.owner).get(PAGE))


def test_what_leaves_nothing_cannot_be_agreed_to(shop: Shop, sign_in) -> None:
    terms = propose(shop.merchant, ShareKind.SERVICE_FEE, 9_751)
    owner = sign_in(shop.owner)

    assert "nothing would be left of an order" in text(owner.get(PAGE))
    assert f"{PAGE}{terms.pk}/accept/" not in owner.get(PAGE).content.decode().split('id="accept-')[0]
    answer = owner.post(f"{PAGE}{terms.pk}/accept/", follow=True)
    assert "Together more than the whole would go to others." in text(answer)
    assert states(shop) == ["in_force", "proposed"]


def test_home_tells_what_waits(shop: Shop, sign_in) -> None:
    assert "Terms to answer" not in text(sign_in(shop.owner).get("/m/hotpot/"))
    propose(shop.merchant, ShareKind.PLATFORM_FEE, 300)
    assert "Terms to answer" in text(sign_in(shop.owner).get("/m/hotpot/"))
