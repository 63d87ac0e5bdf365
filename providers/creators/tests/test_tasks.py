"""Tasks are drafts, then on the board of those they are for, near them first, until their time is up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.errors import Invalid
from core.models import Job
from coupons.tests.town import make_town, make_user
from merchants.domain.coordinates import to_gcj02
from merchants.enums import Category
from merchants.models import Store
from providers.creators.domain.board import BoardFilter, list_board
from providers.creators.domain.claims import claim_place, quit_claim
from providers.creators.domain.creators import AlreadyCreator, CreatorProfile, change_profile, join_as_creator
from providers.creators.domain.hiding import hide_task
from providers.creators.domain.tasks import (
    TaskNotDraft,
    TaskOver,
    change_draft,
    create_task,
    end_task,
    extend_task,
    open_task,
)
from providers.creators.enums import TaskKind, TaskState
from providers.creators.models import Creator, CreatorTask
from providers.creators.tests.studio import DAY, make_claim, make_creator, make_task, plan
from providers.creators.views.compass import draw_compass

pytestmark = pytest.mark.django_db

HERE = (Decimal("106.550000"), Decimal("29.560000"))


@pytest.fixture
def town():
    return make_town()


def put_store(town, longitude: str, latitude: str, **more) -> None:
    with scopes_disabled():
        Store.objects.filter(pk=town.store.pk).update(longitude=longitude, latitude=latitude, **more)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " "}, "title"),
        ({"commission_bps": 5_001}, "commission_bps"),
        ({"quota": 0}, "quota"),
        ({"deal_id": 1}, "deal_id"),
        ({"store_id": 1}, "store_id"),
        ({"closes_at": timezone.now() - 2 * DAY}, "closes_at"),
        ({"targeted": [1]}, "targeted"),
    ],
)
def test_what_cannot_be_is_refused(town, change, field):
    with pytest.raises(Invalid) as refusal, transaction.atomic():
        create_task(merchant=town.merchant, plan=plan(town, **change), by=town.owner)
    assert refusal.value.facts["field"] == field
    assert CreatorTask.objects.count() == 0


def test_a_deal_of_another_shop_is_unknown_here(town):
    other = make_town("qingmu", "青木")
    with pytest.raises(Invalid):
        create_task(merchant=town.merchant, plan=plan(town, deal_id=other.deal.pk), by=town.owner)


def test_a_draft_is_rewritten_and_an_open_task_only_extended(town):
    task = make_task(town, is_open=False)
    task = change_draft(task=task, plan=plan(town, title="直播一场", kind=TaskKind.LIVE), by=town.owner)
    assert (task.title, task.kind, task.category) == ("直播一场", "live", town.merchant.category)
    task = open_task(task=task, by=town.owner)
    with pytest.raises(TaskNotDraft):
        change_draft(task=task, plan=plan(town, commission_bps=1), by=town.owner)
    claim_place(task=task, creator=make_creator())
    claim_place(task=task, creator=make_creator())
    with pytest.raises(Invalid):
        extend_task(task=task, quota=1, closes_at=task.closes_at, by=town.owner)
    assert extend_task(task=task, quota=2, closes_at=task.closes_at, by=town.owner).state == TaskState.FULL
    assert extend_task(task=task, quota=9, closes_at=task.closes_at, by=town.owner).state == TaskState.OPEN
    end_task(task=task, by=town.owner)
    with pytest.raises(TaskOver):
        extend_task(task=task, quota=10, closes_at=task.closes_at, by=town.owner)


def test_more_than_the_terms_leave_is_not_promised(town):
    from merchants.enums import ShareKind
    from merchants.tests.agreeing import agree

    agree(town.merchant, ShareKind.SERVICE_FEE, 5_000, by=town.owner)
    with pytest.raises(Invalid) as refusal:
        make_task(town, commission_bps=4_800)
    assert refusal.value.facts == {"field": "commission_bps", "why": "above_whole"}


def test_its_time_is_up(town):
    task = make_task(town)
    later = task.closes_at + DAY
    extend_task(task=task, quota=3, closes_at=later, by=town.owner)
    assert Job.objects.filter(kind="end_task").count() == 2
    past = timezone.now() - timedelta(hours=1)
    Job.objects.filter(kind="end_task", due_at__lt=later).update(due_at=past)
    run_due_jobs()
    assert CreatorTask.objects.get().state == TaskState.OPEN
    CreatorTask.objects.update(opens_at=past - DAY, closes_at=past)
    assert not list_board(creator=make_creator()).exists()
    Job.objects.filter(kind="end_task").update(due_at=past)
    run_due_jobs()
    assert CreatorTask.objects.get().state == TaskState.ENDED


def test_the_database_counts_places_too(town):
    task = make_task(town, quota=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreatorTask.objects.filter(pk=task.pk).update(taken=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreatorTask.objects.filter(pk=task.pk).update(state="full")


def test_the_board_is_near_him_first_and_without_what_is_not_for_him(town):
    creator = make_creator(longitude=HERE[0], latitude=HERE[1], radius_km=5)
    put_store(town, "106.560000", "29.560000")
    near = make_task(town)
    put_store(town, "106.590000", "29.560000")
    far = make_task(town, kind=TaskKind.LIVE, commission_bps=2_000)
    put_store(town, "106.700000", "29.560000")
    beyond = make_task(town)
    put_store(town, "106.550000", "29.560000")
    make_task(town, min_followers=5_000)
    make_task(town, targeted=[make_creator().pk])
    make_task(town, is_open=False)
    mine = make_task(town, targeted=[creator.pk])
    make_claim(town, creator=creator)
    given_up = make_claim(town, creator=creator)
    quit_claim(claim=given_up, by=creator.user)
    hide_task(task=make_task(town), creator=creator)

    rows = list(list_board(creator=creator))
    assert [row.pk for row in rows] == [given_up.task_id, mine.pk, near.pk, far.pk]
    assert [round(row.metres) for row in rows] == [0, 0, 967, 3869]  # a hundredth of a degree is 967 m there
    assert [row.pk for row in list_board(creator=creator, narrow=BoardFilter(kind=TaskKind.LIVE))] == [far.pk]
    best = list_board(creator=creator, narrow=BoardFilter(sort="commission", radius_km=50))
    assert best[0].pk == far.pk
    assert beyond.pk in {row.pk for row in best}
    tea = BoardFilter(categories=[Category.TEA])
    assert not list_board(creator=creator, narrow=tea).exists()


def test_the_compass_shows_where_they_lie(town):
    tasks = []
    for longitude, latitude in (("106.560000", "29.560000"), ("106.550000", "29.552000")):
        put_store(town, longitude, latitude)
        tasks.append(make_task(town, is_open=False))
    with scopes_disabled():
        Store.objects.filter(pk=town.store.pk).update(longitude=None, latitude=None)
    tasks.append(make_task(town, is_open=False))
    compass = draw_compass(place=HERE, tasks=tasks, first=11)
    assert (compass.outer_km, compass.inner_km) == ("1", "0.5")
    # 968 m to the east and 891 m to the south; the third says no place
    assert [(dot.number, dot.x, dot.y) for dot in compass.dots] == [(11, 96.8, 0.0), (12, 0.0, 89.1)]
    assert draw_compass(place=(None, None), tasks=tasks, first=1) is None
    assert draw_compass(place=HERE, tasks=tasks[2:], first=1) is None


def test_without_a_place_the_board_is_his_citys(town):
    here = make_task(town)
    with scopes_disabled():
        Store.objects.filter(pk=town.store.pk).update(city="成都")
    make_task(town)
    assert [(row.pk, row.metres) for row in list_board(creator=make_creator())] == [(here.pk, None)]


def test_a_store_placed_by_gps_is_put_on_the_same_map(town):
    put_store(town, "116.391246", "39.906800", coordinate_system="wgs84")
    task = make_task(town)
    assert (task.longitude, task.latitude) == to_gcj02(
        longitude=Decimal("116.391246"), latitude=Decimal("39.906800")
    )
    assert abs(task.longitude - Decimal("116.397487")) < Decimal("0.00002")
    assert abs(task.latitude - Decimal("39.908204")) < Decimal("0.00002")
    abroad = {"longitude": Decimal("2.35"), "latitude": Decimal("48.85")}
    assert to_gcj02(**abroad) == (abroad["longitude"], abroad["latitude"])


def test_whoever_is_signed_in_becomes_a_creator_once(town):
    user = make_user("小李")
    profile = CreatorProfile(name="小李探店", city="重庆", radius_km=8)
    creator = join_as_creator(user=user, profile=profile)
    assert (creator.party.kind, creator.party.name, creator.followers) == ("creator", "小李探店", 0)
    assert list(user.grants.values_list("party_id", "role")) == [(creator.pk, "owner")]
    with pytest.raises(AlreadyCreator):
        join_as_creator(user=user, profile=profile)
    change_profile(creator=creator, profile=CreatorProfile(name="李探", city="重庆"), by=user)
    creator.party.refresh_from_db()
    assert creator.party.name == "李探"
    for wrong in ({"name": ""}, {"radius_km": 0}, {"longitude": Decimal(1)}):
        with pytest.raises(Invalid):
            change_profile(
                creator=creator, profile=CreatorProfile(**{"name": "x", "city": "y"} | wrong), by=user
            )
    assert Creator.objects.get().name == "李探"
