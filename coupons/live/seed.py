"""The demonstration town's live sessions: one that sold well the day before yesterday, one planned for tomorrow."""

import random
import uuid
from datetime import datetime, time, timedelta

from django_scopes import scope

from coupons.domain.orders import close_order, place_order
from coupons.domain.redemption import redeem_coupons
from coupons.domain.usability import is_usable_time
from coupons.enums import DealKind, DealState, OrderCloseReason
from coupons.live.domain.notes import add_note, tick_note
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment
from coupons.live.domain.session_states import end_session, go_live
from coupons.live.models import LiveOpening, LiveSession, LiveSessionDeal
from coupons.models import Coupon, Deal
from coupons.seed import pay
from identity.enums import Role
from identity.models import Customer, User
from merchants.seed import SeededMerchant, Text, t

ORDERS = 48
LENGTH = timedelta(hours=2, minutes=30)
TITLES = (t("周末火锅节专场", "Weekend hot pot night"), t("冬至暖锅直播", "Winter solstice warm-up"))
HOST = t("小唐", "Tang")
PLACE = t("抖音 · 山城老灶官方号", "Douyin, the shop's own account")
NOTES: tuple[tuple[Text, bool, bool], ...] = (
    (t("讲毛肚那段下单最多，下次放在开场后十分钟。", "Most ordered while we showed the tripe: bring it ten minutes in."), False, False),
    (t("四人餐多备 20 份。", "20 more of the meal for four."), True, True),
    (t("提前一天把卡片发到会员群。", "Send the card to the members' group a day ahead."), True, False),
)  # fmt: skip


def build_live_sessions(*, shop: SeededMerchant, customers: list[Customer], lang: str, at: datetime) -> None:
    """An ended session with orders, redemptions and notes, and a planned one."""
    by = (shop.with_role(Role.MANAGER) or shop.with_role(Role.OWNER))[0]
    with scope(merchant=shop.merchant.pk):
        deals = list(
            Deal.objects.filter(
                state=DealState.ONLINE, usable_hours=[], all_stores=True, audience__isnull=True
            )
            .exclude(kind=DealKind.TIMES_CARD)
            .order_by("id")[:3]
        )
    today = at.astimezone(shop.merchant.tzinfo).date()
    evening = datetime.combine(today - timedelta(days=2), time(19, 0), tzinfo=shop.merchant.tzinfo)
    past = _plan(shop, by, deals, lang, title=TITLES[0], begin=evening, goal_fen=1_200_000)
    _sell(past, shop=shop, customers=customers, begin=evening, by=by, at=at)
    for text, is_todo, is_done in NOTES:
        note = add_note(session=past, text=text[lang], is_todo=is_todo, by=by)
        if is_done:
            tick_note(note=note, is_done=True)
    _plan(shop, by, deals, lang, title=TITLES[1], begin=evening + timedelta(days=3), goal_fen=2_000_000)


def _plan(
    shop: SeededMerchant,
    by: User,
    deals: list[Deal],
    lang: str,
    *,
    title: Text,
    begin: datetime,
    goal_fen: int,
) -> LiveSession:
    pieces = (120, 30, 80)
    return plan_session(
        merchant=shop.merchant,
        plan=SessionPlan(
            title=title[lang],
            host_name=HOST[lang],
            place=PLACE[lang],
            planned_from=begin,
            planned_until=begin + LENGTH,
            goal_fen=goal_fen,
            deals=tuple(Allotment(deal.pk, count) for deal, count in zip(deals, pieces, strict=False)),
        ),
        by=by,
    )


def _sell(
    session: LiveSession,
    *,
    shop: SeededMerchant,
    customers: list[Customer],
    begin: datetime,
    by: User,
    at: datetime,
) -> None:
    chance = random.Random(f"tongdao live {shop.merchant.slug}")  # noqa: S311 - a town, not a secret
    with scope(merchant=shop.merchant.pk):
        go_live(session=session, by=by, at=begin)
        rows = list(session.deals.select_related("deal", "placement"))
        bought: list[Coupon] = []
        seconds = int(LENGTH.total_seconds())
        # Few at first, most after two thirds, as shows go.
        for moment in sorted(
            begin + timedelta(seconds=chance.triangular(60, seconds - 120, seconds * 0.65))
            for _ in range(ORDERS)
        ):
            row = chance.choices(rows, weights=[6, 2, 3][: len(rows)])[0]
            order = place_order(
                customer=chance.choice(customers),
                merchant=shop.merchant,
                deal_id=row.deal_id,
                quantity=chance.choice((1, 1, 1, 2)),
                placement=row.placement,
                at=moment,
            )
            if chance.random() < 0.9:
                bought += pay(order, at=moment + timedelta(seconds=chance.randint(10, 90)))
            else:
                close_order(
                    order_id=order.pk,
                    merchant_id=shop.merchant.pk,
                    reason=OrderCloseReason.TIMEOUT,
                    at=moment + timedelta(minutes=15),
                )
        _open_cards(session, rows, begin, chance)
        end_session(session=session, by=by, at=begin + LENGTH)
    _redeem(bought, shop=shop, chance=chance, begin=begin, at=at)


def _open_cards(
    session: LiveSession, rows: list[LiveSessionDeal], begin: datetime, chance: random.Random
) -> None:
    """As Redis would have counted them."""
    LiveOpening.objects.bulk_create(
        LiveOpening(
            merchant_id=session.merchant_id,
            session=session,
            live_deal=row,
            minute=begin + timedelta(minutes=minute),
            count=chance.randint(1, 4),
        )
        for row in (None, *rows)
        for minute in range(2, int(LENGTH.total_seconds()) // 60, 3)
    )


def _redeem(
    coupons: list[Coupon], *, shop: SeededMerchant, chance: random.Random, begin: datetime, at: datetime
) -> None:
    """Some came to eat the day after."""
    noon = begin + timedelta(hours=17)
    for coupon in coupons[::3]:
        moment = noon + timedelta(minutes=chance.randint(0, 8 * 60))
        terms = {
            "usable_hours": [],
            "usable_weekdays": list(coupon.deal.usable_weekdays),
            "blackout_dates": [],
        }
        if moment >= at or not is_usable_time(terms=terms, at=moment, zone=shop.merchant.tzinfo):
            continue
        store = chance.choice(shop.stores)
        redeem_coupons(
            merchant=shop.merchant,
            store=store,
            code=coupon.code,
            clerk=shop.clerk_of(store),
            attempt_key=f"live-{uuid.uuid4().hex}",
            device="demo",
            at=moment,
        )
