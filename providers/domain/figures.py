"""Products, sell-through and sales of all clients and creators in one place. Statements do not grow with the clients.

Only of clients whose sales the reader's post may know, and of one currency: amounts of others do not add up with them.
Sold counts what was paid in the period, whatever is refunded later; redeemed what stands. Amounts are fen.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils import timezone

from coupons.insights.domain.across import sum_days_across
from coupons.insights.domain.figures import Compared, Day
from identity.enums import Role
from providers.domain.clients import knows_sales
from providers.models import Engagement

DAYS = 14
MOST_DEALS = 50
MOST_CREATORS = 50


@dataclass(frozen=True)
class Period:
    """Both days included."""

    first: date
    last: date

    @property
    def first_before(self) -> date:
        return self.first - timedelta(days=DAYS)


@dataclass
class ClientFigures:
    engagement: Engagement
    sold_fen: int = 0
    sold_before_fen: int = 0
    redeemed_fen: int = 0
    uses: int = 0
    on_sale: int = 0


@dataclass(frozen=True)
class DealFigures:
    """Of the period, but for `stock` (null: without end) and `sold_ever`, which are since the deal began."""

    deal_id: int
    merchant_id: int
    title: str
    price_fen: int
    state: str
    pieces: int
    sold_fen: int
    creators_pieces: int
    uses: int
    redeemed_fen: int
    stock: int | None
    sold_ever: int

    @property
    def sell_through_bps(self) -> int | None:
        """How much of the stock is sold, in basis points; None without an end or without stock."""
        return self.sold_ever * 10_000 // self.stock if self.stock else None


@dataclass(frozen=True)
class CreatorFigures:
    """What came by one creator's links: paid, and of that redeemed, in the period; commission of what is settled."""

    party_id: int
    name: str
    orders: int
    sold_fen: int
    redeemed_fen: int
    commission_fen: int


@dataclass
class Trade:
    period: Period
    currency: str
    clients: list[ClientFigures] = field(default_factory=list)
    other_currencies: int = 0  # clients left out because they trade in another currency
    unknown: int = 0  # clients that do not let the reader see their sales
    sold_days: list[Day] = field(default_factory=list)
    redeemed_days: list[Day] = field(default_factory=list)
    deals: list[DealFigures] = field(default_factory=list)
    creators: list[CreatorFigures] = field(default_factory=list)

    @property
    def sold(self) -> Compared:
        return Compared(sum(day.fen for day in self.sold_days), sum(day.fen_before for day in self.sold_days))

    @property
    def redeemed(self) -> Compared:
        return Compared(
            sum(day.fen for day in self.redeemed_days), sum(day.fen_before for day in self.redeemed_days)
        )

    @property
    def uses(self) -> int:
        return sum(client.uses for client in self.clients)

    @property
    def creators_fen(self) -> int:
        return sum(creator.sold_fen for creator in self.creators)


def sum_up_trade(*, engagements: Sequence[Engagement], role: Role, at: datetime) -> Trade:
    """The last 14 days, today so far included, beside the 14 before; of the clients in the order given."""
    known = [one for one in engagements if knows_sales(engagement=one, role=role)]
    currency = _usual_currency(known)
    counted = [one for one in known if one.merchant.currency == currency]
    today = timezone.localtime(at).date()
    period = Period(first=today - timedelta(days=DAYS - 1), last=today)
    trade = Trade(
        period=period,
        currency=currency,
        clients=[ClientFigures(engagement=one) for one in counted],
        other_currencies=len(known) - len(counted),
        unknown=len(engagements) - len(known),
    )
    ids = [one.merchant_id for one in counted]
    _add_days(trade, ids)
    if ids:
        _add_on_sale(trade, ids)
        trade.deals = _list_deals(ids, period)
        trade.creators = _list_creators(ids, period)
    return trade


def _usual_currency(engagements: Collection[Engagement]) -> str:
    usual = Counter(one.merchant.currency for one in engagements).most_common(1)
    return usual[0][0] if usual else "CNY"


def _add_days(trade: Trade, merchant_ids: list[int]) -> None:
    clients = {client.engagement.merchant_id: client for client in trade.clients}
    sold: dict[date, int] = defaultdict(int)
    redeemed: dict[date, int] = defaultdict(int)
    for day in sum_days_across(
        merchant_ids=merchant_ids, first=trade.period.first_before, last=trade.period.last
    ):
        client = clients[day.merchant_id]
        sold[day.date] += day.sold_fen
        redeemed[day.date] += day.redeemed.fen
        if day.date >= trade.period.first:
            client.sold_fen += day.sold_fen
            client.redeemed_fen += day.redeemed.fen
            client.uses += day.redeemed.uses
        else:
            client.sold_before_fen += day.sold_fen
    for sums, days in ((sold, trade.sold_days), (redeemed, trade.redeemed_days)):
        for number in range(DAYS):
            day_date = trade.period.first + timedelta(days=number)
            days.append(
                Day(date=day_date, fen=sums[day_date], fen_before=sums[day_date - timedelta(days=DAYS)])
            )


def _add_on_sale(trade: Trade, merchant_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT merchant_id, count(*) FROM coupons_deal WHERE merchant_id = ANY(%s) AND state = 'online' GROUP BY 1",
            [merchant_ids],
        )
        counts = dict(cursor.fetchall())
    for client in trade.clients:
        client.on_sale = counts.get(client.engagement.merchant_id, 0)


# Days begin at midnight of each merchant's zone; redemptions carry their business date.
_DEALS = """
WITH sold AS (
    SELECT o.deal_id, sum(o.quantity) AS pieces, sum(o.paid_fen) AS fen,
        COALESCE(sum(o.quantity) FILTER (WHERE p.payee_id IS NOT NULL), 0) AS by_creators
    FROM merchants_merchant m
    JOIN coupons_order o ON o.merchant_id = m.party_id
        AND o.paid_at >= %(first)s::date::timestamp AT TIME ZONE m.zone
        AND o.paid_at < (%(last)s::date + 1)::timestamp AT TIME ZONE m.zone
    LEFT JOIN coupons_placement p ON p.id = o.placement_id
    WHERE m.party_id = ANY(%(merchants)s) GROUP BY o.deal_id
), used AS (
    SELECT r.deal_id, count(*) AS uses, sum(r.gross_fen) AS fen FROM coupons_redemption r
    WHERE r.merchant_id = ANY(%(merchants)s) AND r.business_date BETWEEN %(first)s AND %(last)s
      AND r.reversed_at IS NULL
    GROUP BY r.deal_id
), best AS (
    SELECT COALESCE(sold.deal_id, used.deal_id) AS deal_id, COALESCE(sold.pieces, 0) AS pieces,
        COALESCE(sold.fen, 0) AS fen, COALESCE(sold.by_creators, 0) AS by_creators,
        COALESCE(used.uses, 0) AS uses, COALESCE(used.fen, 0) AS used_fen
    FROM sold FULL JOIN used USING (deal_id)
    ORDER BY 3 DESC, 6 DESC, 1 LIMIT %(most)s
)
SELECT d.id, d.merchant_id, d.title, d.price_fen, d.state, best.pieces, best.fen, best.by_creators,
    best.uses, best.used_fen, s.total, COALESCE(s.sold, 0)
FROM best JOIN coupons_deal d ON d.id = best.deal_id
LEFT JOIN LATERAL (SELECT v.total, v.sold FROM coupons_dealstock v WHERE v.deal_id = d.id) s ON true
ORDER BY best.fen DESC, best.used_fen DESC, d.id
"""


def _list_deals(merchant_ids: list[int], period: Period) -> list[DealFigures]:
    """The deals that brought most, at most MOST_DEALS."""
    with connection.cursor() as cursor:
        cursor.execute(_DEALS, _values(merchant_ids, period, MOST_DEALS))
        return [
            DealFigures(
                deal_id=row[0], merchant_id=row[1], title=row[2], price_fen=row[3], state=row[4],
                pieces=int(row[5]), sold_fen=int(row[6]), creators_pieces=int(row[7]), uses=int(row[8]),
                redeemed_fen=int(row[9]), stock=row[10], sold_ever=row[11],
            )
            for row in cursor.fetchall()
        ]  # fmt: skip


_CREATORS = """
WITH sold AS (
    SELECT p.payee_id, count(*) AS orders, sum(o.paid_fen) AS fen
    FROM merchants_merchant m
    JOIN coupons_order o ON o.merchant_id = m.party_id
        AND o.paid_at >= %(first)s::date::timestamp AT TIME ZONE m.zone
        AND o.paid_at < (%(last)s::date + 1)::timestamp AT TIME ZONE m.zone
    JOIN coupons_placement p ON p.id = o.placement_id AND p.payee_id IS NOT NULL
    WHERE m.party_id = ANY(%(merchants)s) GROUP BY p.payee_id
), used AS (
    SELECT p.payee_id, sum(r.gross_fen) AS fen
    FROM coupons_redemption r JOIN coupons_order o ON o.id = r.order_id
    JOIN coupons_placement p ON p.id = o.placement_id AND p.payee_id IS NOT NULL
    WHERE r.merchant_id = ANY(%(merchants)s) AND r.business_date BETWEEN %(first)s AND %(last)s
      AND r.reversed_at IS NULL
    GROUP BY p.payee_id
), settled AS (
    SELECT l.commission_payee_id AS payee_id, sum(l.commission_fen) AS fen FROM settlement_settlementline l
    WHERE l.merchant_id = ANY(%(merchants)s) AND l.business_date BETWEEN %(first)s AND %(last)s
      AND l.commission_payee_id IS NOT NULL
    GROUP BY l.commission_payee_id
)
SELECT party.id, party.name, COALESCE(sold.orders, 0), COALESCE(sold.fen, 0), COALESCE(used.fen, 0),
    COALESCE(settled.fen, 0)
FROM sold FULL JOIN used USING (payee_id) FULL JOIN settled USING (payee_id)
JOIN identity_party party ON party.id = payee_id
ORDER BY 4 DESC, 5 DESC, 1 LIMIT %(most)s
"""


def _list_creators(merchant_ids: list[int], period: Period) -> list[CreatorFigures]:
    """Whose links brought most, at most MOST_CREATORS."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATORS, _values(merchant_ids, period, MOST_CREATORS))
        return [
            CreatorFigures(
                party_id=row[0], name=row[1], orders=row[2], sold_fen=int(row[3]), redeemed_fen=int(row[4]),
                commission_fen=int(row[5]),
            )
            for row in cursor.fetchall()
        ]  # fmt: skip


def _values(merchant_ids: list[int], period: Period, most: int) -> dict[str, list[int] | date | int]:
    return {"merchants": merchant_ids, "first": period.first, "last": period.last, "most": most}
