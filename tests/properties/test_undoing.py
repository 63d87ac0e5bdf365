"""Undone and redeemed again is as if it had been redeemed once: for every price, card and number of tries."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_scopes import scopes_disabled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coupons.domain.reversal import reverse_redemptions
from coupons.enums import DealKind
from coupons.models import Coupon, Deal, Redemption
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import SettlementLine
from coupons.tests.town import Town, make_town
from identity.enums import PartyKind
from identity.models import Party
from ledger.models import Balance
from merchants.enums import ShareKind
from merchants.tests.agreeing import put_long_ago

pytestmark = pytest.mark.django_db
LINE = ("business_date", "gross_fen", "platform_fee_fen", "service_fee_fen", "merchant_fen")


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    price=st.integers(1, 99_999), bps=st.integers(0, 5_000), uses=st.integers(1, 4), undone=st.integers(1, 3)
)
def test_undo_then_redeem_equals_redeem(db: None, price: int, bps: int, uses: int, undone: int) -> None:
    with scopes_disabled(), transaction.atomic():
        town = make_town()
        provider = Party.objects.create(kind=PartyKind.PROVIDER, name="provider")
        put_long_ago(town.merchant, ShareKind.SERVICE_FEE, bps, provider)
        first, second = (make_card(town, price=price, uses=uses) for _ in range(2))
        straight = use_all(town, first, undone=0)
        assert straight == use_all(town, second, undone=undone)
        transaction.set_rollback(True)


def make_card(town: Town, *, price: int, uses: int) -> Deal:
    kind = DealKind.TIMES_CARD if uses > 1 else DealKind.PACKAGE
    return town.make_deal(price_fen=price, list_price_fen=price, kind=kind, uses_total=uses)


def use_all(town: Town, deal: Deal, *, undone: int) -> tuple[object, ...]:
    """Every use of one coupon, each undone so often before it is redeemed for good; what came of it in the end."""
    before = balances(town)
    at = timezone.now() - timedelta(minutes=50)
    (coupon,) = town.buy(deal=deal, at=at - timedelta(hours=1))
    for _use in range(deal.uses_total):
        for _try in range(undone):
            (receipt,) = town.redeem(coupon.code, at=at).redemptions
            reverse_redemptions(
                merchant=town.merchant, redemption_ids=[receipt.id], by=town.owner, reason="again"
            )
        town.redeem(coupon.code, at=at)
    settle_merchant(merchant_id=town.merchant.pk, at=timezone.now() + timedelta(hours=2))
    coupon = Coupon.objects.get(pk=coupon.pk)
    uses = Redemption.objects.filter(coupon=coupon, reversed_at__isnull=True).order_by("use_no")
    lines = SettlementLine.objects.filter(coupon=coupon).order_by("redemption__use_no").values_list(*LINE)
    after = balances(town)
    moved = sorted((key, fen - before.get(key, 0)) for key, fen in after.items() if fen != before.get(key, 0))
    return coupon.state, coupon.uses_left, [use.use_no for use in uses], list(lines), moved


def balances(town: Town) -> dict[tuple[str, int], int]:
    """Credits less debits of every account of the book."""
    return {
        (balance.account.kind, balance.account.owner_id): balance.credits_fen - balance.debits_fen
        for balance in Balance.objects.filter(merchant_id=town.merchant.pk).select_related("account")
    }
