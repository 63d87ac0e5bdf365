"""A town whose trade a provider, a station and a creator have part in, with uses refunded in part and whole."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django_scopes import scopes_disabled

from coupons.enums import DealKind
from coupons.models import OrderShare
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import Statement
from coupons.tests.town import Town, make_town, make_user, put_paid_refund
from identity.enums import PartyKind, Role
from identity.models import Grant, Party, User

EVENING = datetime(2026, 11, 2, 19, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
SHARES = {
    PayeeKind.PROVIDER: "service_fee",
    PayeeKind.STATION: "station_share",
    PayeeKind.CREATOR: "commission",
}
RATES = {PayeeKind.PROVIDER: 1_234, PayeeKind.STATION: 77, PayeeKind.CREATOR: 2_001}


@dataclass
class SharedTown:
    """The newest statement of each kind, who it is for, and somebody who may read it."""

    town: Town
    parties: dict[PayeeKind, Party]
    readers: dict[PayeeKind, User]
    statements: dict[PayeeKind, Statement]
    sealed: list[Statement]


def make_shared_town(*, slug: str = "laozao", parties: dict[PayeeKind, Party] | None = None) -> SharedTown:
    """Two days of uses of a triple coupon at a price no rate divides; two are refunded, in part and whole, by the second day."""
    with scopes_disabled():
        town = make_town(slug=slug, platform_fee_bps=333)
        readers = {PayeeKind.MERCHANT: town.owner}
        if parties is None:
            parties = {
                kind: Party.objects.create(kind=PartyKind(kind), name=f"{slug} {kind.label}")
                for kind in SHARES
            }
            for kind, party in parties.items():
                readers[kind] = make_user(f"{slug} {kind}")
                Grant.objects.create(user=readers[kind], party=party, role=Role.OWNER, why="test")
        deal = town.make_deal(kind=DealKind.TIMES_CARD, price_fen=9_999, list_price_fen=12_000, uses_total=3)
        for day in range(2):
            at = EVENING + timedelta(days=day)
            order = town.order(deal=deal, at=at - timedelta(hours=1))
            for kind, party in parties.items():
                OrderShare.objects.create(
                    merchant=town.merchant, order=order, payee=party, kind=SHARES[kind], bps=RATES[kind], rule="test"
                )  # fmt: skip
            town.pay(order, at=at - timedelta(hours=1))
            for number in range(3):
                store = [town.store, town.other_store][number % 2]
                receipt = town.redeem(
                    order.coupons.get().code, at=at + timedelta(minutes=number), store=store
                )
                if day == 0 and number < 2:
                    gone = receipt.redemptions[0].id
                    settle_merchant(merchant_id=town.merchant.pk, at=at + timedelta(hours=3))
                    back = put_paid_refund(gone, amount_fen=[1_001, None][number])
                    type(back).objects.filter(pk=back.pk).update(paid_out_at=at + timedelta(days=1))
            settle_merchant(merchant_id=town.merchant.pk, at=at + timedelta(hours=5))
        sealed = []
        for days in (0, 1, 9):  # nine days later the creator's part has thawed
            sealed += seal_statements(
                merchant=town.merchant, until_date=(EVENING + timedelta(days=days)).date()
            )
        newest = {PayeeKind(one.kind): one for one in sorted(sealed, key=lambda one: one.pk)}
    return SharedTown(town, parties, readers, newest, sealed)
