"""A place is taken, approved, worked for and accepted; every way out gives it back and closes the links."""

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.errors import Invalid
from core.models import Job
from coupons.domain.placements import find_placement
from coupons.enums import Entrance
from coupons.models import OrderShare
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town
from identity.models import AuditEvent
from providers.creators.domain.attribution import explain_attribution
from providers.creators.domain.claims import (
    AlreadyClaimed,
    ClaimNotInState,
    approve_claim,
    claim_place,
    decline_claim,
    quit_claim,
    return_work,
    submit_work,
)
from providers.creators.domain.eligibility import ForOthers, TooFewFollowers, TurnedDown
from providers.creators.domain.figures import Brought, count_claim, count_claims, newest_orders
from providers.creators.domain.links import claim_links
from providers.creators.domain.places import TaskFull, TaskNotOpen
from providers.creators.domain.tasks import end_task
from providers.creators.enums import ClaimState, TaskState
from providers.creators.models import CreatorTask, TaskClaim
from providers.creators.tests.studio import (
    DAY,
    PROOF,
    free_places,
    let_time_pass,
    link_of,
    make_claim,
    make_creator,
    make_task,
    sell,
    take_steps,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return make_town()


def test_from_the_claim_to_accepted_work(town):
    task, creator = make_task(town), make_creator()
    claim = claim_place(task=task, creator=creator)
    assert (claim.state, claim.commission_bps, free_places(task)) == ("claimed", 800, 2)
    assert not claim_links(claim=claim).exists()

    claim = approve_claim(claim=claim, by=town.owner)
    links = [
        (link.entrance, link.payee_id, link.commission_bps, link.rule) for link in claim_links(claim=claim)
    ]
    share = (creator.pk, 800, f"claim:{claim.pk}")
    assert links == [("short_video", *share), ("live_card", *share), ("comment", *share)]

    claim = take_steps_after_approval(town, claim)
    assert (claim.state, claim.proof_url, claim.due_at, free_places(task)) == ("accepted", PROOF, None, 2)
    assert find_placement(merchant=town.merchant, token=link_of(claim).token) is not None
    verbs = AuditEvent.objects.filter(noun_id=claim.pk).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == [
        "claim.take",
        "claim.approve",
        "claim.submit",
        "claim.return",
        "claim.submit",
        "claim.accept",
    ]


def take_steps_after_approval(town, claim):
    """Handed in without a visit, returned once, handed in again and left to time: nobody looked, so it is accepted."""
    him = claim.creator.user
    claim = submit_work(claim=claim, proof_url=PROOF + "0", by=him)
    claim = return_work(claim=claim, reason="请露出招牌", by=town.owner)
    assert (claim.state, claim.reason) == ("returned", "请露出招牌")
    claim = submit_work(claim=claim, proof_url=PROOF, by=him)
    assert claim.reason == ""
    return let_time_pass(claim)


@pytest.mark.parametrize(
    "state", [ClaimState.DECLINED, ClaimState.QUIT, ClaimState.EXPIRED, ClaimState.RELEASED]
)
def test_whoever_does_not_do_it_gives_the_place_back(town, state):
    task = make_task(town, quota=1)
    claim = claim_place(task=task, creator=make_creator())
    assert CreatorTask.objects.get().state == TaskState.FULL
    with pytest.raises(TaskFull):
        claim_place(task=task, creator=make_creator())
    claim = take_steps(town, claim, state)
    assert claim.state == state
    assert claim.ended_at
    assert claim.due_at is None
    assert (CreatorTask.objects.get().state, free_places(task)) == (TaskState.OPEN, 1)
    claim_place(task=task, creator=make_creator())


def test_time_gives_back_a_place_after_the_approval_and_closes_the_links(town):
    claim = make_claim(town, ClaimState.APPROVED)
    token = link_of(claim).token
    assert find_placement(merchant=town.merchant, token=token)
    claim = let_time_pass(claim)
    assert claim.state == ClaimState.EXPIRED
    assert find_placement(merchant=town.merchant, token=token) is None
    assert TaskClaim.objects.get().links_closed_at is not None


def test_the_job_ends_only_what_is_due(town):
    claim = make_claim(town)
    past = timezone.now() - DAY
    Job.objects.filter(kind="claim_due").update(due_at=past)
    run_due_jobs()
    assert TaskClaim.objects.get().state == ClaimState.CLAIMED
    assert Job.objects.get(kind="claim_due").state == "done"
    TaskClaim.objects.update(due_at=past)
    Job.objects.filter(kind="claim_due").update(state="ready", due_at=past, done_at=None)
    run_due_jobs()
    assert TaskClaim.objects.get(pk=claim.pk).state == ClaimState.EXPIRED


def test_no_wish_of_the_merchant_forces_a_creator_and_no_refusal_is_without_words(town):
    claim = make_claim(town)
    with pytest.raises(Invalid):
        decline_claim(claim=claim, reason="  ", by=town.owner)
    quit_claim(claim=claim, by=claim.creator.user)
    with pytest.raises(ClaimNotInState):
        approve_claim(claim=claim, by=town.owner)
    assert TaskClaim.objects.get().state == ClaimState.QUIT


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "douyin.com/video", "https://"])
def test_what_is_handed_in_is_an_address(town, address):
    claim = make_claim(town, ClaimState.APPROVED)
    with pytest.raises(Invalid):
        submit_work(claim=claim, proof_url=address, by=claim.creator.user)
    assert TaskClaim.objects.get().state == ClaimState.APPROVED


def test_who_cannot_take_a_place_is_told_why(town):
    chosen, other = make_creator(), make_creator()
    private = make_task(town, targeted=[chosen.pk])
    claim_place(task=private, creator=chosen)
    with pytest.raises(AlreadyClaimed):
        claim_place(task=private, creator=chosen)
    with pytest.raises(ForOthers):
        claim_place(task=private, creator=other)
    with pytest.raises(TooFewFollowers) as refusal:
        claim_place(task=make_task(town, min_followers=5_000), creator=other)
    assert refusal.value.facts == {"wanted": 5_000, "has": 3_000}
    with pytest.raises(TaskNotOpen):
        claim_place(task=make_task(town, opens_at=timezone.now() + DAY), creator=other)
    with pytest.raises(TaskNotOpen):
        claim_place(task=make_task(town, is_open=False), creator=other)
    refused = make_claim(town, ClaimState.DECLINED, creator=other)
    with pytest.raises(TurnedDown):
        claim_place(task=refused.task, creator=other)
    assert free_places(private) == 2
    assert TaskClaim.objects.count() == 2


def test_the_end_of_a_task_keeps_what_was_handed_in_and_closes_every_link(town):
    task = make_task(town, quota=4)
    states = [ClaimState.CLAIMED, ClaimState.APPROVED, ClaimState.SUBMITTED, ClaimState.ACCEPTED]
    claims = [take_steps(town, claim_place(task=task, creator=make_creator()), state) for state in states]
    end_task(task=task, by=town.owner)
    after = list(TaskClaim.objects.order_by("id").values_list("state", flat=True))
    assert after == ["expired", "expired", "submitted", "accepted"]
    assert CreatorTask.objects.get().taken == 2
    assert [find_placement(merchant=town.merchant, token=link_of(one).token) for one in claims[1:]] == [
        None
    ] * 3
    assert let_time_pass(claims[2]).state == ClaimState.ACCEPTED


def test_commission_is_of_what_was_redeemed_and_can_be_followed(town):
    claim, idle = make_claim(town, ClaimState.APPROVED), make_claim(town, ClaimState.APPROVED)
    old = sell(town, claim, quantity=3, redeemed=2, days_ago=40)
    with scopes_disabled():
        settle_merchant(merchant_id=town.merchant.pk)
        seal_statements(merchant=town.merchant)
    sell(town, claim, quantity=1, redeemed=1)  # its use can still be undone
    sell(town, claim)

    sums = count_claims(claims=[claim, idle])
    assert sums[idle.pk] == Brought()
    assert sums[claim.pk] == Brought(
        orders=3, pieces=5, sold_fen=5 * 12_800, refunded_fen=0, uses=3, redeemed_fen=3 * 12_800,
        expected_fen=1_024, commission_fen=2_048, stated_fen=2_048,
    )  # fmt: skip
    rows = newest_orders(claim=claim)
    assert [(row.bps, row.sums.earned_fen) for row in rows] == [(800, 0), (800, 1_024), (800, 2_048)]
    assert rows[-1].order_id == old.pk
    assert count_claim(claim=claim).earned_fen == 3_072


def test_why_an_order_counts_for_whom(town):
    claim = make_claim(town, ClaimState.APPROVED)
    order = sell(town, claim)
    let_time_pass(claim)
    why = explain_attribution(order=order)
    assert why.placement.entrance == Entrance.SHORT_VIDEO
    assert (why.claim, why.share.bps, why.share.rule) == (claim, 800, f"claim:{claim.pk}")
    by_itself = explain_attribution(order=town.order())
    assert (by_itself.placement, by_itself.claim, by_itself.share) == (None, None, None)
    with scopes_disabled():
        assert OrderShare.objects.filter(order=order, kind="commission").count() == 1
