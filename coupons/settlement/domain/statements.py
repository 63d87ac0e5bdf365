"""Statements: a merchant's lines of a day, summed, sealed by a hash and linked to the one before. Never edited."""

from datetime import date, timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django_scopes import scope

from core.clock import database_now
from core.errors import DomainError, Invalid
from coupons.settlement.enums import StatementState
from coupons.settlement.models import SettlementLine, Statement
from identity.domain.audit import record_event
from identity.models import User
from merchants.models import Merchant


class StatementNotOpen(DomainError):
    """It was confirmed or disputed before."""

    code = "statement_not_open"


def last_finished_day(*, merchant: Merchant) -> date:
    """The latest local day of which every redemption is past its undo window."""
    safe = database_now() - timedelta(seconds=merchant.reversal_window_seconds)
    return safe.astimezone(merchant.tzinfo).date() - timedelta(days=1)


@transaction.atomic
def seal_statements(*, merchant: Merchant, until_date: date | None = None) -> list[Statement]:
    """A statement for each day up to until_date (default: the last finished day) that has lines in none.

    A line that comes late for a day goes into a further statement of that day. One sealer per merchant at a time.
    """
    if merchant.is_shadow:  # nothing of a rehearsal is ever stated or paid out; a trigger holds it too
        return []
    last = until_date or last_finished_day(merchant=merchant)
    with scope(merchant=merchant.pk):
        Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk)
        days = (
            SettlementLine.objects.filter(statement__isnull=True, business_date__lte=last)
            .order_by("business_date")
            .values_list("business_date", flat=True)
            .distinct()
        )
        return [_seal_day(merchant=merchant, day=day) for day in list(days)]


_TAKE_LINES = """
WITH sums AS (
    SELECT count(*) AS lines, sum(gross_fen) AS gross, sum(platform_fee_fen) AS platform_fee,
        sum(service_fee_fen) AS service_fee, sum(station_share_fen) AS station_share, sum(commission_fen) AS commission,
        sum(merchant_fen) AS merchant
    FROM settlement_settlementline
    WHERE merchant_id = %(merchant)s AND business_date = %(day)s AND statement_id IS NULL),
made AS (
    INSERT INTO settlement_statement (merchant_id, number, period_start, period_end, lines_count, gross_fen,
        platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen, previous_id, hash, state,
        dispute_reason)
    SELECT %(merchant)s, %(number)s, %(day)s, %(day)s, lines, gross, platform_fee, service_fee, station_share, commission,
        merchant, %(previous)s, '', 'sealed', ''
    FROM sums RETURNING id),
taken AS (
    UPDATE settlement_settlementline l SET statement_id = made.id, state = 'in_statement' FROM made
    WHERE l.merchant_id = %(merchant)s AND l.business_date = %(day)s AND l.statement_id IS NULL)
SELECT id FROM made
"""

# What a statement says, as canonical text: its own sums, the hash before it, and every line in the order of redemptions.
_HASH = """
SELECT encode(sha256(convert_to(jsonb_build_array(
    s.merchant_id::text, s.number, s.period_start, s.period_end, s.lines_count, s.gross_fen, s.platform_fee_fen,
    s.service_fee_fen, s.station_share_fen, s.commission_fen, s.merchant_fen, COALESCE(p.hash, ''),
    (SELECT jsonb_agg(jsonb_build_array(l.redemption_id::text, l.coupon_id::text, l.store_id::text, l.business_date, l.gross_fen,
        l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen, l.merchant_fen)
        ORDER BY l.redemption_id) FROM settlement_settlementline l WHERE l.statement_id = s.id)
    )::text, 'UTF8')), 'hex')
FROM settlement_statement s LEFT JOIN settlement_statement p ON p.id = s.previous_id
WHERE s.merchant_id = %s AND s.id = %s
"""


def _seal_day(*, merchant: Merchant, day: date) -> Statement:
    previous = Statement.objects.filter(next__isnull=True).order_by("-id").first()
    number = f"S{day:%Y%m%d}-{Statement.objects.filter(period_start=day).count() + 1:04d}"
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE_LINES,
            {
                "merchant": merchant.pk,
                "day": day,
                "number": number,
                "previous": previous.pk if previous else None,
            },
        )
        (statement_id,) = cursor.fetchone()
    seal = statement_hash(merchant_id=merchant.pk, statement_id=statement_id)
    Statement.objects.filter(pk=statement_id).update(hash=seal)
    return Statement.objects.get(pk=statement_id)


def statement_hash(*, merchant_id: int, statement_id: int) -> str:
    """The hash (sha256, hex) over what a statement and its lines say now; equal to Statement.hash where nothing was touched."""
    with connection.cursor() as cursor:
        cursor.execute(_HASH, [merchant_id, statement_id])
        return cursor.fetchone()[0]


@transaction.atomic
def confirm_statement(*, statement: Statement, by: User) -> None:
    """The merchant agrees. Raises StatementNotOpen."""
    with scope(merchant=statement.merchant_id):
        confirmed = Statement.objects.filter(
            pk=statement.pk, state__in=[StatementState.SEALED, StatementState.DISPUTED]
        ).update(state=StatementState.CONFIRMED, confirmed_at=Now(), confirmed_by=by)
    if not confirmed:
        raise StatementNotOpen
    record_event(
        verb="statement.confirmed", noun="statement", noun_id=statement.pk, by=by,
        merchant_id=statement.merchant_id, number=statement.number,
    )  # fmt: skip


@transaction.atomic
def dispute_statement(*, statement: Statement, by: User, reason: str) -> None:
    """The merchant disagrees and says why. Raises StatementNotOpen, Invalid(field="reason")."""
    if not reason.strip():
        raise Invalid(field="reason")
    with scope(merchant=statement.merchant_id):
        disputed = Statement.objects.filter(pk=statement.pk, state=StatementState.SEALED).update(
            state=StatementState.DISPUTED, dispute_reason=reason.strip()[:400]
        )
    if not disputed:
        raise StatementNotOpen
    record_event(
        verb="statement.disputed", noun="statement", noun_id=statement.pk, by=by,
        merchant_id=statement.merchant_id, number=statement.number, reason=reason.strip()[:400],
    )  # fmt: skip
