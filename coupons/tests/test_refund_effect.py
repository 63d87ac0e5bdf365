"""What the page says a refund takes back from whom is what its settlement line takes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled
from hypothesis import given
from hypothesis import strategies as st

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain.refund_effect import split_refund
from coupons.domain.use_refunds import refund_use
from coupons.models import OrderShare, Redemption
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import SettlementLine
from coupons.tests.town import make_town
from identity.models import Party
from merchants.domain.terms import PAYEES
from merchants.enums import ShareKind
from merchants.tests.agreeing import put_long_ago

RATES = {ShareKind.SERVICE_FEE: 333, ShareKind.STATION_SHARE: 1, ShareKind.COMMISSION: 2_500}
FIELDS = {
    ShareKind.PLATFORM_FEE: "platform_fee_fen",
    ShareKind.SERVICE_FEE: "service_fee_fen",
    ShareKind.STATION_SHARE: "station_share_fen",
    ShareKind.COMMISSION: "commission_fen",
    None: "merchant_fen",
}


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def test_the_page_and_the_line_agree_to_the_fen(town):
    payees = {kind: Party.objects.create(kind=PAYEES[kind], name=kind) for kind in RATES}
    for kind in (ShareKind.SERVICE_FEE, ShareKind.STATION_SHARE):
        put_long_ago(town.merchant, kind, RATES[kind], payees[kind])
    at = timezone.now() - timedelta(days=2)
    expected = {}
    for price, amount in ((12_800, 12_800), (12_800, 1), (12_800, 5_001), (9_999, 9_998), (7, 3), (1, 1)):
        (coupon,) = town.buy(deal=town.make_deal(price_fen=price), at=at)
        OrderShare.objects.create(
            merchant=town.merchant,
            order_id=coupon.order_id,
            payee=payees[ShareKind.COMMISSION],
            kind=ShareKind.COMMISSION,
            bps=RATES[ShareKind.COMMISSION],
            rule="test",
        )
        town.redeem(coupon.code, at=at)
        redemption = Redemption.objects.get(coupon=coupon)
        shares = list(OrderShare.objects.filter(order_id=coupon.order_id).select_related("payee"))
        refund = refund_use(
            redemption=redemption, amount_fen=amount, cause="quality", reason="抱歉", by=town.owner
        )
        parts = split_refund(gross_fen=price, amount_fen=amount, shares=shares)
        assert sum(part.fen for part in parts) == amount
        expected[refund.pk] = {FIELDS[part.kind]: -part.fen for part in parts}
    settle_merchant(merchant_id=town.merchant.pk)
    assert run_due_jobs(kinds=["pay_refund"]) == len(expected)
    settle_merchant(merchant_id=town.merchant.pk)

    lines = SettlementLine.objects.filter(refund__isnull=False)
    written = {line.refund_id: {name: getattr(line, name) for name in FIELDS.values()} for line in lines}
    assert written == expected
    assert check_invariants().broken == {}


@given(
    gross=st.integers(1, 10_000_000),
    share=st.integers(0, 10_000),
    rates=st.lists(st.integers(0, 2_500), min_size=4, max_size=4),
)
def test_parts_sum_and_nobody_gives_more_than_he_got(gross, share, rates):
    amount = max(1, gross * share // 10_000)
    shares = [
        OrderShare(kind=kind, bps=bps, payee=Party(name=kind))
        for kind, bps in zip(ShareKind, rates, strict=True)
    ]
    parts = split_refund(gross_fen=gross, amount_fen=amount, shares=shares)
    whole = split_refund(gross_fen=gross, amount_fen=gross, shares=shares)
    assert sum(part.fen for part in parts) == amount
    assert all(0 <= part.fen <= got.fen for part, got in zip(parts[1:], whole[1:], strict=True))
    assert parts[0].fen >= 0
