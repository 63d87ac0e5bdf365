"""The cast of the tests: one merchant with a store, a clerk and a deal on sale, and ways to let things happen."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.models import Job
from coupons.domain.orders import place_order
from coupons.domain.payments import receive_notification, start_payment
from coupons.domain.redemption import Receipt, redeem_coupons
from coupons.domain.refunds import pay_refund
from coupons.domain.stock import open_stock
from coupons.enums import DealState, RefundReason, RefundState
from coupons.models import Coupon, Deal, DealGroup, DealItem, Order, Redemption, Refund, StockPool
from coupons.payment_providers.sandbox import get_charge, signed_notification
from identity.enums import Role
from identity.models import Customer, User
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant, Store

_numbers = itertools.count(1)


def make_user(name: str = "王敏", password: str | None = None) -> User:
    return User.objects.create_user(name=name, phone=f"+86138{next(_numbers):08d}", password=password)


def make_customer(nickname: str = "小李") -> Customer:
    user = User.objects.create_user(name=nickname)
    return Customer.objects.create(
        user=user,
        sign_in_provider="sandbox",
        open_id=f"open-{next(_numbers)}",
        nickname=nickname,
        phone_tail="8821",
    )


def write_stock(deal: Deal, *, total: int | None, held: int = 0, sold: int = 0) -> None:
    """Write a general pool's figures as if so much had happened; in one slot, the others empty."""
    with scopes_disabled():
        pool = StockPool.objects.get(deal=deal, kind="general")
        StockPool.objects.filter(pk=pool.pk).update(total=total)
        pool.slots.update(free=None if total is None else 0, held=0, sold=0)
        free = None if total is None else total - held - sold
        pool.slots.filter(number=0).update(free=free, held=held, sold=sold)


@dataclass
class Town:
    """A merchant and what belongs to it."""

    merchant: Merchant
    owner: User
    clerk: User
    store: Store
    other_store: Store
    customer: Customer
    deal: Deal
    keys: Any = field(default_factory=lambda: itertools.count(1))

    def make_deal(self, *, stock: int | None = 100, **fields: Any) -> Deal:
        values: dict[str, Any] = {
            "title": "双人鸳鸯锅套餐",
            "price_fen": 12_800,
            "list_price_fen": 21_600,
            "state": DealState.ONLINE,
        } | fields
        with scope(merchant=self.merchant.pk):
            deal = Deal.objects.create(merchant=self.merchant, **values)
            open_stock(deal=deal, total=stock)
            group = DealGroup.objects.create(merchant=self.merchant, deal=deal, name="锅底", choose=1)
            DealItem.objects.create(
                merchant=self.merchant, group=group, name="鸳鸯锅底", unit_price_fen=5_800
            )
        return deal

    def order(
        self, *, deal: Deal | None = None, quantity: int = 1, customer: Customer | None = None, **more: Any
    ) -> Order:
        return place_order(
            customer=customer or self.customer,
            merchant=self.merchant,
            deal_id=(deal or self.deal).pk,
            quantity=quantity,
            **more,
        )

    def pay(
        self,
        order: Order,
        *,
        at: datetime | None = None,
        event_id: str | None = None,
        kind: str = "payment.succeeded",
    ) -> str:
        """Pay at the sandbox and deliver its notification; the outcome."""
        with scopes_disabled():
            payment = order.payments.first() or start_payment(order=order).payment
        if payment.provider == "none":
            return "paid"
        charge = get_charge(reference=payment.reference)
        charge.paid_at = charge.paid_at or timezone.now()
        charge.save(update_fields=["paid_at"])
        headers, body = signed_notification(
            charge=charge,
            kind=kind,
            event_id=event_id or f"evt-{next(_numbers)}",
            occurred_at=at or timezone.now(),
        )
        return receive_notification(provider="sandbox", headers=headers, body=body)

    def buy(
        self,
        *,
        deal: Deal | None = None,
        quantity: int = 1,
        at: datetime | None = None,
        customer: Customer | None = None,
    ) -> list[Coupon]:
        """Order and pay; the coupons, in the order of their ids."""
        order = self.order(deal=deal, quantity=quantity, customer=customer, at=at)
        assert self.pay(order, at=at) == "paid"
        with scope(merchant=self.merchant.pk):
            return list(order.coupons.order_by("id"))

    def redeem(self, code: str, **more: Any) -> Receipt:
        values = {
            "merchant": self.merchant,
            "store": self.store,
            "clerk": self.clerk,
            "attempt_key": f"attempt-{next(self.keys)}",
        } | more
        return redeem_coupons(code=code, **values)


def put_paid_refund(redemption_id: int, *, amount_fen: int | None = None) -> Refund:
    """Pay so much (all of it by default) of a use's money back, as if the merchant had approved it."""
    with scopes_disabled():
        use = Redemption.objects.get(pk=redemption_id)
        refund = Refund.objects.create(
            merchant_id=use.merchant_id,
            order_id=use.order_id,
            payment=use.order.payments.earliest("id"),
            coupon_id=use.coupon_id,
            redemption=use,
            amount_fen=use.gross_fen if amount_fen is None else amount_fen,
            asked_fen=use.gross_fen,
            reason=RefundReason.AFTER_USE,
            state=RefundState.APPROVED,
            approved_at=timezone.now(),
        )
        pay_refund(Job(payload={"refund_id": refund.pk}))
        refund.refresh_from_db()
    return refund


def make_town(slug: str = "laozao", name: str = "山城老灶火锅", **merchant: Any) -> Town:
    owner, clerk = make_user("老板"), make_user("李娜")
    shop = create_merchant(slug=slug, name=name, owner=owner, **merchant)
    with scope(merchant=shop.pk):
        store = Store.objects.create(merchant=shop, name=f"{name}(解放碑店)", number="1", city="重庆")
        other = Store.objects.create(merchant=shop, name=f"{name}(观音桥店)", number="2", city="重庆")
    set_membership(merchant=shop, user=clerk, role=Role.CLERK, stores=[store], by=owner)
    town = Town(
        merchant=shop,
        owner=owner,
        clerk=clerk,
        store=store,
        other_store=other,
        customer=make_customer(),
        deal=None,
    )
    town.deal = town.make_deal()
    return town


def read_json(response: Any) -> Any:
    return json.loads(response.content)
