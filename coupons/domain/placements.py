"""Placements: the links and cards by which customers come, each with its entrance."""

import re
import secrets
from dataclasses import dataclass

from django.db.models.functions import Now
from django_scopes import scope

from coupons.enums import Entrance
from coupons.models import Deal, Placement, StockPool
from identity.models import User
from merchants.models import Merchant

TOKEN = re.compile(r"[0-9A-Za-z_-]{8,24}", re.ASCII)


@dataclass(frozen=True)
class PlacementShare:
    """Who gets how much of each use that comes by a placement, and by which rule ("claim:<id>")."""

    payee_id: int
    bps: int
    rule: str


def create_placement(
    *,
    deal: Deal,
    entrance: Entrance,
    pool: StockPool | None = None,
    label: str = "",
    share: PlacementShare | None = None,
    by: User | None = None,
) -> Placement:
    """A new link to a deal. With a pool it sells that allotment's pieces, until the pool is closed.

    With a share every order by it freezes that commission; what the merchant's terms leave is the most it can be.
    """
    with scope(merchant=deal.merchant_id):
        return Placement.objects.create(
            merchant_id=deal.merchant_id,
            deal=deal,
            entrance=entrance,
            token=secrets.token_urlsafe(12),
            pool=pool,
            label=label,
            payee_id=share.payee_id if share else None,
            commission_bps=share.bps if share else None,
            rule=share.rule if share else "",
            created_by=by,
        )


def find_placement(*, merchant: Merchant, token: str) -> Placement | None:
    """The open placement of this token; None for whatever else was in the address: the customer still gets the deal."""
    if not TOKEN.fullmatch(token):
        return None
    with scope(merchant=merchant.pk):
        return Placement.objects.filter(token=token, closed_at__isnull=True).first()


def close_placement(*, placement: Placement) -> None:
    """Orders by this link are counted for no entrance any more and sell from the general pool."""
    with scope(merchant=placement.merchant_id):
        Placement.objects.filter(pk=placement.pk, closed_at__isnull=True).update(closed_at=Now())
