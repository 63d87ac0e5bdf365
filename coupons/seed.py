"""The demonstration town's trade: deals in every state, four weeks of orders and redemptions, coupons in every state.

Everything goes through the domain functions with times of its own (`at=`), so the town obeys every rule the product has.
What happens is drawn from a seeded generator; only coupon codes are fresh.
"""

import itertools
import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django_scopes import scope

from core.domain.jobs import run_job
from core.enums import JobState
from core.models import Job
from coupons.domain.deal_draft import DealDraft, GroupDraft, ItemDraft
from coupons.domain.deal_states import approve_deal, end_deal, pause_deal, reject_deal, submit_deal
from coupons.domain.deals import save_deal
from coupons.domain.expiry import expire_coupons
from coupons.domain.orders import close_order, place_order
from coupons.domain.payments import receive_notification, start_payment
from coupons.domain.redemption import Receipt, check_coupon, redeem_coupons
from coupons.domain.redemption_refusals import RedemptionRefused
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.domain.usability import is_usable_time
from coupons.domain.use_refunds import approve_refund, reject_refund, request_refund_of_use
from coupons.enums import CouponState, DealKind, OrderCloseReason, RefundCause, ValidityKind
from coupons.models import Coupon, Deal, Order, Redemption, SandboxCharge
from coupons.payment_providers.sandbox import get_charge, signed_notification
from identity.domain.customers import sign_in_customer
from identity.enums import Role
from identity.models import Customer, User
from merchants.models import Merchant, Store
from merchants.seed import SeededMerchant, Text, t

PROVIDER = "sandbox"
READY_COUPONS = 3
READY_CUSTOMER = "demo-ready"
NICKNAMES = (
    t("小李", "Leo"), t("阿珍", "Zhen"), t("老王", "Wang"), t("橙子", "Orange"), t("大鹏", "Peng"), t("小雨", "Rain"),
    t("Mia", "Mia"), t("吃货小周", "Foodie Zhou"), t("阿杰", "Jay"), t("七月", "July"), t("豆豆", "Doudou"),
    t("山里人", "Hillman"), t("小满", "Man"), t("Kevin", "Kevin"), t("木木", "Mumu"), t("佳佳", "Jia"),
)  # fmt: skip

# What customers say of three uses, and what the merchant answers to the last two.
COMPLAINTS = (
    t("套餐里写的甜品没有上", "The dessert of the package never came"),
    t("等位太久了", "We waited too long for a table"),
    t("毛肚不新鲜，换了一份还是不行", "The tripe was not fresh, nor was the second one"),
    t("当天已为您安排优先入座并赠送饮品", "You were seated first and had drinks on us that day"),
    t("抱歉，毛肚部分退您一半", "We are sorry: half of it comes back to you"),
)

SLIPS = (t("顾客改到下次使用", "The customer keeps it for next time"), t("选错门店", "Wrong store"))

ON_SALE, IN_REVIEW, REJECTED, PAUSED, ENDED, DRAFT = (
    "online",
    "in_review",
    "rejected",
    "paused",
    "ended",
    "draft",
)


@dataclass(frozen=True)
class DealSeed:
    """`weight`: how often it is bought, `counts`: how many uses at a time, `wanted`: between which hours people come for it
    (past 24: after midnight); `only_stores`: numbers, empty: all."""

    draft: Callable[[str, date], DealDraft]
    fate: str = ON_SALE
    reason: Text = field(default_factory=dict)
    weight: int = 0
    counts: tuple[int, ...] = (1,)
    wanted: tuple[float, float] = (0.0, 24.0)
    only_stores: tuple[str, ...] = ()


@dataclass(frozen=True)
class TradeSeed:
    """`weekday_uses`: visits on Monday … Sunday; `peaks`: (first hour, last hour, weight); `days`: how far back."""

    slug: str
    deals: tuple[DealSeed, ...]
    weekday_uses: tuple[int, ...]
    peaks: tuple[tuple[float, float, int], ...]
    store_weights: tuple[int, ...]
    days: int


@dataclass(frozen=True)
class OnSale:
    deal: Deal
    seed: DealSeed
    terms: dict[str, object]


def build_trade(
    *, shop: SeededMerchant, operator: User, customers: list[Customer], lang: str, at: datetime
) -> None:
    """Deals, orders, coupons, redemptions, reversals, refusals and refunds of one merchant up to `at`."""
    seed = next(trade for trade in TRADES if trade.slug == shop.merchant.slug)
    deals = [_build_deal(deal, shop=shop, operator=operator, lang=lang, at=at) for deal in seed.deals]
    history = _History(shop=shop, seed=seed, customers=customers, lang=lang, at=at)
    history.run([deal for deal in deals if deal.seed.weight])
    history.leave_loose_ends(
        deals[0],
        short_lived=[
            on_sale for on_sale in deals if on_sale.seed.weight and (on_sale.deal.valid_days or 90) <= 30
        ],
    )
    # What was on sale once has its history; now it is taken off.
    for on_sale in deals:
        if on_sale.seed.fate in (PAUSED, ENDED):
            (pause_deal if on_sale.seed.fate == PAUSED else end_deal)(
                deal=on_sale.deal, by=shop.with_role(Role.OWNER)[0]
            )


def build_customers(*, lang: str) -> list[Customer]:
    return [
        sign_in_customer(
            provider=PROVIDER,
            open_id=f"demo-customer-{number:02d}",
            nickname=name[lang],
            phone_tail=f"{(number * 1379 + 2210) % 10_000:04d}",
        )
        for number, name in enumerate(NICKNAMES)
    ]


def top_up_ready_coupons(*, merchant: Merchant, lang: str, at: datetime) -> list[str]:
    """Codes of at least three coupons that can be redeemed now in every store, bought as needed."""
    customer = sign_in_customer(
        provider=PROVIDER,
        open_id=READY_CUSTOMER,
        nickname={"zh": "试一试", "en": "Try me"}[lang],
        phone_tail="0000",
    )
    with scope(merchant=merchant.pk):
        usable = Coupon.objects.filter(
            customer=customer, state=CouponState.ISSUED, uses_left=1, valid_until__gt=at + timedelta(days=1)
        ).order_by("id")
        deals = list(
            Deal.objects.filter(
                state="online",
                all_stores=True,
                usable_hours=[],
                kind__in=[DealKind.PACKAGE, DealKind.CASH_VOUCHER],
            ).order_by("id")
        )
        ready = [coupon.code for coupon in usable[:READY_COUPONS]]
        for number in range(READY_COUPONS - len(ready)):
            order = place_order(
                customer=customer, merchant=merchant, deal_id=deals[number % len(deals)].pk, quantity=1, at=at
            )
            ready += [coupon.code for coupon in pay(order, at=at)]
    return ready


def pay(order: Order, *, at: datetime) -> list[Coupon]:
    """The customer pays at the sandbox at this moment, whose signed notification arrives; the order's coupons."""
    payment = start_payment(order=order).payment
    SandboxCharge.objects.filter(reference=payment.reference).update(paid_at=at)
    headers, body = signed_notification(
        charge=get_charge(reference=payment.reference),
        kind="payment.succeeded",
        event_id=f"evt_{uuid.uuid4().hex}",
        occurred_at=at,
    )
    receive_notification(provider=PROVIDER, headers=headers, body=body)
    with scope(merchant=order.merchant_id):
        return list(order.coupons.order_by("id"))


def _build_deal(seed: DealSeed, *, shop: SeededMerchant, operator: User, lang: str, at: datetime) -> OnSale:
    author = (shop.with_role(Role.MANAGER) or shop.with_role(Role.OWNER))[0]
    draft = seed.draft(lang, at.astimezone(shop.merchant.tzinfo).date())
    if seed.only_stores:
        bound = tuple(store.pk for store in shop.stores if store.number in seed.only_stores)
        draft = DealDraft(**{**vars(draft), "all_stores": False, "store_ids": bound})
    deal = save_deal(merchant=shop.merchant, draft=draft, by=author)
    if seed.fate != DRAFT:
        submit_deal(deal=deal, by=author, at=at)
        if seed.fate == REJECTED:
            reject_deal(deal=deal, reason=seed.reason[lang], by=operator)
        elif seed.fate != IN_REVIEW:
            approve_deal(deal=deal, by=operator, at=at)
    terms = {
        "usable_hours": [list(span) for span in draft.usable_hours],
        "usable_weekdays": list(draft.usable_weekdays),
        "blackout_dates": [],
    }
    return OnSale(deal=deal, seed=seed, terms=terms)


class _History:
    """Walks through the days and lets customers come."""

    def __init__(
        self, *, shop: SeededMerchant, seed: TradeSeed, customers: list[Customer], lang: str, at: datetime
    ) -> None:
        self.shop = shop
        self.lang = lang
        self.merchant = shop.merchant
        self.seed = seed
        self.customers = customers
        self.at = at
        self.random = random.Random(f"tongdao {seed.slug}")  # noqa: S311 - a town, not a secret
        self.attempts = itertools.count(1)
        self.cards: list[tuple[Coupon, int]] = []  # times cards with uses left
        self.kept: dict[int, list[Coupon]] = defaultdict(list)  # bought for next time, by deal
        self.codes: list[str] = []

    def run(self, deals: list[OnSale]) -> None:
        for moment in self._visits():
            usable = [
                on_sale
                for on_sale in deals
                if is_usable_time(terms=on_sale.terms, at=moment, zone=self.merchant.tzinfo)
                and self._is_wanted(on_sale.seed, moment)
            ]
            if usable:
                chosen = self.random.choices(usable, weights=[on_sale.seed.weight for on_sale in usable])[0]
                self._visit(chosen, moment)

    def _visits(self) -> Iterator[datetime]:
        """Every visit's moment, oldest first; none after now."""
        today = self.at.astimezone(self.merchant.tzinfo).date()
        for back in range(self.seed.days, -1, -1):
            day = today - timedelta(days=back)
            mean = self.seed.weekday_uses[day.weekday()]
            number = max(0, mean + self.random.randint(-mean // 4, mean // 4))
            for moment in sorted(self._moment(day) for _ in range(number)):
                if moment < self.at - timedelta(minutes=3):
                    yield moment

    def _is_wanted(self, seed: DealSeed, moment: datetime) -> bool:
        local = moment.astimezone(self.merchant.tzinfo)
        hour = local.hour + local.minute / 60
        first, last = seed.wanted
        return first <= hour < last or first <= hour + 24 < last

    def _moment(self, day: date) -> datetime:
        first, last, _weight = self.random.choices(
            self.seed.peaks, weights=[weight for _, _, weight in self.seed.peaks]
        )[0]
        seconds = int(self.random.triangular(first * 3600, last * 3600))
        midnight = datetime.combine(day, time.min, tzinfo=self.merchant.tzinfo)
        return midnight + timedelta(seconds=seconds)

    def _visit(self, on_sale: OnSale, moment: datetime) -> None:
        store = self._store(on_sale)
        if on_sale.deal.kind == DealKind.TIMES_CARD:
            code, count = self._card(on_sale, moment), 1
        else:
            count = self.random.choice(on_sale.seed.counts)
            code = self._coupon(on_sale, moment, count)
        receipt = self._redeem(code, store=store, moment=moment, count=count)
        # A slip of the finger now and then: undone and done again, inside the hour.
        undone_at = moment + timedelta(minutes=self.random.randint(1, 9))
        if self.random.random() < 0.025 and undone_at < self.at - timedelta(minutes=2):
            reverse_redemptions(
                merchant=self.merchant,
                redemption_ids=[use.id for use in receipt.redemptions],
                by=self.shop.clerk_of(store),
                reason=self.random.choice(SLIPS)[self.lang],
                at=undone_at,
            )
            self._redeem(code, store=store, moment=undone_at + timedelta(minutes=1), count=count)

    def _store(self, on_sale: OnSale) -> Store:
        allowed = [
            (store, weight)
            for store, weight in zip(self.shop.stores, self.seed.store_weights, strict=True)
            if not on_sale.seed.only_stores or store.number in on_sale.seed.only_stores
        ]
        return self.random.choices(
            [store for store, _ in allowed], weights=[weight for _, weight in allowed]
        )[0]

    def _coupon(self, on_sale: OnSale, moment: datetime, count: int) -> str:
        """One bought for next time by somebody who comes back, or a new one, often with more for next time."""
        kept = [coupon for coupon in self.kept[on_sale.deal.pk] if moment < coupon.valid_until]
        self.kept[on_sale.deal.pk] = kept
        if count == 1 and kept and self.random.random() < 0.75:
            return kept.pop(self.random.randrange(len(kept))).code
        more = self.random.choice((0, 1, 1, 2, 3)) if count == 1 else 0
        bought = self._buy(on_sale, quantity=count + more, before=moment)
        kept += bought[count:]
        return bought[0].code

    def _card(self, on_sale: OnSale, moment: datetime) -> str:
        """A times card of an earlier visitor, or a new one."""
        held = [card for card in self.cards if card[0].deal_id == on_sale.deal.pk]
        if held and (len(held) > 3 or self.random.random() < 0.6):
            card = self.random.choice(held)
            self.cards.remove(card)
            coupon, left = card
        else:
            coupon = self._buy(on_sale, quantity=1, before=moment)[0]
            left = coupon.uses_total
        if left > 1:
            self.cards.append((coupon, left - 1))
        return coupon.code

    def _buy(self, on_sale: OnSale, *, quantity: int, before: datetime) -> list[Coupon]:
        """Bought between twenty minutes and three days before the visit."""
        ahead = min(self.random.expovariate(1 / 14), 72.0)
        placed_at = before - timedelta(minutes=20, hours=ahead)
        order = place_order(
            customer=self.random.choice(self.customers),
            merchant=self.merchant,
            deal_id=on_sale.deal.pk,
            quantity=quantity,
            at=placed_at,
        )
        return pay(order, at=placed_at + timedelta(seconds=self.random.randint(15, 240)))

    def _redeem(self, code: str, *, store: Store, moment: datetime, count: int) -> Receipt:
        self.codes.append(code)
        return redeem_coupons(
            merchant=self.merchant,
            store=store,
            code=code,
            clerk=self.shop.clerk_of(store),
            attempt_key=f"demo-{self.seed.slug}-{next(self.attempts)}",
            count=count,
            device="demo",
            at=moment,
        )

    def leave_loose_ends(self, favourite: OnSale, *, short_lived: list[OnSale]) -> None:
        """Refusals, refunds, forgotten coupons, unpaid and closed orders, a payment that came too late."""
        hour = timedelta(hours=1)
        for _ in range(2):
            (unused,) = self._buy(favourite, quantity=1, before=self.at - 20 * hour)
            request_refund(coupon=unused, by=unused.customer.user)
        self._complain(favourite)
        self._pay_refunds()
        (waiting,) = self._buy(favourite, quantity=1, before=self.at - 2 * hour)
        request_refund(coupon=waiting, by=waiting.customer.user)
        self._buy(favourite, quantity=2, before=self.at - 3 * hour)
        for short in short_lived:  # forgotten by their buyers: some run out within the week, some did
            over_at = self.at - timedelta(days=short.deal.valid_days or 0)
            self._buy(short, quantity=3, before=over_at + timedelta(days=4))
            self._buy(short, quantity=1, before=over_at - timedelta(days=2))
        expire_coupons()
        self._refuse(self.codes[-1], self.shop.stores[0])  # used before
        self._refuse(waiting.code, self.shop.stores[-1])  # being refunded
        self._refuse("123456789012345", self.shop.stores[0])  # nobody's
        self._close_orders(favourite)

    def _complain(self, favourite: OnSale) -> None:
        """Of uses of the days before: one request that waits, one rejected, one agreed to in part."""
        uses = Redemption.objects.filter(
            merchant=self.merchant,
            deal=favourite.deal,
            reversed_at__isnull=True,
            due_at__lt=self.at - timedelta(hours=6),
            redeemed_at__gt=self.at - timedelta(days=20),
            gross_fen__gt=100,
        ).select_related("coupon__customer")
        words, owner = [text[self.lang] for text in COMPLAINTS], self.shop.with_role(Role.OWNER)[0]
        for number, use in enumerate(uses.order_by("-redeemed_at", "-id")[:3]):
            refund = request_refund_of_use(
                redemption=use,
                cause=RefundCause.QUALITY if number else RefundCause.NOT_AS_DESCRIBED,
                words=words[number],
                by=use.coupon.customer.user,
                at=self.at - timedelta(hours=5 - number),
            )
            if number == 1:
                reject_refund(refund=refund, by=owner, reason=words[3], at=self.at)
            if number == 2:
                half = use.gross_fen // 2
                approve_refund(refund=refund, by=owner, amount_fen=half, reason=words[4], at=self.at)

    def _pay_refunds(self) -> None:
        """Now, whether or not a worker runs; later ones wait for it."""
        jobs = Job.objects.filter(kind="pay_refund", merchant_id=self.merchant.pk, state=JobState.READY)
        for job_id in list(jobs.values_list("id", flat=True)):
            run_job(job_id=job_id)

    def _refuse(self, code: str, store: Store) -> None:
        try:
            check_coupon(
                merchant=self.merchant, store=store, code=code, clerk=self.shop.clerk_of(store), device="demo"
            )
        except RedemptionRefused:
            return

    def _close_orders(self, favourite: OnSale) -> None:
        customer = self.customers[0]
        for minutes, reason, paid in (
            (300, OrderCloseReason.TIMEOUT, False),
            (240, OrderCloseReason.TIMEOUT, True),
            (90, OrderCloseReason.BUYER, False),
        ):
            placed_at = self.at - timedelta(minutes=minutes)
            order = place_order(
                customer=customer, merchant=self.merchant, deal_id=favourite.deal.pk, quantity=1, at=placed_at
            )
            start_payment(order=order)  # the cashier's page was opened
            close_order(
                order_id=order.pk,
                merchant_id=self.merchant.pk,
                reason=reason,
                by=customer.user if reason == OrderCloseReason.BUYER else None,
                at=placed_at + timedelta(minutes=15 if reason == OrderCloseReason.TIMEOUT else 4),
            )
            if paid:
                self._pay_late(order, at=placed_at + timedelta(minutes=16))
        place_order(
            customer=customer, merchant=self.merchant, deal_id=favourite.deal.pk, quantity=1, at=self.at
        )

    def _pay_late(self, order: Order, *, at: datetime) -> None:
        """The money came after the order was closed: it goes back by itself."""
        with scope(merchant=self.merchant.pk):
            payment = order.payments.get()
        SandboxCharge.objects.filter(reference=payment.reference).update(paid_at=at)
        headers, body = signed_notification(
            charge=get_charge(reference=payment.reference),
            kind="payment.succeeded",
            event_id=f"evt_{uuid.uuid4().hex}",
            occurred_at=at,
        )
        receive_notification(provider=PROVIDER, headers=headers, body=body)


def _items(lang: str, *items: tuple[Text, int, int]) -> tuple[ItemDraft, ...]:
    return tuple(
        ItemDraft(name=name[lang], quantity=quantity, unit_price_fen=fen) for name, quantity, fen in items
    )


def _hot_pot_for_two(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("双人鸳鸯锅套餐", "Two-flavour hot pot for two")[lang],
        price_fen=12_800,
        list_price_fen=21_600,
        stock=2_000,
        category=t("火锅", "Hot pot")[lang],
        description=t(
            "锅底可选微辣、中辣。蘸料与水果自助。", "Broth mild or medium. Dips and fruit are free."
        )[lang],
        groups=(
            GroupDraft(
                t("锅底", "Broth")[lang], 1, _items(lang, (t("鸳鸯锅底", "Two-flavour broth"), 1, 5_800))
            ),
            GroupDraft(
                t("荤菜 3 选 2", "Meat, 2 of 3")[lang],
                2,
                _items(
                    lang,
                    (t("鲜毛肚", "Fresh tripe"), 1, 4_800),
                    (t("麻辣牛肉", "Spicy beef"), 1, 4_200),
                    (t("虾滑", "Shrimp paste"), 1, 4_600),
                ),
            ),
            GroupDraft(
                t("素菜", "Vegetables")[lang],
                2,
                _items(lang, (t("藕片", "Lotus root"), 1, 1_600), (t("土豆片", "Potato"), 1, 1_400)),
            ),
        ),
    )


def _hot_pot_for_four(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("四人豪华毛肚套餐", "Tripe feast for four")[lang],
        price_fen=25_800,
        list_price_fen=43_800,
        stock=800,
        category=t("火锅", "Hot pot")[lang],
        groups=(
            GroupDraft(
                "",
                4,
                _items(
                    lang,
                    (t("九宫格锅底", "Nine-grid broth"), 1, 8_800),
                    (t("招牌毛肚", "House tripe"), 2, 6_800),
                    (t("鲜切牛肉拼盘", "Beef platter"), 1, 9_800),
                    (t("时蔬拼盘", "Vegetable platter"), 1, 4_600),
                ),
            ),
        ),
    )


def _voucher_100(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("100 元代金券", "¥100 voucher")[lang],
        kind=DealKind.CASH_VOUCHER,
        price_fen=8_800,
        list_price_fen=10_000,
        face_value_fen=10_000,
        stock=None,
        category=t("代金券", "Voucher")[lang],
        description=t("每桌最多用 3 张，不与其他优惠同享。", "At most 3 per table, not with other offers.")[
            lang
        ],
    )


def _weekday_lunch(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("工作日午市单人小火锅", "Weekday lunch hot pot for one")[lang],
        price_fen=3_990,
        list_price_fen=6_800,
        stock=1_500,
        valid_days=30,
        usable_weekdays=(0, 1, 2, 3, 4),
        usable_hours=(("10:30", "15:00"),),
        per_person_limit=None,
        groups=(GroupDraft("", 1, _items(lang, (t("单人小火锅", "Hot pot for one"), 1, 6_800))),),
    )


def _morning_noodles(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("早市重庆小面配豆浆", "Morning noodles and soy milk")[lang],
        price_fen=1_290,
        list_price_fen=2_000,
        stock=3_000,
        category=t("小吃", "Snacks")[lang],
        usable_hours=(("05:30", "10:30"),),
        groups=(
            GroupDraft(
                "",
                2,
                _items(lang, (t("重庆小面", "Chongqing noodles"), 1, 1_400), (t("豆浆", "Soy milk"), 1, 600)),
            ),
        ),
    )


def _late_night(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("夜宵毛肚拼盘", "Late-night tripe platter")[lang],
        price_fen=5_900,
        list_price_fen=9_900,
        stock=300,
        usable_hours=(("21:00", "02:00"),),
        groups=(GroupDraft("", 1, _items(lang, (t("毛肚拼盘", "Tripe platter"), 1, 9_900))),),
    )


def _new_year(lang: str, today: date) -> DealDraft:
    first = date(today.year, 12, 30) if today < date(today.year, 12, 1) else date(today.year + 1, 12, 30)
    return DealDraft(
        title=t("跨年六人宴", "New Year's feast for six")[lang],
        price_fen=49_800,
        list_price_fen=78_800,
        stock=100,
        validity_kind=ValidityKind.FIXED,
        valid_from_date=first,
        valid_until_date=first + timedelta(days=4),
        groups=(
            GroupDraft(
                "", 1, _items(lang, (t("六人跨年宴（赠酒水）", "Feast for six, with drinks"), 1, 78_800))
            ),
        ),
    )


def _ice_jelly(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("手搓冰粉一碗", "Ice jelly")[lang],
        price_fen=990,
        list_price_fen=1_500,
        stock=500,
        groups=(GroupDraft("", 1, _items(lang, (t("手搓冰粉", "Ice jelly"), 1, 1_500))),),
    )


def _opening_voucher(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("开业 50 元代金券", "Opening ¥50 voucher")[lang],
        kind=DealKind.CASH_VOUCHER,
        price_fen=2_500,
        list_price_fen=5_000,
        face_value_fen=5_000,
        stock=200,
        valid_days=20,
        refund_on_expiry=False,
    )


def _family_draft(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("家庭聚餐 6–8 人", "Family table for 6 to 8")[lang], price_fen=39_800, list_price_fen=None
    )


def _mango_pomelo(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("招牌杨枝甘露（大杯）", "Mango pomelo sago, large")[lang],
        price_fen=1_390,
        list_price_fen=2_200,
        stock=5_000,
        category=t("饮品", "Drinks")[lang],
        groups=(GroupDraft("", 1, _items(lang, (t("杨枝甘露（大杯）", "Mango pomelo sago"), 1, 2_200))),),
    )


def _two_cups(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("双杯随心选", "Any two cups")[lang],
        price_fen=2_580,
        list_price_fen=4_000,
        stock=3_000,
        category=t("饮品", "Drinks")[lang],
        groups=(
            GroupDraft(
                t("5 选 2", "2 of 5")[lang],
                2,
                _items(
                    lang,
                    (t("茉莉奶绿", "Jasmine milk tea"), 1, 1_800),
                    (t("黑糖珍珠", "Brown sugar pearls"), 1, 2_000),
                    (t("柠檬红茶", "Lemon tea"), 1, 1_600),
                    (t("桂花乌龙", "Osmanthus oolong"), 1, 1_800),
                    (t("芋泥波波", "Taro bubble"), 1, 2_000),
                ),
            ),
        ),
    )


def _tea_voucher(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("30 元代金券", "¥30 voucher")[lang],
        kind=DealKind.CASH_VOUCHER,
        price_fen=2_490,
        list_price_fen=3_000,
        face_value_fen=3_000,
        stock=None,
    )


def _afternoon_tea(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("下午茶双人套餐", "Afternoon tea for two")[lang],
        price_fen=4_990,
        list_price_fen=7_600,
        stock=400,
        usable_hours=(("13:30", "17:30"),),
        groups=(
            GroupDraft(
                "",
                2,
                _items(
                    lang, (t("任意中杯", "Any medium cup"), 2, 1_600), (t("司康两枚", "Two scones"), 1, 4_400)
                ),
            ),
        ),
    )


def _coaching_card(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("私教体验 3 次卡", "Personal training, 3 sessions")[lang],
        kind=DealKind.TIMES_CARD,
        uses_total=3,
        price_fen=29_900,
        list_price_fen=60_000,
        stock=300,
        valid_days=60,
        per_person_limit=None,
        category=t("健身", "Fitness")[lang],
    )


def _class_card(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("小团课 10 次卡", "Small-group classes, 10 times")[lang],
        kind=DealKind.TIMES_CARD,
        uses_total=10,
        price_fen=59_000,
        list_price_fen=100_000,
        stock=200,
        valid_days=180,
        category=t("健身", "Fitness")[lang],
    )


def _first_visit(lang: str, today: date) -> DealDraft:
    return DealDraft(
        title=t("体测 + 单次私教", "Body check and one session")[lang],
        price_fen=9_900,
        list_price_fen=28_000,
        stock=500,
        groups=(
            GroupDraft(
                "",
                2,
                _items(lang, (t("体测", "Body check"), 1, 8_000), (t("私教 1 节", "One session"), 1, 20_000)),
            ),
        ),
    )


TRADES: tuple[TradeSeed, ...] = (
    TradeSeed(
        slug="shancheng",
        deals=(
            DealSeed(_hot_pot_for_two, weight=6, wanted=(10.5, 26.0)),
            DealSeed(_hot_pot_for_four, weight=3, wanted=(10.5, 26.0)),
            DealSeed(_voucher_100, weight=4, counts=(1, 1, 2, 3), wanted=(10.5, 26.0)),
            DealSeed(_morning_noodles, weight=6, counts=(1, 1, 2), wanted=(5.5, 10.5)),
            DealSeed(_weekday_lunch, weight=4, only_stores=("SC01", "SC02")),
            DealSeed(_late_night, fate=IN_REVIEW),
            DealSeed(
                _new_year,
                fate=REJECTED,
                reason=t(
                    "写了“赠酒水”,但没有写品牌、容量和数量。请补充后重新提交。",
                    "It promises drinks without brand, size and number. Please add them and submit again.",
                ),
            ),
            DealSeed(_ice_jelly, fate=PAUSED, weight=1, counts=(1, 2), wanted=(11.0, 24.0)),
            DealSeed(_opening_voucher, fate=ENDED, weight=1, wanted=(11.0, 22.0)),
            DealSeed(_family_draft, fate=DRAFT),
        ),
        weekday_uses=(9, 9, 10, 11, 15, 18, 17),
        peaks=((0.1, 1.9, 7), (6.4, 10.3, 26), (11.0, 14.0, 24), (17.0, 22.5, 43)),
        store_weights=(42, 28, 18, 12),
        days=27,
    ),
    TradeSeed(
        slug="qingmu",
        deals=(
            DealSeed(_mango_pomelo, weight=5, counts=(1, 1, 2)),
            DealSeed(_two_cups, weight=4),
            DealSeed(_tea_voucher, weight=2),
            DealSeed(_afternoon_tea, fate=IN_REVIEW),
        ),
        weekday_uses=(5, 5, 5, 6, 8, 9, 9),
        peaks=((9.6, 13.0, 30), (13.0, 18.0, 45), (18.0, 22.3, 25)),
        store_weights=(45, 30, 25),
        days=14,
    ),
    TradeSeed(
        slug="tiema",
        deals=(
            DealSeed(_first_visit, weight=2),
            DealSeed(_coaching_card, weight=4),
            DealSeed(_class_card, weight=5),
        ),
        weekday_uses=(4, 3, 4, 3, 4, 5, 5),
        peaks=((7.2, 10.0, 35), (17.5, 21.3, 65)),
        store_weights=(1,),
        days=14,
    ),
)
