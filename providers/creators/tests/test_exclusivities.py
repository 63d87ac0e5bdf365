"""Exclusive rights: by the merchant's consent only the named carry; two that overlap never both hold; each refusal says why."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django_scopes import scope

from core.errors import Invalid
from core.refusals import describe
from coupons.tests.town import make_town, make_user
from merchants.domain.terms import NotThisSide
from merchants.places.areas import EVERYWHERE, get_area
from providers.creators.domain.claims import claim_place
from providers.creators.domain.eligibility import CarriedByOthers, find_refusal
from providers.creators.domain.exclusivities import (
    ExclusivityAnswered,
    ExclusivityTaken,
    agree_exclusivity,
    closed_by_exclusivity,
    end_exclusivity,
    exclusivity_for,
    propose_exclusivity,
    refuse_exclusivity,
)
from providers.creators.models import Exclusivity, TaskClaim
from providers.creators.tests.carriers import make_carrier, make_open_task
from providers.tests.firms import make_firm

pytestmark = pytest.mark.django_db
CHONGQING, YUZHONG, JIANGBEI = "50", "500103", "500105"


@pytest.fixture
def town():
    return make_town()


@pytest.fixture
def holder():
    return make_carrier("甜妹探店")


@pytest.fixture
def other():
    return make_carrier("老饕日记")


def days(number: float) -> datetime:
    return timezone.now() + timedelta(days=number)


def give(town, *holders, deal=None, area="", begins=None, ends=None, **more) -> Exclusivity:
    """By the merchant's owner, so in force at once."""
    values = {"for_party_id": town.merchant.pk, "by": town.owner} | more
    return propose_exclusivity(
        merchant=town.merchant, deal=deal, area_code=area, begins=begins or days(-1), ends=ends or days(30),
        holders=[one.party for one in holders], **values,
    )  # fmt: skip


def place(town, district: str) -> None:
    with scope(merchant=town.merchant.pk):
        town.merchant.stores.update(city="重庆市", district=district)
    town.store.refresh_from_db()


class TestWhoMay:
    def test_only_the_holder_takes_a_place_and_the_others_are_told_why(self, town, holder, other):
        task = make_open_task(town)
        right = give(town, holder, deal=town.deal)

        with pytest.raises(CarriedByOthers) as refused:
            claim_place(task=task, creator=other)

        assert TaskClaim.objects.count() == 0
        assert refused.value.facts["holders"] == ["甜妹探店"]
        with translation.override("en"):
            told = describe(refused.value).title
        assert told.startswith("Closed to you: only 甜妹探店 carry this here until ")
        assert claim_place(task=task, creator=holder).state == "claimed"
        assert exclusivity_for(task=task, creator=holder) is None
        assert exclusivity_for(task=task, creator=other).exclusivity_id == right.pk

    def test_it_is_of_its_deal_area_and_time_only(self, town, holder, other):
        place(town, "渝中区")
        plain = town.make_deal(title="另一个")
        here, elsewhere = make_open_task(town), make_open_task(town, deal_id=plain.pk)
        give(town, holder, deal=town.deal, area=YUZHONG)
        assert closed_by_exclusivity(tasks=[here, elsewhere], creator=other).keys() == {here.pk}
        place(town, "江北区")
        moved = make_open_task(town)
        assert find_refusal(task=moved, creator=other) is None
        assert closed_by_exclusivity(tasks=[here], creator=other, at=days(31)) == {}
        assert closed_by_exclusivity(tasks=[here], creator=other, at=days(-2)) == {}

    def test_a_city_holds_its_districts_and_a_place_not_told_apart_is_held(self, town, holder, other):
        give(town, holder, area=CHONGQING)
        place(town, "渝中区")
        assert exclusivity_for(task=make_open_task(town), creator=other).area == "重庆市"
        end_exclusivity(exclusivity=Exclusivity.objects.get(), by=town.owner)
        give(town, holder, area=YUZHONG)
        place(town, "")
        assert exclusivity_for(task=make_open_task(town), creator=other).area == "重庆市渝中区"

    def test_of_a_provider_it_is_its_tasks_that_are_open(self, town, other):
        firm = make_firm()
        firm.engage(town)
        give(town, firm.provider)
        theirs, ours = make_open_task(town, provider_id=firm.provider.pk), make_open_task(town)
        assert find_refusal(task=theirs, creator=other) is None
        assert find_refusal(task=ours, creator=other).facts["holders"] == ["渝味代运营"]

    def test_places_taken_before_are_kept(self, town, holder, other):
        claim = claim_place(task=make_open_task(town), creator=other)
        give(town, holder)
        claim.refresh_from_db()
        assert claim.state == "claimed"

    def test_many_tasks_cost_two_statements(self, town, holder, other, django_assert_num_queries):
        tasks = [make_open_task(town) for _ in range(4)]
        give(town, holder)
        with django_assert_num_queries(2):
            assert len(closed_by_exclusivity(tasks=tasks, creator=other)) == 4


class TestConsent:
    def test_what_a_provider_asks_for_holds_only_when_the_merchant_agrees(self, town, other):
        firm = make_firm()
        firm.engage(town)
        task = make_open_task(town)
        right = give(town, firm.provider, for_party_id=firm.provider.pk, by=firm.owner)
        assert right.state == "proposed"
        assert find_refusal(task=task, creator=other) is None
        for user in (firm.owner, town.clerk, make_user()):
            for answer in (agree_exclusivity, refuse_exclusivity):
                with pytest.raises(NotThisSide):
                    answer(exclusivity=right, by=user)

        agree_exclusivity(exclusivity=right, by=town.owner)

        assert find_refusal(task=task, creator=other).code == "exclusivity_of_others"
        with pytest.raises(ExclusivityAnswered):
            refuse_exclusivity(exclusivity=right, by=town.owner)

    def test_refused_it_never_holds(self, town, other):
        firm = make_firm()
        right = give(town, firm.provider, for_party_id=firm.provider.pk, by=firm.owner)
        refuse_exclusivity(exclusivity=right, by=town.owner)
        for act in (agree_exclusivity, end_exclusivity):
            with pytest.raises(ExclusivityAnswered):
                act(exclusivity=right, by=town.owner)
        assert find_refusal(task=make_open_task(town), creator=other) is None

    def test_nobody_asks_for_others_or_without_speaking_for_a_side(self, town, holder, other):
        firm = make_firm()
        for side, by in ((other.pk, other.user), (holder.pk, other.user), (firm.provider.pk, firm.owner)):
            with pytest.raises(NotThisSide):
                give(town, holder, for_party_id=side, by=by)
        assert Exclusivity.objects.count() == 0

    def test_either_side_ends_it_and_all_may_again(self, town, holder, other):
        task = make_open_task(town)
        right = give(town, holder)
        with pytest.raises(NotThisSide):
            end_exclusivity(exclusivity=right, by=other.user)
        end_exclusivity(exclusivity=right, by=holder.user)
        assert find_refusal(task=task, creator=other) is None
        assert give(town, other).state == "in_force"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"area": "999999"},
            {"begins": datetime(2026, 1, 2, tzinfo=timezone.get_fixed_timezone(480)),
             "ends": datetime(2026, 1, 1, tzinfo=timezone.get_fixed_timezone(480))},
            {"ends": timezone.now() + timedelta(days=900)},
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused(self, town, holder, wrong):
        with pytest.raises(Invalid):
            give(town, holder, **wrong)
        with pytest.raises(Invalid):
            give(town)
        assert Exclusivity.objects.count() == 0


class TestOverlap:
    def test_a_deal_overlaps_all_deals_and_a_district_its_city(self, town, holder, other):
        give(town, holder, deal=town.deal, area=YUZHONG)
        for deal, area in ((town.deal, YUZHONG), (None, YUZHONG), (town.deal, CHONGQING), (None, "")):
            with pytest.raises(ExclusivityTaken) as refused:
                give(town, other, deal=deal, area=area, begins=days(10), ends=days(50))
            assert (refused.value.facts["holders"], refused.value.facts["area"]) == (
                ["甜妹探店"],
                "重庆市渝中区",
            )
        assert Exclusivity.objects.count() == 1

    def test_beside_each_other_they_hold(self, town, holder, other):
        first = give(town, holder, deal=town.deal, area=YUZHONG)
        give(town, other, deal=town.deal, area=JIANGBEI)
        give(town, other, deal=town.make_deal(title="另一个"), area=YUZHONG)
        give(town, other, deal=town.deal, area=YUZHONG, begins=first.period.upper, ends=days(60))
        give(make_town("second"), other, area=CHONGQING)
        assert set(Exclusivity.objects.values_list("state", flat=True)) == {"in_force"}

    def test_of_two_that_wait_the_second_gets_the_reason_when_the_first_is_agreed(self, town):
        firms = [make_firm("甲代运营"), make_firm("乙代运营")]
        first, second = (
            give(town, firm.provider, for_party_id=firm.provider.pk, by=firm.owner) for firm in firms
        )
        agree_exclusivity(exclusivity=first, by=town.owner)
        with pytest.raises(ExclusivityTaken) as refused:
            agree_exclusivity(exclusivity=second, by=town.owner)
        assert refused.value.facts["holders"] == ["甲代运营"]
        second.refresh_from_db()
        assert second.state == "proposed"

    def test_the_database_alone_refuses_an_overlap(self, town, holder):
        right = give(town, holder, deal=town.deal)
        area = get_area(YUZHONG)
        assert area.is_within(EVERYWHERE)
        right.pk, right.deal, right._state.adding = None, None, True
        with pytest.raises(IntegrityError, match="exclusivity_of_one"), transaction.atomic():
            right.save()

    def test_the_database_keeps_a_right_to_its_shops_deals(self, town, holder):
        give(town, holder, deal=town.deal)
        stranger = make_town("second")
        with pytest.raises(IntegrityError, match="same_tenant"), transaction.atomic():
            Exclusivity.objects.update(deal=stranger.deal)
            transaction.get_connection().check_constraints()


def test_the_board_says_why_a_task_is_closed_in_every_order(town, holder, other, client):
    """Recommended it stands apart, by distance or commission in its row; the task's own page and the claim say the same."""
    place(town, "渝中区")
    task = make_open_task(town)
    give(town, holder)
    client.force_login(other.user)
    paths = ("/c/", "/c/?sort=near", "/c/?sort=commission", f"/c/tasks/{task.pk}/")
    for path in paths:
        page = client.get(path, headers={"accept-language": "en"}).content.decode()
        assert "Closed to you: only 甜妹探店 carry this here until" in page, path
    answer = client.post(f"/c/tasks/{task.pk}/claim/", headers={"accept-language": "en"}, follow=True)
    assert "Closed to you: only 甜妹探店" in answer.content.decode()
    assert TaskClaim.objects.count() == 0
    client.force_login(holder.user)
    assert (
        "Closed to you" not in client.get("/c/?sort=near", headers={"accept-language": "en"}).content.decode()
    )
