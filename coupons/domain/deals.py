"""Write a deal: drafts in full, a deal on sale only what needs no review."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid, NotFound
from coupons.domain.deal_checks import DealInvalid, find_contradictions
from coupons.domain.deal_draft import PLAIN_FIELDS, DealDraft, read_draft
from coupons.domain.stock import change_stock, open_stock
from coupons.enums import DealKind, DealState
from coupons.models import Deal, DealGroup, DealItem
from identity.domain.audit import record_event
from identity.models import User
from merchants.models import Merchant, Store

TITLE_LENGTH = 60


class DealNotEditable(DomainError):
    """Only a draft is edited in full; `facts["state"]` is what it is now."""

    code = "deal_not_editable"


class DealChangedMeanwhile(DomainError):
    """Somebody saved the deal after it was opened; the facts say who and when."""

    code = "deal_changed_meanwhile"


@transaction.atomic
def save_deal(
    *,
    merchant: Merchant,
    draft: DealDraft,
    by: User | None,
    deal_id: int | None = None,
    version: int | None = None,
) -> Deal:
    """Make a draft (no deal_id) or write it anew; the version counts up and must be the one the editor read.

    Raises DealInvalid with every contradiction, DealChangedMeanwhile, DealNotEditable, NotFound, and
    Invalid(field="stores") where a store is another merchant's. Nothing is written then.
    """
    problems = find_contradictions(draft)
    if problems:
        raise DealInvalid(problems)
    values = _columns(draft)
    with scope(merchant=merchant.pk):
        stores = list(Store.objects.filter(pk__in=draft.store_ids))
        if len(stores) != len(set(draft.store_ids)):
            raise Invalid(field="stores", why="foreign_store")
        if deal_id is None:
            deal = Deal.objects.create(merchant=merchant, updated_by=by, **values)
            open_stock(deal=deal, total=draft.stock)
        else:
            deal = _write_draft(deal_id=deal_id, version=version, values=values, by=by)
            change_stock(deal=deal, total=draft.stock)
        deal.stores.set(stores)
        _write_groups(deal=deal, draft=draft)
    record_event(
        verb="deal.create" if deal_id is None else "deal.save",
        noun="deal", noun_id=deal.pk, by=by, merchant_id=merchant.pk, title=deal.title, price_fen=deal.price_fen,
    )  # fmt: skip
    return deal


@transaction.atomic
def copy_deal(*, deal: Deal, by: User | None, title: str = "") -> Deal:
    """A draft with the same values; nothing was sold of it. Any state may be copied."""
    with scope(merchant=deal.merchant_id):
        values = read_draft(deal=deal)
    copy = DealDraft(**{**vars(values), "title": (title or values.title)[:TITLE_LENGTH]})
    return save_deal(merchant=deal.merchant, draft=copy, by=by)


@transaction.atomic
def set_stock(*, deal: Deal, total: int | None, by: User | None) -> None:
    """How many may be sold (None: no end), at once and in every state but ended.

    Raises StockBelowSold where orders took more already, DealNotEditable where the deal has ended.
    """
    with scope(merchant=deal.merchant_id):
        state = _lock_state(deal)
        if state == DealState.ENDED:
            raise DealNotEditable(state=state)
        change_stock(deal=deal, total=total)
    record_event(
        verb="deal.stock", noun="deal", noun_id=deal.pk, by=by, merchant_id=deal.merchant_id,
        title=deal.title, total=total,
    )  # fmt: skip


@transaction.atomic
def change_offer(
    *,
    deal: Deal,
    total: int | None,
    per_person_limit: int | None,
    sale_until: datetime | None,
    by: User | None,
) -> None:
    """What of a deal on sale or paused changes without a review: stock, limit per person, end of sale.

    Raises DealNotEditable in any other state, StockBelowSold, DealInvalid. All or nothing.
    """
    problems = [
        problem
        for problem in find_contradictions(
            DealDraft(
                title="-", per_person_limit=per_person_limit, sale_from=deal.sale_from, sale_until=sale_until
            )
        )
        if problem.field in ("per_person_limit", "sale_until")
    ]
    if problems:
        raise DealInvalid(problems)
    with scope(merchant=deal.merchant_id):
        state = _lock_state(deal)
        if state not in (DealState.ONLINE, DealState.PAUSED):
            raise DealNotEditable(state=state)
        Deal.objects.filter(pk=deal.pk).update(
            per_person_limit=per_person_limit,
            sale_until=sale_until,
            version=F("version") + 1,
            updated_at=Now(),
            updated_by=by,
        )
        change_stock(deal=deal, total=total)
    record_event(
        verb="deal.change_offer", noun="deal", noun_id=deal.pk, by=by, merchant_id=deal.merchant_id,
        title=deal.title, total=total, per_person_limit=per_person_limit,
        sale_until=sale_until.isoformat() if sale_until else None,
    )  # fmt: skip


def _columns(draft: DealDraft) -> dict[str, object]:
    price = draft.price_fen or 0
    return {
        **{name: getattr(draft, name) for name in PLAIN_FIELDS},
        "title": draft.title.strip(),
        "kind": draft.kind,
        "price_fen": price,
        "list_price_fen": price if draft.list_price_fen is None else draft.list_price_fen,
        "face_value_fen": draft.face_value_fen if draft.kind == DealKind.CASH_VOUCHER else None,
        "uses_total": draft.uses_total if draft.kind == DealKind.TIMES_CARD else 1,
        "validity_kind": draft.validity_kind,
        "usable_weekdays": sorted(set(draft.usable_weekdays)),
        "usable_hours": [list(span) for span in draft.usable_hours],
        "blackout_dates": sorted(set(draft.blackout_dates)),
    }


def _write_draft(*, deal_id: int, version: int | None, values: dict[str, object], by: User | None) -> Deal:
    """The conditional update that decides between two editors."""
    written = Deal.objects.filter(pk=deal_id, state=DealState.DRAFT, version=version).update(  # type: ignore[misc]
        **values, version=F("version") + 1, updated_at=Now(), updated_by=by
    )
    deal = Deal.objects.select_related("updated_by").filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    if not written:
        if deal.state != DealState.DRAFT:
            raise DealNotEditable(state=deal.state)
        raise DealChangedMeanwhile(
            changed_at=deal.updated_at.isoformat(), by=deal.updated_by.name if deal.updated_by else ""
        )
    return deal


def _write_groups(*, deal: Deal, draft: DealDraft) -> None:
    deal.groups.all().delete()
    for position, group in enumerate(draft.groups):
        row = DealGroup.objects.create(
            merchant_id=deal.merchant_id, deal=deal, position=position, name=group.name, choose=group.choose
        )
        DealItem.objects.bulk_create(
            DealItem(
                merchant_id=deal.merchant_id,
                group=row,
                position=index,
                name=item.name.strip(),
                quantity=item.quantity,
                unit_price_fen=item.unit_price_fen,
            )
            for index, item in enumerate(group.items)
        )


def _lock_state(deal: Deal) -> str:
    """The state as it is now, held until the end of the transaction."""
    row = (
        Deal.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=deal.pk)
        .values_list("state", flat=True)
        .first()
    )
    if row is None:
        raise NotFound
    return row
