"""Sealing statements: a payee's lines of a period, summed, sealed by a hash and linked to the one before.

The hash is sha256 over canonical text that anybody can write again from the statement's file: each line's own hash comes from
the view settlement_linefact (migration 0008), and verify_statement.py reckons both without our code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection, transaction
from django_scopes import scope

from core.clock import database_now
from coupons.settlement.domain.payees import PAYEE_COLUMNS, PayeeColumns, statement_period
from coupons.settlement.enums import PayeeKind, StatementCycle
from coupons.settlement.models import Statement, StatementSchedule
from merchants.models import Merchant

AMOUNTS = (
    "gross_fen", "platform_fee_fen", "service_fee_fen", "station_share_fen", "commission_fen", "merchant_fen",
)  # fmt: skip


@dataclass(frozen=True)
class _Payee:
    id: int
    kind: PayeeKind
    cycle: StatementCycle

    @property
    def columns(self) -> PayeeColumns:
        return PAYEE_COLUMNS[self.kind]


def last_finished_day(*, merchant: Merchant) -> date:
    """The latest local day of which every redemption is past its undo window."""
    safe = database_now() - timedelta(seconds=merchant.reversal_window_seconds)
    return safe.astimezone(merchant.tzinfo).date() - timedelta(days=1)


@transaction.atomic
def seal_statements(*, merchant: Merchant, until_date: date | None = None) -> list[Statement]:
    """For each payee a statement of each finished period up to until_date (default: the last finished day) with unstated lines.

    A line that comes late for a period goes into a further statement of it. A creator's commission waits
    COMMISSION_FREEZE_DAYS longer; what is taken back of it goes into his next statement. One sealer per merchant at a
    time.
    """
    if merchant.is_shadow:  # nothing of a rehearsal is ever stated or paid out; a trigger holds it too
        return []
    last = until_date or last_finished_day(merchant=merchant)
    sealed = []
    with scope(merchant=merchant.pk):
        Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk)
        for payee in list(_find_payees(merchant=merchant)):
            for period in _finished_periods(merchant=merchant, payee=payee, last=last):
                statement = _seal(merchant=merchant, payee=payee, period=period)
                if statement is not None:
                    sealed.append(statement)
    return sealed


def find_unstated() -> list[tuple[int, str]]:
    """(merchant, a key that changes as its unstated lines do) of each with lines no statement says to one of their payees.

    The local day is part of the key: what may not be stated today is asked for again tomorrow. Shadow shops are never
    stated.
    """
    unstated = " UNION ".join(
        f"SELECT l.merchant_id, max(l.id) AS newest FROM settlement_settlementline l WHERE l.{columns.statement} IS NULL"
        f" AND {f'l.{columns.payee} IS NOT NULL' if columns.payee else 'true'} GROUP BY l.merchant_id"
        for columns in PAYEE_COLUMNS.values()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT u.merchant_id, max(u.newest) || ':' || (now() AT TIME ZONE m.zone)::date
            FROM ({unstated}) u JOIN merchants_merchant m ON m.party_id = u.merchant_id AND m.shadow_of_id IS NULL
            GROUP BY u.merchant_id, m.zone
            """
        )
        return cursor.fetchall()


def _find_payees(*, merchant: Merchant) -> Iterator[_Payee]:
    cycles = {
        (payee_id, kind): StatementCycle(cycle)
        for payee_id, kind, cycle in StatementSchedule.objects.values_list("payee_id", "kind", "cycle")
    }
    for kind, columns in PAYEE_COLUMNS.items():
        ids = [merchant.pk]
        if columns.payee is not None:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT DISTINCT {columns.payee} FROM settlement_settlementline"
                    f" WHERE merchant_id = %s AND {columns.payee} IS NOT NULL AND {columns.statement} IS NULL ORDER BY 1",
                    [merchant.pk],
                )
                ids = [pk for (pk,) in cursor.fetchall()]
        for pk in ids:
            yield _Payee(pk, kind, cycles.get((pk, kind), StatementCycle.DAILY))


def _unstated(payee: _Payee) -> str:
    """The condition of a line that no statement says to this payee; `l` is the line."""
    columns = payee.columns
    condition = f"l.merchant_id = %(merchant)s AND l.{columns.statement} IS NULL"
    return condition if columns.payee is None else f"{condition} AND l.{columns.payee} = %(payee)s"


def _of_period(payee: _Payee) -> str:
    """The condition of an unstated line that goes into the statement of the period from %(first)s to %(until)s."""
    if not payee.columns.freeze_days:
        return "l.business_date BETWEEN %(first)s AND %(until)s"
    # What is taken back of a frozen commission, or of one stated before, does not wait until it is as old itself.
    return """(l.business_date BETWEEN %(first)s AND %(until)s OR l.refund_id IS NOT NULL AND EXISTS (
        SELECT FROM coupons_refund f JOIN coupons_redemption r ON r.id = f.redemption_id
        WHERE f.id = l.refund_id AND r.business_date <= %(until)s))"""


def _finished_periods(*, merchant: Merchant, payee: _Payee, last: date) -> list[tuple[date, date]]:
    """Periods with unstated lines that ended on `last` at the latest, or as much earlier as the payee's part is frozen."""
    thawed = last - timedelta(days=payee.columns.freeze_days)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT l.business_date FROM settlement_settlementline l"
            f" WHERE {_unstated(payee)} AND l.business_date <= %(thawed)s",
            {"merchant": merchant.pk, "payee": payee.id, "thawed": thawed},
        )
        periods = {statement_period(cycle=payee.cycle, day=day) for (day,) in cursor.fetchall()}
    return sorted(period for period in periods if period[1] <= thawed)


# One statement: the lines are taken, summed, hashed in the order of their ids, and the statement is written with its seal.
_SEAL = """
WITH taken AS MATERIALIZED (
    UPDATE settlement_settlementline l SET {statement} = %(id)s
    WHERE {unstated} AND {of_period}
    RETURNING l.id, l.refund_id, {amounts}),
sums AS (
    SELECT count(*)::int AS lines, count(refund_id)::int AS refunds,
        COALESCE(-sum(gross_fen) FILTER (WHERE refund_id IS NOT NULL), 0)::bigint AS refunded, {sums} FROM taken),
said AS (
    SELECT jsonb_agg(f.hash ORDER BY f.line_id) AS hashes FROM settlement_linefact f WHERE f.line_id IN (SELECT id FROM taken))
INSERT INTO settlement_statement (id, merchant_id, payee_id, kind, number, period_start, period_end, lines_count, refund_lines,
    gross_fen, refunded_fen, platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen, amount_fen,
    previous_id, hash, state, dispute_reason)
SELECT %(id)s, %(merchant)s, %(payee)s, %(kind)s, %(number)s, %(first)s, %(until)s, s.lines, s.refunds,
    s.gross_fen, s.refunded, s.platform_fee_fen, s.service_fee_fen, s.station_share_fen, s.commission_fen, s.merchant_fen, s.{part}, %(previous)s,
    settlement_seal(%(merchant)s, %(payee)s, %(kind)s, %(number)s, %(currency)s, %(first)s, %(until)s, s.lines, s.refunds, s.gross_fen,
        s.refunded, s.platform_fee_fen, s.service_fee_fen, s.station_share_fen, s.commission_fen, s.merchant_fen, s.{part},
        %(previous_hash)s, said.hashes),
    'sealed', ''
FROM sums s CROSS JOIN said WHERE s.lines > 0
RETURNING id
"""


def _seal(*, merchant: Merchant, payee: _Payee, period: tuple[date, date]) -> Statement | None:
    first_day, last_day = period
    chain = Statement.objects.filter(payee_id=payee.id, kind=payee.kind)
    previous = chain.filter(next__isnull=True).order_by("-id").first()
    of_kind = Statement.objects.filter(kind=payee.kind, period_start=first_day).count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT mint_id()")
        (statement_id,) = cursor.fetchone()
        columns = payee.columns
        cursor.execute(
            _SEAL.format(
                statement=columns.statement,
                part=columns.part,
                unstated=_unstated(payee),
                of_period=_of_period(payee),
                amounts=", ".join(f"l.{name}" for name in AMOUNTS),
                sums=", ".join(f"sum({name})::bigint AS {name}" for name in AMOUNTS),
            ),
            {
                "id": statement_id,
                "merchant": merchant.pk,
                "payee": payee.id,
                "kind": payee.kind,
                "number": f"{columns.prefix}{first_day:%Y%m%d}-{of_kind + 1:04d}",
                "currency": merchant.currency,
                "first": first_day,
                "until": last_day,
                "previous": previous.pk if previous else None,
                "previous_hash": previous.hash if previous else "",
            },
        )
        if cursor.fetchone() is None:
            return None
    return Statement.objects.get(pk=statement_id)


_SAYS_NOW = """
SELECT settlement_seal(s.merchant_id, s.payee_id, s.kind, s.number, m.currency, s.period_start, s.period_end, s.lines_count,
    s.refund_lines, s.gross_fen, s.refunded_fen, s.platform_fee_fen, s.service_fee_fen, s.station_share_fen, s.commission_fen, s.merchant_fen, s.amount_fen,
    COALESCE(p.hash, ''), (SELECT jsonb_agg(f.hash ORDER BY f.line_id) FROM settlement_linefact f WHERE f.{statement} = s.id))
FROM settlement_statement s JOIN merchants_merchant m ON m.party_id = s.merchant_id
LEFT JOIN settlement_statement p ON p.id = s.previous_id
WHERE s.id = %s
"""


def statement_hash(*, statement: Statement) -> str:
    """The hash (sha256, hex) over what a statement and its lines say now; equal to Statement.hash where nothing was touched."""
    columns = PAYEE_COLUMNS[PayeeKind(statement.kind)]
    with connection.cursor() as cursor:
        cursor.execute(_SAYS_NOW.format(statement=columns.statement), [statement.pk])
        said: str = cursor.fetchone()[0]
        return said
