"""The demonstration town's creators: tasks of all three shops, places in every state, and what one creator sold."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django_scopes import scope

from coupons.domain.orders import place_order
from coupons.domain.redemption import redeem_coupons
from coupons.domain.usability import is_usable_time
from coupons.enums import DealKind, DealState, Entrance
from coupons.models import Deal
from coupons.seed import pay
from identity.enums import Role
from identity.models import Customer, User
from merchants.enums import Category
from merchants.models import Store
from merchants.seed import PersonSeed, SeededMerchant, Text, build_user, t
from providers.creators.domain.claims import (
    accept_work,
    approve_claim,
    claim_place,
    decline_claim,
    mark_visited,
    return_work,
    submit_work,
)
from providers.creators.domain.creators import ChannelOf, CreatorProfile, join_as_creator
from providers.creators.domain.links import claim_links
from providers.creators.domain.tasks import TaskPlan, create_task, open_task
from providers.creators.enums import Channel, ClaimState, TaskKind
from providers.creators.models import Creator, CreatorTask, TaskClaim

DAY = timedelta(days=1)
CREATOR_PHONE = "+8613800000041"
ORDERS = 18
SOLD_FROM = 13  # days ago; what is older than a week stands in a statement


@dataclass(frozen=True)
class CreatorSeed:
    phone: str
    name: Text
    district: Text
    longitude: str
    latitude: str
    followers: int
    categories: tuple[Category, ...]
    channel: Channel = Channel.DOUYIN


@dataclass(frozen=True)
class TaskSeed:
    """`claims`: the creators' phones and how far each is; the first accepted one sold something."""

    slug: str
    store: str
    title: Text
    brief: Text
    bps: int
    quota: int
    kind: TaskKind = TaskKind.VIDEO
    min_followers: int = 0
    sample: bool = False
    is_open: bool = True
    claims: tuple[tuple[str, ClaimState], ...] = ()


CREATORS = (
    CreatorSeed(CREATOR_PHONE, t("阿飞探店", "Fei eats out"), t("渝中区", "Yuzhong"), "106.574000", "29.559000",
                8_600, (Category.HOTPOT, Category.TEA)),
    CreatorSeed("+8613800000042", t("小满喝茶", "Man drinks tea"), t("南岸区", "Nan'an"), "106.567000", "29.530000",
                1_900, (Category.TEA,), Channel.XIAOHONGSHU),
    CreatorSeed("+8613800000043", t("山城老饕", "Mountain gourmet"), t("江北区", "Jiangbei"), "106.534000", "29.576000",
                52_000, (Category.HOTPOT, Category.FOOD)),
    CreatorSeed("+8613800000044", t("晨跑的阿岚", "Lan runs"), t("九龙坡区", "Jiulongpo"), "106.482000", "29.524000",
                3_300, (Category.FITNESS, Category.LEISURE), Channel.WECHAT),
)  # fmt: skip
FEI, MAN, GOURMET, LAN = (creator.phone for creator in CREATORS)

TASKS = (
    TaskSeed("shancheng", "SC01", t("探店火锅：拍双人锅", "Film the hot pot for two"),
             t("30 秒以上，露出招牌和毛肚下锅；口播套餐内容和价格。", "30 seconds or more: the sign, the tripe going in, what the meal is and costs."),
             800, 6, min_followers=1_000, sample=True,
             claims=((FEI, ClaimState.ACCEPTED), (GOURMET, ClaimState.SUBMITTED), (MAN, ClaimState.DECLINED))),
    TaskSeed("shancheng", "SC02", t("周末专场直播带货", "Weekend live stream"),
             t("直播 2 小时，讲三个套餐。", "Two hours live, three deals."), 600, 2, kind=TaskKind.LIVE, min_followers=5_000,
             claims=((GOURMET, ClaimState.CLAIMED),)),
    TaskSeed("shancheng", "SC01", t("宵夜场景短视频", "Late-night video"), t("夜里十点以后拍。", "After ten at night."),
             900, 4, is_open=False),
    TaskSeed("qingmu", "QM02", t("新品茶饮图文视频", "Show the new teas"), t("两杯新品，出杯过程。", "Two new cups, how they are made."),
             1_200, 5, claims=((MAN, ClaimState.APPROVED), (FEI, ClaimState.RETURNED))),
    TaskSeed("qingmu", "QM03", t("大学城下午茶", "Afternoon tea at University Town"), t("和朋友一起。", "With friends."),
             1_000, 8, sample=True),
    TaskSeed("tiema", "TM01", t("体验课 Vlog", "A trial class, filmed"), t("一节体验课的真实过程。", "One class as it really was."),
             1_500, 3, sample=True, claims=((LAN, ClaimState.VISITED),)),
)  # fmt: skip
PROOF = "https://www.douyin.com/video/73012026112200"
REASONS = {
    ClaimState.DECLINED: t("这次想找拍火锅的达人，下次茶饮任务欢迎您。", "We look for hot pot this time; welcome to the next tea task."),
    ClaimState.RETURNED: t("请露出门店招牌，价格说成了 28 元，应为套餐价。", "Please show the sign, and the price said is not the deal's."),
}  # fmt: skip


def build_creators(*, lang: str) -> dict[str, Creator]:
    """The creators by their phones."""
    return {seed.phone: _build_creator(seed, lang) for seed in CREATORS}


def build_tasks(
    *,
    shop: SeededMerchant,
    creators: Mapping[str, Creator],
    customers: list[Customer],
    lang: str,
    at: datetime,
) -> None:
    """The shop's tasks with who took places in them, and the orders of the one whose work was accepted."""
    by = (shop.with_role(Role.MANAGER) or shop.with_role(Role.OWNER))[0]
    for seed in TASKS:
        if seed.slug == shop.merchant.slug:
            task = _build_task(seed, shop, by, lang, at)
            for phone, state in seed.claims:
                claim = claim_place(task=task, creator=creators[phone])
                _take_steps(claim, state, by, lang)
                if state == ClaimState.ACCEPTED:
                    _put_back(claim, at)
                    _sell(claim, shop=shop, customers=customers, at=at)


def _build_creator(seed: CreatorSeed, lang: str) -> Creator:
    user = build_user(PersonSeed(seed.phone, seed.name, Role.OWNER), lang)
    return join_as_creator(
        user=user,
        profile=CreatorProfile(
            name=seed.name[lang],
            city=t("重庆市", "Chongqing")[lang],
            district=seed.district[lang],
            longitude=Decimal(seed.longitude),
            latitude=Decimal(seed.latitude),
            radius_km=20,
            categories=seed.categories,
            channels=[ChannelOf(seed.channel, seed.name[lang], seed.followers)],
        ),
    )


def _build_task(seed: TaskSeed, shop: SeededMerchant, by: User, lang: str, at: datetime) -> CreatorTask:
    with scope(merchant=shop.merchant.pk):
        store = Store.objects.get(merchant=shop.merchant, number=seed.store)
        deal = (
            Deal.objects.filter(
                state=DealState.ONLINE, all_stores=True, audience__isnull=True, usable_hours=[]
            )
            .exclude(kind=DealKind.TIMES_CARD)
            .order_by("id")
            .first()
        )
    assert deal is not None  # noqa: S101 - every shop of the town has one
    task = create_task(
        merchant=shop.merchant,
        plan=TaskPlan(
            deal_id=deal.pk,
            store_id=store.pk,
            title=seed.title[lang],
            brief=seed.brief[lang],
            commission_bps=seed.bps,
            quota=seed.quota,
            kind=seed.kind,
            min_followers=seed.min_followers,
            sample=seed.sample,
            opens_at=at - (SOLD_FROM + 4) * DAY,
            closes_at=at + 20 * DAY,
        ),
        by=by,
    )
    return open_task(task=task, by=by) if seed.is_open else task


def _take_steps(claim: TaskClaim, state: ClaimState, by: User, lang: str) -> None:
    """From the request to where it stands; each step is the domain's own."""
    him = claim.creator.user
    if state == ClaimState.DECLINED:
        decline_claim(claim=claim, reason=REASONS[state][lang], by=by)
    if state in (ClaimState.CLAIMED, ClaimState.DECLINED):
        return
    approve_claim(claim=claim, by=by)
    if state == ClaimState.APPROVED:
        return
    mark_visited(claim=claim, by=him)
    if state == ClaimState.VISITED:
        return
    submit_work(claim=claim, proof_url=f"{PROOF}{claim.pk % 1000:03d}", by=him)
    if state == ClaimState.ACCEPTED:
        accept_work(claim=claim, by=by)
    if state == ClaimState.RETURNED:
        return_work(claim=claim, reason=REASONS[state][lang], by=by)


def _put_back(claim: TaskClaim, at: datetime) -> None:
    """As if he had done it two weeks ago, so that he had time to sell."""
    begin = at - (SOLD_FROM + 3) * DAY
    TaskClaim.objects.filter(pk=claim.pk).update(
        claimed_at=begin,
        approved_at=begin + DAY / 2,
        visited_at=begin + DAY,
        submitted_at=begin + 2 * DAY,
        answered_at=begin + 2 * DAY + DAY / 4,
    )


def _sell(claim: TaskClaim, *, shop: SeededMerchant, customers: list[Customer], at: datetime) -> None:
    """Orders by his links over two weeks, most of them used a day later."""
    chance = random.Random(f"tongdao creators {shop.merchant.slug}")  # noqa: S311 - a town, not a secret
    with scope(merchant=shop.merchant.pk):
        links = {link.entrance: link for link in claim_links(claim=claim)}
        for number in range(ORDERS):
            moment = at - timedelta(hours=SOLD_FROM * 24 * (1 - number / ORDERS) - chance.random() * 6 + 12)
            entrance = chance.choices(list(Entrance), weights=[6, 0, 0, 2, 1])[0]
            order = place_order(
                customer=chance.choice(customers),
                merchant=shop.merchant,
                deal_id=claim.task.deal_id,
                quantity=chance.choice((1, 1, 2)),
                placement=links[entrance],
                at=moment,
            )
            for coupon in pay(order, at=moment + timedelta(minutes=1)):
                _use(coupon.code, order.terms, shop=shop, moment=moment + DAY, at=at, chance=chance)


def _use(
    code: str, terms: dict, *, shop: SeededMerchant, moment: datetime, at: datetime, chance: random.Random
) -> None:
    """Four of five come, where the deal can be used at that hour."""
    if moment >= at or chance.random() > 0.8:
        return
    if not is_usable_time(terms=terms, at=moment, zone=shop.merchant.tzinfo):
        return
    redeem_coupons(
        merchant=shop.merchant,
        store=shop.stores[0],
        code=code,
        clerk=shop.clerk_of(shop.stores[0]),
        attempt_key=f"creators-{uuid.uuid4().hex}",
        device="demo",
        at=moment,
    )
