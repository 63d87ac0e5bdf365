"""The one cheap read that decides whether an order would be refused; no row is written and none is locked."""

from django.conf import settings
from django.db import connection

from coupons.domain.orders import OverPersonLimit, SoldOut

_READ = """
SELECT d.per_person_limit,
    (SELECT quantity FROM coupons_dealpurchase WHERE deal_id = d.id AND customer_id = %(customer)s),
    (SELECT sum(free) FROM coupons_stockslot WHERE pool_id = COALESCE(
        (SELECT id FROM coupons_stockpool WHERE id = %(pool)s AND deal_id = d.id AND closed_at IS NULL),
        (SELECT id FROM coupons_stockpool WHERE deal_id = d.id AND kind = 'general')))
FROM coupons_deal d JOIN merchants_merchant m ON m.party_id = d.merchant_id
WHERE d.id = %(deal)s AND d.state = 'online' AND (m.shadow_of_id IS NOT NULL) = %(rehearsal)s
    AND (%(shop)s::text IS NULL OR m.slug = %(shop)s)
"""


def check_hope(
    *, deal_id: int, customer_id: int, quantity: int, pool_id: int | None = None, shop: str | None = None
) -> None:
    """Raise SoldOut(left) or OverPersonLimit(limit, bought) where, at this moment, placing the order would.

    As true as the order itself: what it says held when the statement began, and pieces on their way between pools are in
    one of them. A deal that is not sold, or not in the shop that was named (its slug), is not hopeless: placing the order
    says what is wrong.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _READ,
            {
                "deal": deal_id,
                "customer": customer_id,
                "pool": pool_id,
                "shop": shop,
                "rehearsal": bool(settings.REHEARSAL),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return
    limit, bought, left = row
    if limit is not None and (bought or 0) + quantity > limit:
        raise OverPersonLimit(limit=limit, bought=bought or 0)
    if left is not None and left < quantity:
        raise SoldOut(left=left)
