"""A deal as its customer reads it: one view for the shop and for the editor's preview, of stored and of typed values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coupons.domain.deal_draft import DealDraft
from coupons.domain.deal_terms import deal_terms, describe_terms
from coupons.enums import DealKind, ValidityKind
from coupons.models import Deal
from merchants.models import Store

STORES_SHOWN = 5  # how many stores a caller need hand over
TO_COME = "…"  # stands where a draft says nothing yet


@dataclass(frozen=True)
class DealView:
    """What templates/shop/_deal_detail.html shows. `left` None: no end; `groups` are those of the terms."""

    id: int | None
    title: str
    kind: str
    kind_label: str
    currency: str
    price_fen: int | None
    list_price_fen: int | None
    face_value_fen: int | None
    uses_total: int
    description: str
    groups: list[dict[str, Any]]
    rules: list[str]
    stores: list[Store]
    store_count: int
    all_stores: bool
    per_order_limit: int
    per_person_limit: int | None
    left: int | None

    @property
    def more_stores(self) -> int:
        return self.store_count - len(self.stores)

    @property
    def saved_fen(self) -> int:
        """How much less than the list price."""
        return max(0, (self.list_price_fen or 0) - (self.price_fen or 0))


def view_deal(
    *, deal: Deal, currency: str, stores: Sequence[Store], store_count: int, left: int | None
) -> DealView:
    """A stored deal, in the merchant's scope; `stores` are the first STORES_SHOWN of store_count open ones."""
    terms = deal_terms(deal=deal)
    return _view(
        terms, deal_id=deal.pk, price_fen=deal.price_fen, currency=currency, stores=stores, store_count=store_count, left=left,
        per_order_limit=deal.per_order_limit, per_person_limit=deal.per_person_limit,
    )  # fmt: skip


def view_draft(*, draft: DealDraft, currency: str, stores: Sequence[Store], store_count: int) -> DealView:
    """What is typed so far; nothing is stored or read."""
    return _view(
        draft_terms(draft), deal_id=None, price_fen=draft.price_fen, currency=currency, stores=stores,
        store_count=store_count, left=draft.stock, per_order_limit=draft.per_order_limit, per_person_limit=draft.per_person_limit,
    )  # fmt: skip


def draft_terms(draft: DealDraft) -> dict[str, Any]:
    """The shape of deal_terms, of values that are not stored."""
    fixed = draft.validity_kind == ValidityKind.FIXED
    return {
        "title": draft.title,
        "kind": draft.kind,
        "description": draft.description,
        "list_price_fen": draft.list_price_fen,
        "face_value_fen": draft.face_value_fen if draft.kind == DealKind.CASH_VOUCHER else None,
        "uses_total": draft.uses_total if draft.kind == DealKind.TIMES_CARD else 1,
        "validity_kind": draft.validity_kind,
        "valid_from_date": str(draft.valid_from_date or TO_COME) if fixed else None,
        "valid_until_date": str(draft.valid_until_date or TO_COME) if fixed else None,
        "valid_days": draft.valid_days if fixed else draft.valid_days or 0,
        "usable_weekdays": sorted(draft.usable_weekdays),
        "usable_hours": [list(span) for span in draft.usable_hours],
        "blackout_dates": [day.isoformat() for day in sorted(draft.blackout_dates)],
        "all_stores": draft.all_stores,
        "store_ids": [str(store_id) for store_id in draft.store_ids],
        "refundable_before_use": draft.refundable_before_use,
        "refund_on_expiry": draft.refund_on_expiry,
        "groups": [
            {"name": group.name, "choose": group.choose, "items": [vars(item) for item in group.items]}
            for group in draft.groups
        ],
    }


def content_worth_fen(draft: DealDraft) -> int:
    """What the content costs bought one by one: of each group the dearest items that may be chosen."""
    return sum(
        sum(
            sorted((item.quantity * item.unit_price_fen for item in group.items), reverse=True)[
                : group.choose
            ]
        )
        for group in draft.groups
    )


def _view(
    terms: dict[str, Any],
    *,
    deal_id: int | None,
    price_fen: int | None,
    currency: str,
    stores: Sequence[Store],
    store_count: int,
    left: int | None,
    per_order_limit: int,
    per_person_limit: int | None,
) -> DealView:
    return DealView(
        id=deal_id,
        title=terms["title"],
        kind=terms["kind"],
        kind_label=str(DealKind(terms["kind"]).label),
        currency=currency,
        price_fen=price_fen,
        list_price_fen=terms["list_price_fen"],
        face_value_fen=terms["face_value_fen"],
        uses_total=terms["uses_total"],
        description=terms["description"],
        groups=terms["groups"],
        rules=describe_terms(terms),
        stores=list(stores),
        store_count=store_count,
        all_stores=terms["all_stores"],
        per_order_limit=per_order_limit,
        per_person_limit=per_person_limit,
        left=left,
    )
