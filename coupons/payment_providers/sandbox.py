"""A payment company that behaves like a real one: its own books, a cashier's page, signed notifications over HTTP.

It stands on the other side of the port: it knows references and amounts, no orders. Notifications are jobs that POST to
us; they can come late, twice or out of order, as the cashier's page asks.
"""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import httpx
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime

from core.clock import database_now
from core.domain.jobs import enqueue_job, job_handler
from core.errors import DomainError, Invalid
from core.models import Job
from coupons.models import SandboxCharge
from coupons.payment_providers.port import BadSignature, BilledMoney, ProviderEvent

SIGNATURE_SECONDS = 300
KINDS = {"payment.succeeded", "payment.failed"}


class UnknownReference(DomainError):
    code = "unknown_reference"


class SandboxProvider:
    """Our side of the port."""

    name = "sandbox"

    def create_charge(
        self, *, account: str, reference: str, amount_fen: int, currency: str, subject: str, return_url: str
    ) -> str:
        SandboxCharge.objects.get_or_create(
            reference=reference,
            defaults={
                "account": account,
                "amount_fen": amount_fen,
                "currency": currency,
                "subject": subject[:120],
                "notify_url": f"{settings.SITE_URL}/api/v1/payments/sandbox/notifications/",
                "return_url": return_url,
            },
        )
        return f"/sandbox/pay/{reference}/"  # the cashier's address, on the other side

    def refund(self, *, reference: str, refund_key: str, amount_fen: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE coupons_sandboxcharge SET refunded_fen = refunded_fen + %(fen)s,
                    refund_keys = refund_keys || jsonb_build_object(%(key)s::text,
                        jsonb_build_object('fen', %(fen)s::bigint, 'at', now()))
                WHERE reference = %(reference)s AND paid_at IS NOT NULL
                  AND NOT refund_keys ? %(key)s AND refunded_fen + %(fen)s <= amount_fen
                """,
                {"reference": reference, "key": refund_key, "fen": amount_fen},
            )
            if cursor.rowcount:
                return
        charge = get_charge(reference=reference)
        if charge.paid_at is None:
            raise Invalid(field="reference", why="not_paid")
        if refund_key not in charge.refund_keys:
            raise Invalid(field="amount_fen", why="more_than_charged")

    def fetch_bill(self, *, account: str, starts_at: datetime, ends_at: datetime) -> list[BilledMoney]:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT 'payment', reference, amount_fen, paid_at, '' FROM coupons_sandboxcharge
                WHERE account = %(account)s AND paid_at >= %(start)s AND paid_at < %(end)s
                UNION ALL
                SELECT 'refund', c.reference, (r.value ->> 'fen')::bigint, (r.value ->> 'at')::timestamptz, r.key
                FROM coupons_sandboxcharge c, jsonb_each(c.refund_keys) r
                WHERE c.account = %(account)s AND c.refunded_fen > 0
                  AND (r.value ->> 'at')::timestamptz >= %(start)s AND (r.value ->> 'at')::timestamptz < %(end)s
                ORDER BY 4, 2
                """,
                {"account": account, "start": starts_at, "end": ends_at},
            )
            return [BilledMoney(*row) for row in cursor.fetchall() if row[2] > 0]

    def parse_notification(self, *, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        sent_at = headers.get("X-Sandbox-Timestamp", "")
        if not sent_at.isascii() or not sent_at.isdigit() or len(sent_at) > 12:
            raise BadSignature
        if abs(time.time() - int(sent_at)) > SIGNATURE_SECONDS:
            raise BadSignature
        given = headers.get("X-Sandbox-Signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(sign(timestamp=sent_at, body=body).encode(), given):
            raise BadSignature
        return _read_event(body)


def _read_event(body: bytes) -> ProviderEvent:
    try:
        payload = json.loads(body)
        occurred_at = parse_datetime(payload["occurred_at"])
        if occurred_at is None or occurred_at.tzinfo is None:
            raise Invalid(field="occurred_at")
        event = ProviderEvent(
            event_id=payload["event_id"],
            kind=payload["kind"],
            reference=payload["reference"],
            provider_reference=payload["provider_reference"],
            amount_fen=payload["amount_fen"],
            occurred_at=occurred_at,
            payload=payload,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid(field="body") from error
    if event.kind not in KINDS or not isinstance(event.amount_fen, int):
        raise Invalid(field="body")
    return event


def sign(*, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp.body, in hex."""
    message = timestamp.encode() + b"." + body
    return hmac.new(settings.SANDBOX_PAYMENT_SECRET.encode(), message, hashlib.sha256).hexdigest()


def signed_notification(
    *, charge: SandboxCharge, kind: str, event_id: str, occurred_at: datetime
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a notification, signed now."""
    payload: dict[str, Any] = {
        "event_id": event_id,
        "kind": kind,
        "reference": charge.reference,
        "provider_reference": f"SBX{charge.pk}",
        "amount_fen": charge.amount_fen,
        "currency": charge.currency,
        "occurred_at": occurred_at.isoformat(),
    }
    body = json.dumps(payload).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Sandbox-Timestamp": timestamp,
        "X-Sandbox-Signature": sign(timestamp=timestamp, body=body),
    }
    return headers, body


def get_charge(*, reference: str, lock: bool = False) -> SandboxCharge:
    """The sandbox's own record. Raises UnknownReference."""
    charges = SandboxCharge.objects.select_for_update() if lock else SandboxCharge.objects
    charge = charges.filter(reference=reference).first()
    if charge is None:
        raise UnknownReference
    return charge


@transaction.atomic
def pay_charge(*, reference: str, times: int = 1, delay_seconds: int = 0, fail_first: bool = False) -> None:
    """The customer pays at the sandbox's cashier: the notification is sent `times` times, after delay_seconds.

    With fail_first a payment.failed goes out as well and arrives after the success, as networks do. Paying again only
    sends again.
    """
    charge = get_charge(reference=reference, lock=True)
    if charge.paid_at is None:
        SandboxCharge.objects.filter(pk=charge.pk).update(paid_at=Now())
    success = f"evt_{uuid.uuid4().hex}"
    for number in range(times):
        _send(charge=charge, kind="payment.succeeded", event_id=success, number=number, delay=delay_seconds)
    if fail_first:
        _send(
            charge=charge,
            kind="payment.failed",
            event_id=f"evt_{uuid.uuid4().hex}",
            number=times,
            delay=delay_seconds + 1,
        )


def pay_charge_quietly(*, reference: str) -> SandboxCharge:
    """The customer has paid and no notification goes out: for who delivers it himself (replays, the demonstration)."""
    SandboxCharge.objects.filter(reference=reference, paid_at__isnull=True).update(paid_at=Now())
    return get_charge(reference=reference)


@transaction.atomic
def fail_charge(*, reference: str) -> None:
    """The customer's bank refuses."""
    charge = get_charge(reference=reference, lock=True)
    _send(charge=charge, kind="payment.failed", event_id=f"evt_{uuid.uuid4().hex}", number=0, delay=0)


def _send(*, charge: SandboxCharge, kind: str, event_id: str, number: int, delay: int) -> None:
    enqueue_job(
        kind="sandbox_notify",
        key=f"{event_id}:{number}",
        payload={"reference": charge.reference, "kind": kind, "event_id": event_id},
        due_in_seconds=delay,
    )


@job_handler("sandbox_notify", calls_outside=True)
def send_notification(job: Job) -> None:
    """POST one notification; anything but 2xx is tried again, as payment companies do."""
    charge = get_charge(reference=job.payload["reference"])
    headers, body = signed_notification(
        charge=charge,
        kind=job.payload["kind"],
        event_id=job.payload["event_id"],
        occurred_at=charge.paid_at or database_now(),
    )
    answer = _client().post(charge.notify_url, content=body, headers=headers)
    answer.raise_for_status()


@cache
def _client() -> httpx.Client:
    """Kept by each worker process: a fresh one reads every certificate first, 20 ms of processor for each notification."""
    return httpx.Client(timeout=10, trust_env=False)
