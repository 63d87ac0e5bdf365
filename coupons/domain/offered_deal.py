"""A deal as placing an order sees it: everything the rules, the frozen terms and the stock need, in one statement."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.postgresql import prepared_cursor
from coupons.models import Placement
from identity.models import Customer
from merchants.models import Merchant


@dataclass(frozen=True)
class OfferedDeal:
    """The columns of the deal by their own names, and what belongs to it now."""

    id: int
    title: str
    kind: str
    description: str
    price_fen: int
    list_price_fen: int
    face_value_fen: int | None
    uses_total: int
    sale_from: datetime | None
    sale_until: datetime | None
    validity_kind: str
    valid_from_date: date | None
    valid_until_date: date | None
    valid_days: int | None
    usable_weekdays: list[int]
    usable_hours: list[Any]
    blackout_dates: list[date]
    all_stores: bool
    per_order_limit: int
    per_person_limit: int | None
    refundable_before_use: bool
    refund_on_expiry: bool
    state: str
    is_for_audience: bool
    is_targeted: bool
    store_ids: list[int]
    items: list[list[Any]]
    general_pool_id: int
    allotted_pool_id: int | None
    now: datetime

    @property
    def pool_id(self) -> int:
        return self.allotted_pool_id or self.general_pool_id


FETCH_SQL = """
SELECT d.id, d.title, d.kind, d.description, d.price_fen, d.list_price_fen, d.face_value_fen, d.uses_total,
    d.sale_from, d.sale_until, d.validity_kind, d.valid_from_date, d.valid_until_date, d.valid_days,
    d.usable_weekdays, d.usable_hours, d.blackout_dates, d.all_stores, d.per_order_limit, d.per_person_limit,
    d.refundable_before_use, d.refund_on_expiry, d.state, d.audience_id IS NOT NULL,
    d.audience_id IS NOT NULL AND EXISTS (SELECT FROM coupons_audiencemember a
        WHERE a.audience_id = d.audience_id AND a.customer_id = %(customer)s),
    CASE WHEN d.all_stores THEN '{}'::bigint[] ELSE ARRAY(SELECT t.store_id FROM coupons_deal_stores t
        WHERE t.deal_id = d.id ORDER BY t.store_id) END,
    COALESCE((SELECT jsonb_agg(jsonb_build_array(g.id, g.name, g.choose, i.name, i.quantity, i.unit_price_fen)
            ORDER BY g.position, g.id, i.position, i.id)
        FROM coupons_dealgroup g JOIN coupons_dealitem i ON i.group_id = g.id WHERE g.deal_id = d.id), '[]'),
    p.id,
    (SELECT a.id FROM coupons_placement c JOIN coupons_stockpool a ON a.id = c.pool_id
        WHERE c.id = %(placement)s AND c.deal_id = d.id AND a.closed_at IS NULL),
    now()
FROM coupons_deal d JOIN coupons_stockpool p ON p.deal_id = d.id AND p.kind = 'general'
WHERE d.merchant_id = %(merchant)s AND d.id = %(deal)s
"""


def fetch_offered_deal(
    *, merchant: Merchant, deal_id: int, customer: Customer, placement: Placement | None
) -> OfferedDeal | None:
    """The deal of this merchant, None where there is none. Nothing is locked."""
    with prepared_cursor() as cursor:
        cursor.execute(
            FETCH_SQL,
            {
                "merchant": merchant.pk,
                "deal": deal_id,
                "customer": customer.pk,
                "placement": placement.pk if placement else None,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    values = dict(zip(OfferedDeal.__dataclass_fields__, row, strict=True))
    for name in ("usable_hours", "items"):
        if isinstance(values[name], str):
            values[name] = json.loads(values[name])
    return OfferedDeal(**values)
