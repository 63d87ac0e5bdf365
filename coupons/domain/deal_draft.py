"""What an editor hands over and gets back: a deal as plain values."""

from dataclasses import dataclass, field
from datetime import date, datetime

from coupons.enums import DealKind, ValidityKind
from coupons.models import Deal, DealStock
from coupons.models.deal import EVERY_WEEKDAY


@dataclass(frozen=True)
class ItemDraft:
    name: str
    quantity: int = 1
    unit_price_fen: int = 0


@dataclass(frozen=True)
class GroupDraft:
    """Choose `choose` of the items."""

    name: str = ""
    choose: int = 1
    items: tuple[ItemDraft, ...] = ()


@dataclass(frozen=True)
class DealDraft:
    """Every value of a deal that its merchant writes; None where nothing was said."""

    title: str = ""
    kind: DealKind = DealKind.PACKAGE
    category: str = ""
    description: str = ""
    price_fen: int | None = None
    list_price_fen: int | None = None
    face_value_fen: int | None = None
    uses_total: int = 1
    stock: int | None = None
    per_order_limit: int = 10
    per_person_limit: int | None = None
    sale_from: datetime | None = None
    sale_until: datetime | None = None
    validity_kind: ValidityKind = ValidityKind.DAYS
    valid_from_date: date | None = None
    valid_until_date: date | None = None
    valid_days: int | None = 90
    usable_weekdays: tuple[int, ...] = tuple(EVERY_WEEKDAY)
    usable_hours: tuple[tuple[str, str], ...] = ()
    blackout_dates: tuple[date, ...] = ()
    all_stores: bool = True
    store_ids: tuple[int, ...] = ()
    refundable_before_use: bool = True
    refund_on_expiry: bool = True
    groups: tuple[GroupDraft, ...] = field(default=())


PLAIN_FIELDS = (
    "title", "category", "description", "uses_total", "per_order_limit", "per_person_limit", "sale_from",
    "sale_until", "valid_from_date", "valid_until_date", "valid_days", "all_stores", "refundable_before_use",
    "refund_on_expiry", "face_value_fen",
)  # fmt: skip


def read_draft(*, deal: Deal) -> DealDraft:
    """The values of a stored deal; runs in the merchant's scope."""
    stock = DealStock.objects.filter(deal_id=deal.pk).first()
    return DealDraft(
        **{name: getattr(deal, name) for name in PLAIN_FIELDS},
        kind=DealKind(deal.kind),
        price_fen=deal.price_fen,
        list_price_fen=deal.list_price_fen,
        validity_kind=ValidityKind(deal.validity_kind),
        stock=stock.total if stock else None,
        usable_weekdays=tuple(deal.usable_weekdays),
        usable_hours=tuple((start, end) for start, end in deal.usable_hours),
        blackout_dates=tuple(deal.blackout_dates),
        store_ids=tuple(deal.stores.order_by("pk").values_list("pk", flat=True)),
        groups=tuple(
            GroupDraft(
                name=group.name,
                choose=group.choose,
                items=tuple(
                    ItemDraft(name=item.name, quantity=item.quantity, unit_price_fen=item.unit_price_fen)
                    for item in group.items.all()
                ),
            )
            for group in deal.groups.prefetch_related("items")
        ),
    )
