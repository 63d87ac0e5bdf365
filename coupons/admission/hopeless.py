"""The one cheap read that decides whether an order would be refused; no row is written and none is locked."""

from django.db.models import OuterRef, Subquery
from django_scopes import scopes_disabled

from coupons.domain.orders import OverPersonLimit, SoldOut
from coupons.models import Deal, DealPurchase


def check_hope(*, deal_id: int, customer_id: int, quantity: int, pool_id: int | None = None) -> None:
    """Raise SoldOut(left) or OverPersonLimit(limit, bought) where, at this moment, placing the order would.

    As true as the order itself: what it says held when the statement began. A deal that does not exist is not hopeless:
    placing the order says what is wrong.
    """
    with scopes_disabled():
        bought = DealPurchase.objects.filter(deal_id=OuterRef("pk"), customer_id=customer_id)
        deal = (
            Deal.objects.filter(pk=deal_id)
            .select_related("stock")
            .annotate(bought=Subquery(bought.values("quantity")))
            .first()
        )
    if deal is None:
        return
    limit, had = deal.per_person_limit, deal.bought or 0
    if limit is not None and had + quantity > limit:
        raise OverPersonLimit(limit=limit, bought=had)
    left = deal.stock.left
    if left is not None and left < quantity:
        raise SoldOut(left=left)
