"""Payments: asked for at a provider, recorded when its signed notification says so, once."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope, scopes_disabled

from core.clock import database_now
from core.domain.jobs import enqueue_job
from core.errors import DomainError
from coupons.domain.issuing import mint_coupons
from coupons.domain.orders import OrderNotOpen
from coupons.domain.refunds import open_payment_refund
from coupons.domain.stock import sell_held
from coupons.enums import OrderState, PaymentState, RefundReason
from coupons.models import Order, Payment
from coupons.payment_providers import ProviderEvent, get_provider

NOTHING_TO_PAY = "none"  # the provider of an order of 0 fen


class UnknownReference(DomainError):
    """No payment of ours has this reference."""

    code = "unknown_reference"


class AmountDiffers(DomainError):
    """The provider speaks of another amount than the payment's."""

    code = "amount_differs"


@dataclass(frozen=True)
class StartedPayment:
    payment: Payment
    pay_url: str


def start_payment(*, order: Order, return_url: str = "") -> StartedPayment:
    """Ask the provider for the order's money; where to pay. Starting again gives the same payment.

    An order of 0 fen is paid at once and pay_url is return_url. Raises OrderNotOpen.
    """
    with scope(merchant=order.merchant_id):
        with transaction.atomic():
            current = Order.objects.select_for_update(of=("self",), no_key=True).get(pk=order.pk)
            if current.state != OrderState.CREATED:
                raise OrderNotOpen(state=current.state)
            name = NOTHING_TO_PAY if current.total_fen == 0 else get_provider().name
            payment, _ = Payment.objects.get_or_create(
                merchant_id=current.merchant_id,
                order=current,
                provider=name,
                defaults={"reference": f"P{secrets.token_hex(12)}", "amount_fen": current.total_fen},
            )
            if name == NOTHING_TO_PAY:
                record_success(payment=payment, at=None)
                return StartedPayment(payment=payment, pay_url=return_url)
        pay_url = get_provider(name).create_charge(
            account=str(current.merchant_id),
            reference=payment.reference,
            amount_fen=payment.amount_fen,
            currency=current.currency,
            subject=current.terms["title"],
            return_url=return_url,
        )
    return StartedPayment(payment=payment, pay_url=pay_url)


def receive_notification(*, provider: str, headers: Mapping[str, str], body: bytes) -> str:
    """Take one notification; what came of it: paid, late, double, failed, stale, duplicate.

    Each event id counts once; events may come late, twice and out of order. Raises BadSignature, Invalid,
    UnknownReference, AmountDiffers: nothing was changed and the provider should send again or stop.
    """
    event = get_provider(provider).parse_notification(headers=headers, body=body)
    with scopes_disabled(), transaction.atomic():
        payment = Payment.objects.filter(reference=event.reference, provider=provider).first()
        if payment is None:
            raise UnknownReference
        if event.amount_fen != payment.amount_fen:
            raise AmountDiffers
        if not _keep_notification(provider=provider, event=event):
            return "duplicate"
        if event.kind == "payment.succeeded":
            outcome = record_success(
                payment=payment, at=event.occurred_at, provider_reference=event.provider_reference
            )
        else:
            outcome = _record_failure(payment)
        _keep_outcome(provider=provider, event=event, outcome=outcome)
    return outcome


def record_success(*, payment: Payment, at: datetime | None, provider_reference: str = "") -> str:
    """Money came: pay the order and mint its coupons, or send back what nobody may keep. Call inside a transaction.

    Returns paid, late (the order was closed), double (it was paid already) or stale (this payment was recorded before).
    `at` is when the provider took the money; an order counts as paid from then.
    """
    first = (
        Payment.objects.filter(pk=payment.pk)
        .exclude(state=PaymentState.SUCCEEDED)
        .update(state=PaymentState.SUCCEEDED, succeeded_at=at or Now(), provider_reference=provider_reference)
    )
    if not first:
        return "stale"
    moment = at or database_now()
    if payment.amount_fen:
        _ring_for_booking(merchant_id=payment.merchant_id, at=moment)
    paid = Order.objects.filter(pk=payment.order_id, state=OrderState.CREATED).update(
        state=OrderState.PAID, paid_at=moment, paid_fen=F("paid_fen") + payment.amount_fen
    )
    order = Order.objects.select_related("merchant", "customer").get(pk=payment.order_id)
    if paid:
        sell_held(slot_id=order.stock_slot_id, quantity=order.quantity)
        mint_coupons(order=order, at=moment)
        return "paid"
    Order.objects.filter(pk=order.pk).update(paid_fen=F("paid_fen") + payment.amount_fen)
    late = order.state == OrderState.CLOSED
    open_payment_refund(
        payment=payment, reason=RefundReason.LATE_PAYMENT if late else RefundReason.DOUBLE_PAYMENT
    )
    return "late" if late else "double"


def _record_failure(payment: Payment) -> str:
    failed = Payment.objects.filter(pk=payment.pk, state=PaymentState.CREATED).update(
        state=PaymentState.FAILED
    )
    return "failed" if failed else "stale"


def _ring_for_booking(*, merchant_id: int, at: datetime) -> None:
    """The ledger books payments in sets: one job per merchant and minute."""
    enqueue_job(
        kind="settle",
        key=f"{merchant_id}:{database_now():%Y%m%d%H%M}:payments",
        payload={"merchant_id": merchant_id},
        merchant_id=merchant_id,
        due_in_seconds=60,
    )


def _keep_notification(*, provider: str, event: ProviderEvent) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO coupons_paymentnotification (provider, event_id, kind, reference, payload, outcome)
            VALUES (%s, %s, %s, %s, %s::jsonb, 'taken') ON CONFLICT (provider, event_id) DO NOTHING
            """,
            [provider, event.event_id, event.kind, event.reference, json.dumps(event.payload)],
        )
        return cursor.rowcount == 1


def _keep_outcome(*, provider: str, event: ProviderEvent, outcome: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE coupons_paymentnotification SET outcome = %s WHERE provider = %s AND event_id = %s",
            [outcome, provider, event.event_id],
        )
