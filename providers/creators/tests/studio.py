"""Creators, tasks and claims for tests."""

import itertools
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.enums import Entrance
from coupons.models import Order, Placement
from coupons.tests.town import Town, make_user
from merchants.enums import Category
from providers.creators.domain.claims import (
    accept_work,
    approve_claim,
    claim_place,
    decline_claim,
    mark_visited,
    quit_claim,
    release_claim,
    return_work,
    run_out,
    submit_work,
)
from providers.creators.domain.creators import ChannelOf, CreatorProfile, join_as_creator
from providers.creators.domain.links import claim_links
from providers.creators.domain.tasks import TaskPlan, create_task, open_task
from providers.creators.enums import Channel, ClaimState
from providers.creators.models import Creator, CreatorTask, TaskClaim

DAY = timedelta(days=1)
PROOF = "https://www.douyin.com/video/7301"
_names = itertools.count(1)


def make_creator(name: str = "", *, followers: int = 3_000, **profile: Any) -> Creator:
    name = name or f"阿飞{next(_names)}"
    return join_as_creator(
        user=make_user(name),
        profile=CreatorProfile(
            **{"name": name, "city": "重庆", "categories": [Category.HOTPOT]} | profile,
            channels=[ChannelOf(Channel.DOUYIN, name, followers)] if followers else [],
        ),
    )


def plan(town: Town, **more: Any) -> TaskPlan:
    now = timezone.now()
    values: dict[str, Any] = {
        "deal_id": town.deal.pk, "store_id": town.store.pk, "title": "拍一条双人锅短视频", "commission_bps": 800,
        "quota": 3, "opens_at": now - DAY, "closes_at": now + 30 * DAY,
    }  # fmt: skip
    return TaskPlan(**values | more)


def make_task(town: Town, *, is_open: bool = True, **more: Any) -> CreatorTask:
    task = create_task(merchant=town.merchant, plan=plan(town, **more), by=town.owner)
    return open_task(task=task, by=town.owner) if is_open else task


def make_claim(
    town: Town, state: ClaimState = ClaimState.CLAIMED, *, creator: Creator | None = None, **task: Any
) -> TaskClaim:
    """A claim brought to the state by the steps that lead there, in a task of its own."""
    claim = claim_place(task=make_task(town, **task), creator=creator or make_creator())
    return take_steps(town, claim, state)


def take_steps(town: Town, claim: TaskClaim, state: ClaimState) -> TaskClaim:
    by, him = town.owner, claim.creator.user
    if state == ClaimState.DECLINED:
        return decline_claim(claim=claim, reason="风格不合", by=by)
    if state == ClaimState.QUIT:
        return quit_claim(claim=claim, by=him)
    if state == ClaimState.EXPIRED:
        return let_time_pass(claim)
    if state == ClaimState.CLAIMED:
        return claim
    claim = approve_claim(claim=claim, by=by)
    if state == ClaimState.RELEASED:
        return release_claim(claim=claim, reason="门店装修", by=by)
    if state == ClaimState.APPROVED:
        return claim
    claim = mark_visited(claim=claim, by=him)
    if state == ClaimState.VISITED:
        return claim
    claim = submit_work(claim=claim, proof_url=PROOF, by=him)
    if state == ClaimState.RETURNED:
        return return_work(claim=claim, reason="请露出招牌", by=by)
    if state == ClaimState.ACCEPTED:
        return accept_work(claim=claim, by=by)
    return claim


def let_time_pass(claim: TaskClaim) -> TaskClaim:
    """As if due_at had come."""
    due = TaskClaim.objects.get(pk=claim.pk).due_at
    return run_out(claim=claim, at=due or timezone.now() + 1000 * DAY)


def link_of(claim: TaskClaim, entrance: Entrance = Entrance.SHORT_VIDEO) -> Placement:
    with scopes_disabled():
        return claim_links(claim=claim).get(entrance=entrance)


def sell(town: Town, claim: TaskClaim, *, redeemed: int = 0, quantity: int = 1, days_ago: int = 0) -> Order:
    """A paid order by the claim's link, so many of its coupons used at once."""
    at = timezone.now() - days_ago * DAY
    order = town.order(placement=link_of(claim), quantity=quantity, at=at)
    assert town.pay(order, at=at) == "paid"
    with scopes_disabled():
        codes = [coupon.code for coupon in order.coupons.order_by("id")[:redeemed]]
    for code in codes:
        town.redeem(code, at=at)
    return order


def free_places(task: CreatorTask) -> int:
    return CreatorTask.objects.filter(pk=task.pk).values_list(F("quota") - F("taken"), flat=True).get()
