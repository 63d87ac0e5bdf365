"""Refunds after use: what each party gives back, where it is stated, and that nothing of it is written twice."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from core.invariants import check_invariants
from core.models import Job
from coupons.models import OrderShare, Refund
from coupons.settlement.domain.payees import COMMISSION_FREEZE_DAYS, statement_period
from coupons.settlement.domain.sealing import last_finished_day, seal_statements
from coupons.settlement.domain.settlement import enqueue_unsettled, settle_merchant
from coupons.settlement.enums import PayeeKind, StatementCycle
from coupons.settlement.models import SettlementLine, Statement, StatementSchedule
from coupons.tests.town import Town, make_town, put_paid_refund
from identity.enums import PartyKind
from identity.models import Party
from ledger.models import Balance
from merchants.enums import ShareKind
from merchants.tests.agreeing import put_long_ago

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SHARES = (
    ("service_fee", 300, PartyKind.PROVIDER),
    ("station_share", 117, PartyKind.STATION),
    ("commission", 611, PartyKind.CREATOR),
)


@pytest.fixture
def town():
    with scopes_disabled():
        yield make_town(platform_fee_bps=250)


@pytest.fixture
def payees(town) -> dict[str, Party]:
    """Who shares in each use; the terms with all but the creator are older than every order."""
    made = {kind: Party.objects.create(kind=party, name=kind) for kind, _, party in SHARES}
    for kind, bps, _ in SHARES[:2]:
        put_long_ago(town.merchant, ShareKind(kind), bps, made[kind])
    return made


def use(town: Town, payees: dict[str, Party], *, at, price_fen: int = 3_333) -> int:
    """A use of a coupon of this price, bought with everybody's share; its id."""
    order = town.order(deal=town.make_deal(price_fen=price_fen), at=at)
    kind, bps, _ = SHARES[2]
    OrderShare.objects.create(
        merchant=town.merchant, order=order, payee=payees[kind], kind=kind, bps=bps, rule="test"
    )
    town.pay(order, at=at)
    return town.redeem(order.coupons.get().code, at=at).redemptions[0].id


def settle(town: Town) -> None:
    settle_merchant(merchant_id=town.merchant.pk)


def parts(line: SettlementLine) -> tuple[int, ...]:
    return (
        line.gross_fen, line.platform_fee_fen, line.service_fee_fen, line.station_share_fen, line.commission_fen,
        line.merchant_fen,
    )  # fmt: skip


def owed(town: Town) -> dict[str, int]:
    return {
        balance.account.kind: balance.credits_fen - balance.debits_fen
        for balance in Balance.objects.filter(merchant_id=town.merchant.pk).select_related("account")
    }


def test_a_use_refunded_whole_leaves_nothing_to_anybody(town, payees):
    redemption_id = use(town, payees, at=timezone.now() - 3 * DAY)
    settle(town)
    given = SettlementLine.objects.get(redemption_id=redemption_id)
    assert parts(given) == (3_333, 83, 100, 39, 204, 2_907)

    refund = put_paid_refund(redemption_id)
    settle(town)

    taken = SettlementLine.objects.get(refund=refund)
    assert parts(taken) == (-3_333, -83, -100, -39, -204, -2_907)
    assert taken.use.pk == redemption_id
    assert set(owed(town).values()) == {0}
    refund.refresh_from_db()
    assert refund.journal.kind == "clawback"
    assert check_invariants().broken == {}


def test_each_party_gives_back_its_part_of_a_refund_and_never_more_than_it_got(town, payees):
    redemption_id = use(town, payees, at=timezone.now() - 3 * DAY)
    settle(town)
    refund = put_paid_refund(redemption_id, amount_fen=1_000)
    settle(town)

    # 25, 30, 11.7 and 61.1 of 1,000: the fen left over goes to the station; the merchant keeps 872.2.
    assert parts(SettlementLine.objects.get(refund=refund)) == (-1_000, -25, -30, -12, -61, -872)
    assert owed(town) == {
        "psp_clearing": -2_333, "customer_prepaid": 0, "merchant_payable": 2_035, "platform_fee": 58,
        "service_fee": 70, "station_share": 27, "commission": 143,
    }  # fmt: skip
    assert check_invariants().broken == {}


def test_no_party_gives_back_more_than_the_use_gave_it(town, payees):
    """Small amounts, where a fen left over goes to another party than it went to when the use was settled."""
    bought = timezone.now() - 3 * DAY
    for price in range(1, 60):
        redemption_id = use(town, payees, at=bought, price_fen=price)
        settle(town)
        given = SettlementLine.objects.get(redemption_id=redemption_id)
        refund = put_paid_refund(redemption_id, amount_fen=max(1, price - 1))
        settle(town)
        taken = SettlementLine.objects.get(refund=refund)
        left = [one + other for one, other in zip(parts(given), parts(taken), strict=True)]
        assert all(part >= 0 for part in left[1:5]), (price, parts(given), parts(taken))
    assert check_invariants().broken == {}


def test_a_refund_is_taken_back_once_and_waits_for_its_use_to_be_settled(town, payees):
    redemption_id = use(town, payees, at=timezone.now() - 3 * DAY)
    put_paid_refund(redemption_id)
    assert SettlementLine.objects.count() == 0

    settle(town)  # both in one run: first the use, then what is taken back of it
    assert SettlementLine.objects.count() == 2
    settle(town)
    settle(town)

    assert SettlementLine.objects.count() == 2
    assert check_invariants().broken == {}


def test_the_sweep_finds_a_refund_nobody_took_back(town, payees):
    redemption_id = use(town, payees, at=timezone.now() - 3 * DAY)
    settle(town)
    refund = put_paid_refund(redemption_id)

    Job.objects.all().delete()
    assert enqueue_unsettled() == 0  # its own job may still come
    Refund.objects.filter(pk=refund.pk).update(paid_out_at=timezone.now() - timedelta(minutes=6))

    assert enqueue_unsettled() == 1


def test_what_is_taken_back_nets_into_the_next_statement(town, payees):
    first = use(town, payees, at=timezone.now() - 3 * DAY)
    settle(town)
    before = {one.kind: one for one in seal_statements(merchant=town.merchant)}
    assert {kind: one.amount_fen for kind, one in before.items()} == {
        "merchant": 2_907, "provider": 100, "station": 39,
    }  # fmt: skip

    refund = put_paid_refund(first, amount_fen=1_000)
    Refund.objects.filter(pk=refund.pk).update(paid_out_at=timezone.now() - 2 * DAY)
    use(town, payees, at=timezone.now() - 2 * DAY)
    settle(town)
    after = {one.kind: one for one in seal_statements(merchant=town.merchant)}

    mine = after["merchant"]
    assert (mine.lines_count, mine.refund_lines, mine.gross_fen, mine.refunded_fen) == (2, 1, 2_333, 1_000)
    assert (mine.amount_fen, mine.previous) == (2_907 - 872, before["merchant"])
    assert (after["provider"].amount_fen, after["station"].amount_fen) == (100 - 30, 39 - 12)
    assert [one.number[0] for one in (mine, after["provider"], after["station"])] == ["S", "P", "T"]
    assert check_invariants().broken == {}


def test_a_commission_is_frozen_seven_days_and_what_is_taken_back_meanwhile_comes_with_it(town, payees):
    sold = timezone.now() - (COMMISSION_FREEZE_DAYS + 2) * DAY
    redemption_id = use(town, payees, at=sold)
    settle(town)
    last = last_finished_day(merchant=town.merchant)
    use_day = SettlementLine.objects.get(redemption_id=redemption_id).business_date
    refund = put_paid_refund(redemption_id, amount_fen=1_000)
    settle(town)

    early = seal_statements(merchant=town.merchant, until_date=use_day + (COMMISSION_FREEZE_DAYS - 1) * DAY)
    assert "creator" not in {one.kind for one in early}
    (creator,) = [
        one for one in seal_statements(merchant=town.merchant, until_date=last) if one.kind == "creator"
    ]

    assert (creator.payee, creator.period_start, creator.period_end) == (
        payees["commission"],
        use_day,
        use_day,
    )
    assert (creator.lines_count, creator.refund_lines, creator.amount_fen) == (2, 1, 204 - 61)
    assert SettlementLine.objects.get(refund=refund).commission_statement == creator
    assert check_invariants().broken == {}


@pytest.mark.parametrize(
    ("cycle", "first", "last"),
    [
        ("daily", "2024-02-28", "2024-02-28"),
        ("weekly", "2024-02-26", "2024-03-03"),
        ("monthly", "2024-02-01", "2024-02-29"),
    ],
)
def test_a_period_is_a_day_a_week_from_monday_or_a_month(cycle, first, last):
    day = date(2024, 2, 28)
    period = statement_period(cycle=StatementCycle(cycle), day=day)
    assert tuple(str(end) for end in period) == (first, last)


def test_a_week_is_stated_when_it_is_over(town, payees):
    StatementSchedule.objects.create(
        merchant=town.merchant,
        payee_id=town.merchant.pk,
        kind=PayeeKind.MERCHANT,
        cycle=StatementCycle.WEEKLY,
    )
    today = timezone.now().astimezone(town.merchant.tzinfo)
    monday = (today - timedelta(days=today.weekday() + 7)).replace(hour=12)
    for at in (monday, monday + 2 * DAY):
        use(town, payees, at=at)
    settle(town)

    early = seal_statements(merchant=town.merchant, until_date=(monday + 5 * DAY).date())
    assert "merchant" not in {one.kind for one in early}
    seal_statements(merchant=town.merchant, until_date=(monday + 6 * DAY).date())

    week = Statement.objects.get(kind=PayeeKind.MERCHANT)
    assert (week.lines_count, week.period_start, week.period_end) == (
        2, monday.date(), (monday + 6 * DAY).date(),
    )  # fmt: skip


ATTACKS = [
    "UPDATE settlement_settlementline SET merchant_fen = merchant_fen + 1, platform_fee_fen = platform_fee_fen - 1",
    "UPDATE settlement_settlementline SET statement_id = NULL",
    "DELETE FROM settlement_settlementline",
    "TRUNCATE settlement_settlementline CASCADE",
    "UPDATE settlement_statement SET amount_fen = 0",
    "UPDATE settlement_statement SET hash = repeat('0', 64)",
    "DELETE FROM settlement_statement",
    "TRUNCATE settlement_statement CASCADE",
    "UPDATE ledger_journal SET source = 'x'",
    "DELETE FROM ledger_journal",
    "TRUNCATE ledger_journal CASCADE",
    "UPDATE ledger_transfer SET amount_fen = 1",
    "DELETE FROM ledger_transfer",
    "TRUNCATE ledger_transfer",
]


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_refuses_to_change_what_was_settled(town, payees, attack, role):
    """For the owner of the tables, and in replica mode, where ordinary triggers sleep."""
    use(town, payees, at=timezone.now() - 3 * DAY)
    settle(town)
    seal_statements(merchant=town.merchant)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        before = _everything(cursor)
        with pytest.raises(IntegrityError, match="refused"), transaction.atomic():
            cursor.execute(f"SET LOCAL session_replication_role = {role}")
            cursor.execute(attack)
        assert _everything(cursor) == before


def _everything(cursor) -> list[object]:
    said = []
    for table in ("settlement_settlementline", "settlement_statement", "ledger_journal", "ledger_transfer"):
        cursor.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t.id)) FROM {table} t")
        said.append(cursor.fetchone())
    return said


def test_why_a_line_says_what_it_says(client, town, payees):
    """From the amount to the rates, the fractions, the order, the payment and the journal; of both kinds of lines."""
    redemption_id = use(town, payees, at=timezone.now() - 3 * DAY)
    settle(town)
    refund = put_paid_refund(redemption_id, amount_fen=1_000)
    settle(town)
    given = SettlementLine.objects.get(redemption_id=redemption_id)
    taken = SettlementLine.objects.get(refund=refund)
    client.force_login(town.owner)

    page = client.get(f"/m/laozao/settlement-lines/{given.pk}/").content.decode()
    for told in (
        "/m/laozao/terms/",
        "0.83325",
        "0.83",
        "2.036463",
        "29.07",
        "33.33",
        str(given.batch.journal_id),
        str(given.use.order_id),
    ):
        assert told in page, told
    page = client.get(f"/m/laozao/settlement-lines/{taken.pk}/").content.decode()
    for told in ("\u22120.117", "\u2212¥0.12", "\u2212¥10.00", f"/settlement-lines/{given.pk}/"):
        assert told in page, told
    client.force_login(town.clerk)
    assert client.get(f"/m/laozao/settlement-lines/{given.pk}/").status_code in (403, 404)
