"""Engagements: what both agreed holds, what the merchant takes back is gone with the next request."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import Invalid, NotFound
from core.models import Job
from coupons.domain.use_refunds import request_refund_of_use
from coupons.models import OrderShare, Redemption
from coupons.tests.town import make_town, make_user
from identity.api.authentication import STAFF_TOKEN_LIFE, give_token
from identity.enums import Role, Scope
from identity.models import AuditEvent, Grant
from merchants.access import access_merchant
from merchants.domain.memberships import set_membership
from merchants.domain.terms import NotThisSide, OtherTermsInForce
from merchants.models import Terms
from providers.domain.engagements import (
    AlreadyEngaged,
    EngagementOver,
    OfferAnswered,
    OfferPending,
    agree_offer,
    close_service_fee,
    end_engagement,
    narrow_engagement,
    propose_change,
    propose_engagement,
    refuse_offer,
    withdraw_offer,
)
from providers.domain.providers import LastProviderOwner, end_provider_membership, set_provider_membership
from providers.models import Engagement, ProviderMembership
from providers.tests.firms import SHOP_SCOPES, make_firm

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return make_town()


@pytest.fixture
def firm():
    return make_firm()


def enter(user, town, *scopes):
    return access_merchant(user=user, slug=town.merchant.slug, roles=[Role.OWNER], scopes=scopes)


def is_in(user, town, scope) -> bool:
    try:
        enter(user, town, scope)
    except NotFound:
        return False
    return True


def fees(town) -> list[tuple[int, str]]:
    with scopes_disabled():
        return list(
            Terms.objects.filter(merchant=town.merchant, kind="service_fee")
            .order_by("id")
            .values_list("bps", "state")
        )


def offer_of(firm, town, **changed):
    values = {
        "scopes": [Scope.DEALS],
        "service_fee_bps": 500,
        "for_party_id": firm.provider.pk,
        "by": firm.owner,
    }
    return propose_engagement(provider=firm.provider, merchant=town.merchant, **values | changed)


class TestAgreeing:
    def test_an_offer_grants_nothing_before_the_merchant_agrees(self, town, firm):
        offer = offer_of(firm, town)
        assert not is_in(firm.owner, town, Scope.DEALS)
        assert fees(town) == []

        engagement = agree_offer(offer=offer, by=town.owner)

        assert engagement.state == "active"
        access = enter(firm.manager, town, Scope.DEALS)
        assert (access.role, access.for_party.pk, access.scopes) == (None, firm.provider.pk, {Scope.DEALS})
        assert not is_in(firm.manager, town, Scope.REFUNDS)
        assert fees(town) == [(500, "in_force")]

    def test_the_fee_is_frozen_into_orders(self, town, firm):
        before = town.order()
        firm.engage(town, bps=700)
        after = town.order()
        with scope(merchant=town.merchant.pk):
            rates = {
                order.pk: dict(OrderShare.objects.filter(order=order).values_list("kind", "bps"))
                for order in (before, after)
            }
        assert "service_fee" not in rates[before.pk]
        assert rates[after.pk]["service_fee"] == 700

    def test_the_merchant_may_offer_and_the_provider_agrees(self, town, firm):
        offer = offer_of(firm, town, for_party_id=town.merchant.pk, by=town.owner)
        with pytest.raises(NotThisSide):
            agree_offer(offer=offer, by=town.owner)
        assert agree_offer(offer=offer, by=firm.owner).state == "active"

    def test_only_an_owner_of_the_other_side_agrees(self, town, firm):
        offer = offer_of(firm, town)
        for user in (firm.owner, firm.manager, town.clerk, make_user()):
            with pytest.raises(NotThisSide):
                agree_offer(offer=offer, by=user)
        assert Engagement.objects.get().state == "proposed"
        assert Grant.objects.filter(for_party=firm.provider.pk).count() == 0

    def test_who_does_not_speak_for_the_side_offers_nothing(self, town, firm):
        for side, user in ((firm.provider.pk, town.owner), (town.merchant.pk, firm.owner), (7, firm.owner)):
            with pytest.raises(NotThisSide):
                offer_of(firm, town, for_party_id=side, by=user)
        assert Engagement.objects.count() == 0

    def test_one_engagement_at_a_time(self, town, firm):
        offer_of(firm, town)
        with pytest.raises(AlreadyEngaged):
            offer_of(firm, town)
        assert Engagement.objects.count() == 1

    def test_a_second_provider_with_a_fee_is_refused_and_changes_nothing(self, town, firm):
        firm.engage(town)
        other = make_firm("另一家")
        offer = offer_of(other, town)
        with pytest.raises(OtherTermsInForce):
            agree_offer(offer=offer, by=town.owner)
        assert not is_in(other.owner, town, Scope.DEALS)
        assert fees(town) == [(500, "in_force")]
        offer.refresh_from_db()
        assert offer.state == "proposed"

    def test_an_offer_is_answered_once(self, town, firm):
        offer = offer_of(firm, town)
        refuse_offer(offer=offer, by=town.owner)
        for answer in (agree_offer, refuse_offer):
            with pytest.raises(OfferAnswered):
                answer(offer=offer, by=town.owner)
        assert Engagement.objects.get().end_reason == "refused"

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"scopes": []}, "scopes"),
            ({"service_fee_bps": 5_001}, "service_fee_bps"),
            ({"service_fee_bps": -1}, "service_fee_bps"),
            ({"scopes": [Scope.DEALS], "store_ids": [1]}, "scopes"),
            ({"scopes": [Scope.STORES], "store_ids": [1]}, "store_ids"),
            ({"scopes": [Scope.STORES], "store_ids": []}, "store_ids"),
        ],
    )
    def test_what_cannot_be_is_named(self, town, firm, values, field):
        with pytest.raises(Invalid) as refused:
            offer_of(firm, town, **values)
        assert refused.value.facts["field"] == field


class TestChanging:
    def test_the_old_terms_hold_until_both_agree(self, town, firm):
        engagement = firm.engage(town, scopes=[Scope.DEALS])
        offer = propose_change(
            engagement=engagement, scopes=[Scope.DEALS, Scope.REFUNDS], service_fee_bps=800,
            for_party_id=firm.provider.pk, by=firm.owner,
        )  # fmt: skip
        engagement.refresh_from_db()
        assert engagement.state == "changing"
        assert not is_in(firm.manager, town, Scope.REFUNDS)
        assert fees(town) == [(500, "in_force")]
        with pytest.raises(OfferPending):
            propose_change(
                engagement=engagement, scopes=[Scope.DEALS], service_fee_bps=1,
                for_party_id=firm.provider.pk, by=firm.owner,
            )  # fmt: skip

        agree_offer(offer=offer, by=town.owner)

        assert is_in(firm.manager, town, Scope.REFUNDS)
        assert fees(town) == [(500, "ended"), (800, "in_force")]

    @pytest.mark.parametrize("answer", ["refuse", "withdraw"])
    def test_a_change_turned_down_leaves_what_was_agreed(self, town, firm, answer):
        engagement = firm.engage(town, scopes=[Scope.DEALS])
        offer = propose_change(
            engagement=engagement, scopes=[Scope.REFUNDS], service_fee_bps=0,
            for_party_id=firm.provider.pk, by=firm.owner,
        )  # fmt: skip
        if answer == "refuse":
            refuse_offer(offer=offer, by=town.owner)
        else:
            withdraw_offer(offer=offer, by=firm.owner)
        engagement.refresh_from_db()
        assert (engagement.state, engagement.scopes) == ("active", ["deals"])
        assert is_in(firm.manager, town, Scope.DEALS)
        assert fees(town) == [(500, "in_force")]


class TestTakingBack:
    def test_the_merchant_narrows_alone_and_at_once(self, town, firm):
        engagement = firm.engage(town, scopes=SHOP_SCOPES)
        narrow_engagement(
            engagement=engagement, scopes=[Scope.REDEMPTIONS], store_ids=[town.store.pk], by=town.owner
        )
        assert not is_in(firm.manager, town, Scope.DEALS)
        assert enter(firm.manager, town, Scope.REDEMPTIONS).store_ids == (town.store.pk,)
        assert fees(town) == [(500, "in_force")]

    def test_narrowing_never_widens(self, town, firm):
        engagement = firm.engage(town, scopes=[Scope.REDEMPTIONS], store_ids=[town.store.pk])
        for scopes, stores in (
            ([Scope.DEALS], [town.store.pk]),
            ([Scope.REDEMPTIONS], None),
            ([Scope.REDEMPTIONS], [town.other_store.pk]),
        ):
            with pytest.raises(Invalid):
                narrow_engagement(engagement=engagement, scopes=scopes, store_ids=stores, by=town.owner)
        with pytest.raises(NotThisSide):
            narrow_engagement(engagement=engagement, scopes=[], store_ids=None, by=firm.owner)
        assert enter(firm.manager, town, Scope.REDEMPTIONS).store_ids == (town.store.pk,)

    @pytest.mark.parametrize("who", ["merchant", "provider"])
    def test_ending_ends_access_and_fee(self, town, firm, who):
        engagement = firm.engage(town)
        end_engagement(engagement=engagement, by=town.owner if who == "merchant" else firm.owner)
        for user in (firm.owner, firm.manager, firm.finance):
            for one in Scope:
                assert not is_in(user, town, one)
        assert fees(town) == [(500, "ended")]
        with pytest.raises(EngagementOver):
            end_engagement(engagement=engagement, by=town.owner)
        assert firm.engage(town).state == "active"

    def test_ended_early_by_the_merchant_the_fee_holds_for_the_length_agreed(self, town, firm):
        last = timezone.localdate(timezone=town.merchant.tzinfo) + timedelta(days=30)
        engagement = firm.engage(town, at_least_until=last)
        end_engagement(engagement=engagement, by=town.owner)
        assert not is_in(firm.owner, town, Scope.DEALS)
        assert fees(town) == [(500, "in_force")]
        job = Job.objects.get(kind="close_service_fee")
        assert job.due_at.astimezone(town.merchant.tzinfo).date() == last + timedelta(days=1)

        close_service_fee(job)

        assert fees(town) == [(500, "ended")]

    def test_given_up_by_the_provider_the_fee_ends_at_once(self, town, firm):
        last = timezone.localdate() + timedelta(days=30)
        engagement = firm.engage(town, at_least_until=last)
        end_engagement(engagement=engagement, by=firm.owner)
        assert fees(town) == [(500, "ended")]


class TestStaff:
    def test_each_post_has_its_part(self, town, firm):
        firm.engage(town, scopes=SHOP_SCOPES)
        assert is_in(firm.finance, town, Scope.SETTLEMENT)
        assert not is_in(firm.finance, town, Scope.DEALS)
        assert is_in(firm.manager, town, Scope.DEALS)

    def test_who_comes_and_goes_at_the_provider_comes_and_goes_at_the_client(self, town, firm):
        firm.engage(town, scopes=[Scope.DEALS])
        newcomer = make_user("新人")
        membership = set_provider_membership(
            provider=firm.provider, user=newcomer, role=Role.MANAGER, by=firm.owner
        )
        assert is_in(newcomer, town, Scope.DEALS)
        end_provider_membership(membership=membership, by=firm.owner)
        assert not is_in(newcomer, town, Scope.DEALS)
        with pytest.raises(LastProviderOwner):
            end_provider_membership(
                membership=ProviderMembership.objects.get(user=firm.owner), by=firm.manager
            )
        assert is_in(firm.owner, town, Scope.DEALS)

    def test_a_post_at_the_shop_goes_before_the_engagement(self, town, firm):
        firm.engage(town, scopes=[Scope.DEALS])
        set_membership(merchant=town.merchant, user=firm.manager, role=Role.OWNER, stores=[], by=town.owner)
        access = enter(firm.manager, town, Scope.DEALS)
        assert (access.role, access.for_party) == (Role.OWNER, None)


class TestInTheNameOf:
    def test_what_is_done_says_for_whom(self, town, firm, client):
        firm.engage(town, scopes=[Scope.DEALS])
        client.force_login(firm.manager)
        client.post(f"/m/{town.merchant.slug}/deals/{town.deal.pk}/pause/")
        town.deal.refresh_from_db()
        assert town.deal.state == "paused"
        event = AuditEvent.objects.filter(merchant_id=town.merchant.pk, actor_id=firm.manager.pk).latest("at")
        assert (event.verb, event.for_party_id) == ("deal.pause", firm.provider.pk)

    def test_pages_outside_the_scopes_are_not_there(self, town, firm, client):
        firm.engage(town, scopes=[Scope.DEALS])
        client.force_login(firm.manager)
        slug = town.merchant.slug
        assert client.get(f"/m/{slug}/deals/").status_code == 200
        for path in ("refunds", "statements", "coupons", "stores", "staff", "settings", "terms", "payouts"):
            assert client.get(f"/m/{slug}/{path}/").status_code == 404, path


class TestTokens:
    def test_a_token_opens_what_was_granted_by_api_and_dies_with_the_engagement(self, town, firm, client):
        """A token says who asks; what he may do is asked of the grants at each request."""
        token, _ = give_token(user=firm.manager, life=STAFF_TOKEN_LIFE)

        def ask() -> int:
            address = reverse("api_refunds", kwargs={"slug": town.merchant.slug})
            return client.get(address, headers={"Authorization": f"Token {token}"}).status_code

        assert ask() == 404
        without_api = firm.engage(town, scopes=[Scope.REFUNDS])
        assert ask() == 404
        end_engagement(engagement=without_api, by=town.owner)
        engagement = firm.engage(town, scopes=[Scope.REFUNDS, Scope.API])
        assert ask() == 200
        end_engagement(engagement=engagement, by=town.owner)
        assert ask() == 404

    def test_what_is_decided_by_api_says_in_whose_name(self, town, firm, client):
        firm.engage(town, scopes=[Scope.REFUNDS, Scope.REDEMPTIONS, Scope.API])
        at = timezone.now() - timedelta(days=2)
        (coupon,) = town.buy(at=at)
        (use,) = town.redeem(coupon.code, at=at).redemptions
        with scopes_disabled():
            refund = request_refund_of_use(
                redemption=Redemption.objects.get(pk=use.id),
                cause="quality",
                words="凉了",
                by=town.customer.user,
            )
        token, _ = give_token(user=firm.manager, life=STAFF_TOKEN_LIFE)
        answer = client.post(
            reverse("api_refund_decision", kwargs={"slug": town.merchant.slug, "refund_id": refund.pk}),
            {"approve": True, "reason": ""},
            content_type="application/json",
            headers={"Authorization": f"Token {token}"},
        )
        assert answer.status_code == 200, answer.content
        events = AuditEvent.objects.filter(actor_id=firm.manager.pk, merchant_id=town.merchant.pk)
        assert list(events.values_list("verb", "for_party_id")) == [("refund.approved", firm.provider.pk)]
