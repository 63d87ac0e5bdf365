"""Every night each merchant's providers are asked for the bill of the day that is over, and the day is matched."""

from datetime import date, datetime, time, timedelta

from django.db import connection
from django_scopes import scope

from core.domain.jobs import enqueue_job, job_handler
from core.models import Job
from coupons.payment_providers import get_provider
from coupons.settlement.domain.bill_rows import BillRow
from coupons.settlement.domain.bills import DaysBilled, ImportedBill, import_bill
from coupons.settlement.enums import BillEntryKind
from coupons.settlement.models import ProviderBill
from merchants.models import Merchant

BILL_READY_HOURS = 2  # after midnight, of the merchant's zone
CATCH_UP_DAYS = 7


def enqueue_finished_days() -> int:
    """A job for each day of the last week that is over and was never asked for, of every merchant that sells; how many.

    Shadow shops of rehearsals have no bills.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_job (kind, key, payload, merchant_id, due_at)
            SELECT 'fetch_bill', m.party_id || ':' || d::date,
                jsonb_build_object('merchant_id', m.party_id, 'day', d::date), m.party_id, now()
            FROM merchants_merchant m
            CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE m.zone - make_interval(hours => %(ready_hours)s))::date - 1 AS last) t
            CROSS JOIN LATERAL generate_series(t.last - %(days)s + 1, t.last, '1 day') d
            WHERE m.shadow_of_id IS NULL
              AND d::date >= (m.created_at AT TIME ZONE m.zone)::date
              AND EXISTS (SELECT FROM coupons_order o WHERE o.merchant_id = m.party_id
                  AND o.paid_at >= now() - interval '35 days')
              AND NOT EXISTS (SELECT FROM settlement_reconciliationrun r
                  WHERE r.merchant_id = m.party_id AND r.day = d::date AND r.is_billed)
            ON CONFLICT (kind, key) DO NOTHING
            """,
            {"ready_hours": BILL_READY_HOURS, "days": CATCH_UP_DAYS},
        )
        return cursor.rowcount


@job_handler("fetch_bill", calls_outside=True)
def fetch_by_job(job: Job) -> None:
    merchant = Merchant.objects.get(pk=job.payload["merchant_id"])
    day = date.fromisoformat(job.payload["day"])
    fetch_bill(merchant=merchant, day=day)
    enqueue_job(  # also where nothing new came: the books themselves are compared all the same
        kind="reconcile_day",
        key=f"{merchant.pk}:{day}",
        payload={"merchant_id": merchant.pk, "day": str(day)},
        merchant_id=merchant.pk,
    )


def fetch_bill(*, merchant: Merchant, day: date) -> ImportedBill | None:
    """Take the configured provider's bill of a local day that is over; None where a bill covers the day already.

    Safe to repeat. No lock is held while the provider is asked.
    """
    provider = get_provider()
    with scope(merchant=merchant.pk):
        standing = ProviderBill.objects.filter(provider=provider.name, replaced_by__isnull=True)
        if standing.filter(first_day__lte=day, last_day__gte=day).exists():
            return None
    billed = provider.fetch_bill(
        account=str(merchant.pk),
        starts_at=datetime.combine(day, time.min, tzinfo=merchant.tzinfo),
        ends_at=datetime.combine(day + timedelta(days=1), time.min, tzinfo=merchant.tzinfo),
    )
    rows = [
        BillRow(
            number, BillEntryKind(one.kind), one.reference, one.amount_fen, one.happened_at, one.refund_key
        )
        for number, one in enumerate(billed, start=1)
    ]
    try:
        return import_bill(
            merchant=merchant,
            provider=provider.name,
            rows=rows,
            file_name=f"{provider.name} {day}",
            by=None,
            days=(day, day),
        )
    except DaysBilled:  # somebody gave the file meanwhile
        return None
