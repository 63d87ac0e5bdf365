"""A merchant's day laid side by side: orders, payments as the provider bills them, and the ledger.

One statement finds what does not agree, in one snapshot; what is found again changes nothing, what is found no more is
cleared. A break has one reason: what a refund says of a payment that is itself missing, unknown or listed twice rides with
that payment's break.
"""

from datetime import date, datetime, time, timedelta

from django.db import connection, transaction
from django_scopes import scope

from core.clock import database_now
from core.domain.jobs import job_handler
from core.models import Job
from coupons.settlement.domain.match_sql import MATCH_SQL
from coupons.settlement.models import ReconciliationRun
from merchants.models import Merchant

BOOKED_WITHIN = timedelta(hours=1)  # the ledger books payments and refunds in sets, within minutes
NEAR_MIDNIGHT = timedelta(minutes=30)


@job_handler("reconcile_day")
def reconcile_by_job(job: Job) -> None:
    merchant = Merchant.objects.get(pk=job.payload["merchant_id"])
    reconcile_day(merchant=merchant, day=date.fromisoformat(job.payload["day"]))


@transaction.atomic
def reconcile_day(*, merchant: Merchant, day: date) -> ReconciliationRun:
    """Match a local day now; safe to repeat. One run of a day at a time."""
    starts_at = datetime.combine(day, time.min, tzinfo=merchant.tzinfo)
    ends_at = datetime.combine(day + timedelta(days=1), time.min, tzinfo=merchant.tzinfo)
    with scope(merchant=merchant.pk):
        ReconciliationRun.objects.bulk_create(
            [ReconciliationRun(merchant=merchant, day=day, is_billed=False)], ignore_conflicts=True
        )
        run = ReconciliationRun.objects.select_for_update().get(day=day)
        with connection.cursor() as cursor:
            cursor.execute(
                MATCH_SQL,
                {
                    "merchant": merchant.pk,
                    "run": run.pk,
                    "day": day,
                    "zone": merchant.zone,
                    "start": starts_at,
                    "end": ends_at,
                    "late": ends_at - NEAR_MIDNIGHT,
                    "booked_by": database_now() - BOOKED_WITHIN,
                },
            )
        run.refresh_from_db()
    return run


def list_days(*, merchant: Merchant) -> list[date]:
    """Every local day on which money moved at a provider or a bill lists something, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (succeeded_at AT TIME ZONE %(zone)s)::date FROM coupons_payment
                WHERE merchant_id = %(merchant)s AND state = 'succeeded' AND amount_fen > 0
            UNION SELECT (paid_out_at AT TIME ZONE %(zone)s)::date FROM coupons_refund
                WHERE merchant_id = %(merchant)s AND state = 'paid_out' AND amount_fen > 0
            UNION SELECT business_date FROM settlement_billentry WHERE merchant_id = %(merchant)s
            ORDER BY 1
            """,
            {"zone": merchant.zone, "merchant": merchant.pk},
        )
        return [day for (day,) in cursor.fetchall()]
