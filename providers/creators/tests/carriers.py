"""Creators and a task to carry, for tests of who may."""

import itertools
from datetime import timedelta

from django.utils import timezone

from coupons.tests.town import Town, make_user
from providers.creators.domain.creators import ChannelOf, CreatorProfile, join_as_creator
from providers.creators.domain.tasks import TaskPlan, create_task, open_task
from providers.creators.enums import Channel
from providers.creators.models import Creator, CreatorTask

_numbers = itertools.count(1)


def make_carrier(name: str = "阿彬探店", followers: int = 5_000) -> Creator:
    handle = f"handle{next(_numbers)}"
    profile = CreatorProfile(
        name=name, city="重庆市", channels=[ChannelOf(Channel.DOUYIN, handle, followers)]
    )
    return join_as_creator(user=make_user(name), profile=profile)


def make_open_task(town: Town, *, provider_id: int | None = None, **changed: object) -> CreatorTask:
    now = timezone.now()
    values: dict[str, object] = {
        "deal_id": town.deal.pk, "store_id": town.store.pk, "title": "到店拍一条", "commission_bps": 1_000, "quota": 5,
        "opens_at": now - timedelta(hours=1), "closes_at": now + timedelta(days=7),
    }  # fmt: skip
    plan = TaskPlan(**values | changed)  # type: ignore[arg-type]
    task = create_task(merchant=town.merchant, plan=plan, by=town.owner, provider_id=provider_id)
    return open_task(task=task, by=town.owner)
