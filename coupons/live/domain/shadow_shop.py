"""The shadow of a session: a shop of its own with copies of stores, deals and the session, for shadow customers only.

Every row a tenant owns carries its merchant, so everything that happens here is tagged; no colleague has a post here, and
nothing of it is ever stated or paid out (merchants.Merchant.shadow_of).
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import Invalid
from coupons.domain.orders import close_order
from coupons.domain.stock import StockBelowSold, change_stock, open_stock
from coupons.enums import DealState, OrderCloseReason, OrderState, ValidityKind
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment, change_pieces
from coupons.live.domain.session_states import end_session, go_live
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession, LiveSessionDeal, Rehearsal
from coupons.models import Deal, DealGroup, DealItem, DealStock, Order
from identity.enums import Role
from identity.models import Customer, User
from merchants.domain.memberships import end_membership, set_membership
from merchants.domain.merchants import create_merchant
from merchants.domain.terms import copy_terms, get_platform_fee
from merchants.enums import StoreState
from merchants.models import Membership, Merchant, Store

SIGN_IN = "rehearsal"
VALID_DAYS = 90
UNDO_SECONDS = 5  # so that uses are settled, and the ledger is written, while the rehearsal runs
ROWS_AT_ONCE = 5_000
COPIED = (
    "title", "kind", "description", "category", "price_fen", "list_price_fen", "face_value_fen", "uses_total",
    "per_order_limit", "per_person_limit", "refundable_before_use",
)  # fmt: skip


@dataclass(frozen=True)
class ShadowShop:
    merchant: Merchant
    session: LiveSession
    store: Store
    rows: list[LiveSessionDeal]
    clerks: list[User]
    customers: list[User]

    @property
    def stock(self) -> int:
        """Pieces there are in all its deals."""
        with scope(merchant=self.merchant.pk):
            return sum(stock.total or 0 for stock in DealStock.objects.all())


@transaction.atomic
def build_shadow_shop(*, rehearsal: Rehearsal, pieces: int, customers: int, clerks: int) -> ShadowShop:
    """The shadow shop with `pieces` pieces spread evenly over its deals, its session live, its people there.

    Copied are names, prices, contents and limits. When and where a coupon can be used, and until when a deal is sold, is
    opened: rehearsed is the rush, on whatever day.
    """
    original = rehearsal.merchant
    shadow = create_merchant(
        slug=f"rehearsal-{secrets.token_hex(12)}",
        name=original.name,
        currency=original.currency,
        zone=original.zone,
        platform_fee_bps=get_platform_fee(merchant=original).bps,
        reversal_window_seconds=UNDO_SECONDS,
    )
    shadow.shadow_of = original
    shadow.save(update_fields=["shadow_of"])
    copy_terms(original=original, copy=shadow)
    with scope(merchant=[original.pk, shadow.pk]):
        Rehearsal.objects.filter(pk=rehearsal.pk).update(shadow=shadow)
        store = _copy_stores(original, shadow)
        deals = _copy_deals(rehearsal.session, shadow, pieces)
    with scope(merchant=shadow.pk):
        now = timezone.now()
        session = plan_session(
            merchant=shadow,
            plan=SessionPlan(
                title=rehearsal.session.title,
                host_name=rehearsal.session.host_name,
                planned_from=now,
                planned_until=now + timedelta(hours=2),
                deals=tuple(Allotment(deal_id=deal.pk, pieces=count) for deal, count in deals),
            ),
            by=None,
        )
        go_live(session=session, by=None)
        rows = list(session.deals.select_related("deal", "placement", "pool"))
    return ShadowShop(
        merchant=shadow,
        session=session,
        store=store,
        rows=rows,
        clerks=[_hire(shadow, store, number) for number in range(clerks)],
        customers=_make_customers(rehearsal, customers),
    )


def _copy_stores(original: Merchant, shadow: Merchant) -> Store:
    """All open stores (one is made where there is none); the first of them is where coupons are used."""
    names = [field.name for field in Store._meta.concrete_fields if field.name not in ("id", "merchant")]
    stores = Store.objects.filter(merchant=original, state=StoreState.OPEN).order_by("id")
    copies = [Store(merchant=shadow, **{name: getattr(store, name) for name in names}) for store in stores]
    copies = copies or [Store(merchant=shadow, name=original.name)]
    return Store.objects.bulk_create(copies)[0]


def _copy_deals(session: LiveSession, shadow: Merchant, pieces: int) -> list[tuple[Deal, int]]:
    originals = [row.deal for row in session.deals.select_related("deal").order_by("position", "id")]
    if not originals:
        raise Invalid(field="deals", why="none")
    share, rest = divmod(max(pieces, len(originals)), len(originals))
    copies = []
    for number, original in enumerate(originals):
        copy = Deal.objects.create(
            merchant=shadow,
            **{name: getattr(original, name) for name in COPIED},
            validity_kind=ValidityKind.DAYS,
            valid_days=VALID_DAYS,
            refund_on_expiry=False,  # an old rehearsal pays nothing back
            state=DealState.ONLINE,
        )
        _copy_content(original, copy)
        count = share + (number < rest)
        open_stock(deal=copy, total=count)
        copies.append((copy, count))
    return copies


def _copy_content(original: Deal, copy: Deal) -> None:
    for group in original.groups.prefetch_related("items"):
        made = DealGroup.objects.create(
            merchant=copy.merchant, deal=copy, position=group.position, name=group.name, choose=group.choose
        )
        DealItem.objects.bulk_create(
            DealItem(
                merchant=copy.merchant,
                group=made,
                position=item.position,
                name=item.name,
                quantity=item.quantity,
                unit_price_fen=item.unit_price_fen,
            )
            for item in group.items.all()
        )


def _hire(shadow: Merchant, store: Store, number: int) -> User:
    clerk = User.objects.create_user(name=f"Rehearsal clerk {number + 1}")
    set_membership(merchant=shadow, user=clerk, role=Role.CLERK, stores=[store], by=None)
    return clerk


def _make_customers(rehearsal: Rehearsal, count: int) -> list[User]:
    nobody = make_password(None)
    users = User.objects.bulk_create(
        (User(name=f"Rehearsal {number + 1}", password=nobody) for number in range(count)),
        batch_size=ROWS_AT_ONCE,
    )
    Customer.objects.bulk_create(
        (
            Customer(
                user=user,
                sign_in_provider=SIGN_IN,
                open_id=f"{rehearsal.lane}:{number}",
                nickname=user.name,
                is_shadow=True,
            )
            for number, user in enumerate(users)
        ),
        batch_size=ROWS_AT_ONCE,
    )
    return users


def trim_stock(*, shop: ShadowShop, pieces: int) -> int:
    """Lower the stock to `pieces` over all deals, or to what is sold and held already; the stock there is now.

    Each deal keeps what it sold and held and an even part of the rest.
    """
    with scope(merchant=shop.merchant.pk):
        stocks = {stock.deal_id: stock for stock in DealStock.objects.all()}
        taken = {deal_id: stock.sold + stock.held for deal_id, stock in stocks.items()}
        rest, left_over = divmod(max(0, pieces - sum(taken.values())), len(shop.rows))
        for number, row in enumerate(shop.rows):
            wanted = max(1, taken[row.deal_id] + rest + (number < left_over))
            _lower(
                row, min(wanted, stocks[row.deal_id].total or wanted)
            )  # an even part may be more than it has
    return shop.stock


def _lower(row: LiveSessionDeal, wanted: int) -> None:
    """Orders go on meanwhile: where they took more than was wanted, that is the stock. Nothing is left besides the session's."""
    for change in (
        lambda pieces: change_pieces(live_deal=row, pieces=pieces, by=None),
        lambda pieces: change_stock(deal=row.deal, total=pieces),
    ):
        while True:
            try:
                change(wanted)
            except StockBelowSold as refused:
                wanted = refused.facts["taken"]
            else:
                break


@transaction.atomic
def retire_shadow_shop(*, shadow: Merchant) -> None:
    """Close it for good: nothing is on sale, no order is open, nobody can sign in. What happened in it stays to be looked at.

    Call when its own processes are gone: their jobs are done by nobody then. May be repeated.
    """
    with scope(merchant=shadow.pk):
        for order_id in list(Order.objects.filter(state=OrderState.CREATED).values_list("pk", flat=True)):
            close_order(order_id=order_id, merchant_id=shadow.pk, reason=OrderCloseReason.TIMEOUT)
        for session in LiveSession.objects.filter(state=LiveState.LIVE):
            end_session(session=session, by=None)
        Deal.objects.filter(state=DealState.ONLINE).update(state=DealState.ENDED)
        posts = list(Membership.objects.filter(is_active=True).select_related("user", "merchant"))
    for post in posts:
        end_membership(membership=post, by=None)
        User.objects.filter(pk=post.user_id).update(is_active=False)
    with scopes_disabled():
        Rehearsal.objects.filter(shadow=shadow, shut_at__isnull=True).update(shut_at=Now())
