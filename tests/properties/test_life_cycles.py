"""Every step from every state: taken where the table has it, else refused with nothing changed; docs show the same tables.

Deals have theirs in coupons/tests/test_deal_states.py.
"""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone
from django_scopes import scopes_disabled
from phonenumber_field.phonenumber import PhoneNumber

from core.domain import jobs
from core.enums import JOB_TRANSITIONS, JobState
from core.errors import DomainError
from core.models import Job
from coupons.domain.expiry import expire_coupons
from coupons.domain.orders import close_order
from coupons.domain.payments import start_payment
from coupons.domain.recalls import count_recallable, recall_chunk, start_recall
from coupons.domain.refunds import pay_refund, request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.domain.use_refunds import approve_refund, reject_refund
from coupons.enums import (
    COUPON_TRANSITIONS,
    ORDER_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    RECALL_TRANSITIONS,
    REFUND_TRANSITIONS,
    CouponState,
    OrderCloseReason,
    OrderState,
    PaymentState,
    RecallState,
    RefundReason,
    RefundState,
)
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.rehearsals import (
    begin_rehearsal,
    cancel_rehearsal,
    end_cancelled,
    end_lost_rehearsals,
    finish_rehearsal,
)
from coupons.live.domain.session_deals import Allotment
from coupons.live.domain.session_states import cancel_session, end_session, go_live
from coupons.live.enums import LIVE_SESSION_TRANSITIONS, REHEARSAL_TRANSITIONS, LiveState, RehearsalState
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.tests.rehearsal_reports import put_rehearsal, sample_report
from coupons.models import Coupon, Order, Payment, Recall, Redemption, Refund
from coupons.payment_providers.sandbox import SandboxProvider
from coupons.settlement.domain.breaks import adjust_break, explain_break
from coupons.settlement.domain.files import make_file, request_file
from coupons.settlement.domain.objections import answer_objection
from coupons.settlement.domain.reconciliation import reconcile_day
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement, dispute_statement
from coupons.settlement.enums import (
    BREAK_TRANSITIONS,
    FILE_TRANSITIONS,
    LINE_TRANSITIONS,
    OBJECTION_TRANSITIONS,
    PAYOUT_BATCH_TRANSITIONS,
    PAYOUT_TRANSITIONS,
    STATEMENT_TRANSITIONS,
    BreakState,
    FileForm,
    FileState,
    LineState,
    ObjectionState,
    PayoutBatchState,
    PayoutState,
    StatementState,
)
from coupons.settlement.models import Break, Objection, SettlementLine, Statement, StatementFile
from coupons.settlement.tests.billing import bill_of, pay_and_bill
from coupons.tests.town import Town, make_town, make_user
from identity.enums import Role
from merchants.domain.invitations import accept_as_new_user, invite_staff, withdraw_invitation
from merchants.domain.stores import close_store, reopen_store
from merchants.domain.terms import accept_terms, end_terms, refuse_terms, withdraw_terms
from merchants.enums import (
    INVITATION_TRANSITIONS,
    STORE_TRANSITIONS,
    TERMS_TRANSITIONS,
    InvitationState,
    ShareKind,
    StoreState,
    TermsState,
)
from merchants.models import StaffInvitation, Store, Terms
from merchants.tests.agreeing import make_payee, propose
from providers.creators.enums import CLAIM_TRANSITIONS, EXCLUSIVITY_TRANSITIONS, TASK_TRANSITIONS
from providers.enums import (
    ENGAGEMENT_TRANSITIONS,
    OFFER_TRANSITIONS,
    STATION_MERCHANT_TRANSITIONS,
    STATION_TRANSITIONS,
)
from tests.properties.creator_cycles import CLAIM_STEPS, TASK_STEPS, put_claim, put_task
from tests.properties.partner_cycles import (
    ENGAGEMENT_STEPS,
    EXCLUSIVITY_STEPS,
    OFFER_STEPS,
    STATION_MERCHANT_STEPS,
    STATION_STEPS,
    put_engagement,
    put_exclusivity,
    put_offer,
    put_station,
    put_station_merchant,
)
from tests.properties.payout_cycles import STEPS, pay_line, pay_statement, put_batch, put_payout
from tools.write_life_cycles import PAGE, find_tables, write_page

Step = Callable[[Town, Any], Any]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cycle:
    """A table, how to put a row into each state, and every function of the domain that moves one."""

    table: dict[Any, set[Any]]
    put: Callable[[Town, Any], Any]
    steps: dict[str, tuple[Step, set[tuple[Any, Any]]]]
    without_function: frozenset[tuple[Any, Any]] = frozenset()  # steps nothing in the product takes yet


# Orders


def put_order(town: Town, state: OrderState) -> Order:
    order = town.order(quantity=2)
    start_payment(order=order)
    if state in (OrderState.PAID, OrderState.COMPLETED):
        town.pay(order)
    if state == OrderState.CLOSED:
        shut_order(town, order)
    Order.objects.filter(pk=order.pk).update(state=state)
    return order


def shut_order(town: Town, order: Order) -> Any:
    return close_order(order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)


ORDER = Cycle(
    ORDER_TRANSITIONS,
    put_order,
    {
        "pay": (lambda town, order: town.pay(order), {(OrderState.CREATED, OrderState.PAID)}),
        "close": (shut_order, {(OrderState.CREATED, OrderState.CLOSED)}),
    },
    frozenset({(OrderState.PAID, OrderState.COMPLETED)}),
)


# Payments


def put_payment(town: Town, state: PaymentState) -> Payment:
    order = town.order()
    payment = start_payment(order=order).payment
    kinds = {PaymentState.SUCCEEDED: "payment.succeeded", PaymentState.FAILED: "payment.failed"}
    if state in kinds:
        town.pay(order, kind=kinds[state])
    return payment


def tell(kind: str) -> Step:
    return lambda town, payment: town.pay(payment.order, kind=kind)


PAYMENT = Cycle(
    PAYMENT_TRANSITIONS,
    put_payment,
    {
        "succeed": (
            tell("payment.succeeded"),
            {(PaymentState.CREATED, PaymentState.SUCCEEDED), (PaymentState.FAILED, PaymentState.SUCCEEDED)},
        ),
        "fail": (tell("payment.failed"), {(PaymentState.CREATED, PaymentState.FAILED)}),
    },
)


# Coupons


def put_coupon(town: Town, state: CouponState) -> Coupon:
    (coupon,) = town.buy(deal=town.make_deal(refund_on_expiry=False))
    if state == CouponState.REDEEMED:
        town.redeem(coupon.code)
    elif state in (CouponState.REFUND_LOCKED, CouponState.REFUNDED):
        refund = request_refund(coupon=coupon, by=town.owner)
        if state == CouponState.REFUNDED:
            pay(town, refund)
    else:
        Coupon.objects.filter(pk=coupon.pk).update(state=state)
    return coupon


def undo(town: Town, coupon: Coupon) -> Any:
    ids = list(Redemption.objects.filter(coupon=coupon).values_list("pk", flat=True))
    return reverse_redemptions(merchant=town.merchant, redemption_ids=ids, by=town.clerk)


def expire(town: Town, coupon: Coupon) -> Any:
    past = timezone.now() - timedelta(days=1)
    Coupon.objects.filter(pk=coupon.pk).update(valid_from=past - timedelta(days=9), valid_until=past)
    return expire_coupons()


def expire_with_money_back(town: Town, coupon: Coupon) -> Any:
    order = Order.objects.get(pk=coupon.order_id)
    Order.objects.filter(pk=order.pk).update(terms=order.terms | {"refund_on_expiry": True})
    return expire(town, coupon)


def recall_all(town: Town, coupon: Coupon) -> None:
    Coupon.objects.filter(pk=coupon.pk).update(issued_at=timezone.now() - timedelta(hours=1))
    coupon = Coupon.objects.get(pk=coupon.pk)
    shown = count_recallable(deal=coupon.deal)
    recall = start_recall(deal=coupon.deal, shown=shown, typed=shown.coupons, words="recalled", by=town.owner)
    recall_chunk(Job(kind="recall", payload={"recall_id": recall.pk, "chunk": 1}))


def recall_gift(town: Town, coupon: Coupon) -> None:
    """No payment stands behind it."""
    Refund.objects.filter(coupon=coupon).delete()
    Payment.objects.filter(order_id=coupon.order_id).delete()
    recall_all(town, coupon)


def pay_its_refund(town: Town, coupon: Coupon) -> Any:
    return [pay(town, refund) for refund in Refund.objects.filter(coupon=coupon)]


COUPON = Cycle(
    COUPON_TRANSITIONS,
    put_coupon,
    {
        "redeem": (
            lambda town, coupon: town.redeem(coupon.code),
            {(CouponState.ISSUED, CouponState.REDEEMED)},
        ),
        "undo": (undo, {(CouponState.REDEEMED, CouponState.ISSUED)}),
        "ask for money back": (
            lambda town, coupon: request_refund(coupon=coupon, by=town.owner),
            {(CouponState.ISSUED, CouponState.REFUND_LOCKED)},
        ),
        "pay back": (pay_its_refund, {(CouponState.REFUND_LOCKED, CouponState.REFUNDED)}),
        "recall": (recall_all, {(CouponState.ISSUED, CouponState.REFUND_LOCKED)}),
        "recall what was given": (recall_gift, {(CouponState.ISSUED, CouponState.VOIDED)}),
        "expire": (expire, {(CouponState.ISSUED, CouponState.EXPIRED)}),
        "expire and pay back": (expire_with_money_back, {(CouponState.ISSUED, CouponState.REFUND_LOCKED)}),
    },
    frozenset({(CouponState.REFUND_LOCKED, CouponState.ISSUED)}),
)


# Refunds


def put_refund(town: Town, state: RefundState) -> Refund:
    if state in (RefundState.REQUESTED, RefundState.REJECTED):
        return put_refund_of_use(town, state)
    (coupon,) = town.buy()
    refund = request_refund(coupon=coupon, by=town.owner)
    if state == RefundState.PAID_OUT:
        pay(town, refund)
    else:
        Refund.objects.filter(pk=refund.pk).update(state=state)
    return refund


def put_refund_of_use(town: Town, state: RefundState) -> Refund:
    (coupon,) = town.buy(at=timezone.now() - timedelta(days=3))
    town.redeem(coupon.code, at=timezone.now() - timedelta(days=3))
    redemption = Redemption.objects.get(coupon=coupon)
    rejected = state == RefundState.REJECTED
    return Refund.objects.create(
        merchant=town.merchant,
        order_id=coupon.order_id,
        payment=Payment.objects.get(order_id=coupon.order_id),
        coupon=coupon,
        redemption=redemption,
        amount_fen=redemption.gross_fen,
        asked_fen=redemption.gross_fen,
        reason=RefundReason.AFTER_USE,
        state=state,
        review_due_at=timezone.now() + timedelta(hours=1),
        decided_by=town.owner if rejected else None,
        decision_reason="used up" if rejected else "",
        rejected_at=timezone.now() if rejected else None,
    )


def pay(town: Town, refund: Refund) -> None:
    pay_refund(Job(kind="pay_refund", key=str(refund.pk), payload={"refund_id": refund.pk}))


def fail_to_pay(town: Town, refund: Refund) -> None:
    def away(self: SandboxProvider, **asked: Any) -> None:
        raise ConnectionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SandboxProvider, "refund", away)
        with contextlib.suppress(ConnectionError):
            pay(town, refund)


REFUND = Cycle(
    REFUND_TRANSITIONS,
    put_refund,
    {
        "pay": (
            pay,
            {(RefundState.APPROVED, RefundState.PAID_OUT), (RefundState.FAILED, RefundState.PAID_OUT)},
        ),
        "fail": (fail_to_pay, {(RefundState.APPROVED, RefundState.FAILED)}),
        "agree": (
            lambda town, refund: approve_refund(refund=refund, by=town.owner),
            {(RefundState.REQUESTED, RefundState.APPROVED)},
        ),
        "reject": (
            lambda town, refund: reject_refund(refund=refund, by=town.owner, reason="used up"),
            {(RefundState.REQUESTED, RefundState.REJECTED)},
        ),
    },
)


# Recalls


def put_recall(town: Town, state: RecallState) -> Recall:
    order = town.order()
    town.pay(order)
    order.coupons.update(issued_at=timezone.now() - timedelta(hours=1))
    recall = begin_recall(town)
    if state == RecallState.DONE:
        go_on_recalling(town, recall)
    return recall


def begin_recall(town: Town) -> Recall:
    shown = count_recallable(deal=town.deal)
    return start_recall(deal=town.deal, shown=shown, typed=shown.coupons, words="out of stock", by=town.owner)


def go_on_recalling(town: Town, recall: Recall) -> None:
    for chunk in (1, 2):
        recall_chunk(Job(kind="recall", payload={"recall_id": recall.pk, "chunk": chunk}))


RECALL = Cycle(
    RECALL_TRANSITIONS,
    put_recall,
    {"go on": (go_on_recalling, {(RecallState.RUNNING, RecallState.DONE)})},
)


# Settlement


def put_line(town: Town, state: LineState) -> SettlementLine:
    at = timezone.now() - timedelta(days=3)
    (coupon,) = town.buy(at=at)
    town.redeem(coupon.code, at=at)
    settle_merchant(merchant_id=town.merchant.pk)
    if state != LineState.DUE:
        seal_statements(merchant=town.merchant)
    line = SettlementLine.objects.get(coupon=coupon)
    if state == LineState.PAID:
        pay_line(town, line)
    return line


def put_statement(town: Town, state: StatementState) -> Statement:
    statement = put_line(town, LineState.IN_STATEMENT).statement
    if state in (StatementState.CONFIRMED, StatementState.PAID):
        confirm_statement(statement=statement, by=town.owner)
    if state == StatementState.DISPUTED:
        dispute_statement(statement=statement, by=town.owner, reason="少一笔")
    if state == StatementState.PAID:
        pay_statement(town, statement)
    return statement


LINE = Cycle(
    LINE_TRANSITIONS,
    put_line,
    {
        "seal": (
            lambda town, line: seal_statements(merchant=town.merchant),
            {(LineState.DUE, LineState.IN_STATEMENT)},
        ),
        "pay": (pay_line, {(LineState.IN_STATEMENT, LineState.PAID)}),
    },
)
STATEMENT = Cycle(
    STATEMENT_TRANSITIONS,
    put_statement,
    {
        "confirm": (
            lambda town, statement: confirm_statement(statement=statement, by=town.owner),
            {
                (StatementState.SEALED, StatementState.CONFIRMED),
                (StatementState.DISPUTED, StatementState.CONFIRMED),
            },
        ),
        "dispute": (
            lambda town, statement: dispute_statement(statement=statement, by=town.owner, reason="少一笔"),
            {(StatementState.SEALED, StatementState.DISPUTED)},
        ),
        "pay": (pay_statement, {(StatementState.CONFIRMED, StatementState.PAID)}),
    },
)


def put_objection(town: Town, state: ObjectionState) -> Objection:
    line = put_line(town, LineState.IN_STATEMENT)
    dispute_statement(statement=line.statement, by=town.owner, reason="少一笔", line_ids=[line.pk])
    objection = Objection.objects.get(line=line)
    if state != ObjectionState.OPEN:
        answer(objection, is_upheld=state == ObjectionState.UPHELD)
    return objection


def answer(objection: Objection, *, is_upheld: bool) -> None:
    answer_objection(objection=objection, is_upheld=is_upheld, answer="看过了", by=make_user())


OBJECTION = Cycle(
    OBJECTION_TRANSITIONS,
    put_objection,
    {
        "uphold": (
            lambda town, objection: answer(objection, is_upheld=True),
            {(ObjectionState.OPEN, ObjectionState.UPHELD)},
        ),
        "decline": (
            lambda town, objection: answer(objection, is_upheld=False),
            {(ObjectionState.OPEN, ObjectionState.DECLINED)},
        ),
    },
)


# Payouts


def of_its_batch(step: str) -> Step:
    return lambda town, payout: STEPS[step](payout.batch)


PAYOUT = Cycle(
    PAYOUT_TRANSITIONS,
    put_payout,
    {
        "approve": (of_its_batch("approve"), {(PayoutState.PROPOSED, PayoutState.APPROVED)}),
        "withdraw": (of_its_batch("withdraw"), {(PayoutState.PROPOSED, PayoutState.DROPPED)}),
        "export": (of_its_batch("export"), {(PayoutState.APPROVED, PayoutState.SENT)}),
        "paid": (of_its_batch("paid"), {(PayoutState.SENT, PayoutState.PAID)}),
        "failed": (of_its_batch("failed"), {(PayoutState.SENT, PayoutState.FAILED)}),
    },
)
PAYOUT_BATCH = Cycle(
    PAYOUT_BATCH_TRANSITIONS,
    put_batch,
    {
        "approve": (
            lambda town, batch: STEPS["approve"](batch),
            {(PayoutBatchState.PROPOSED, PayoutBatchState.APPROVED)},
        ),
        "withdraw": (
            lambda town, batch: STEPS["withdraw"](batch),
            {(PayoutBatchState.PROPOSED, PayoutBatchState.WITHDRAWN)},
        ),
        "export": (
            lambda town, batch: STEPS["export"](batch),
            {(PayoutBatchState.APPROVED, PayoutBatchState.EXPORTED)},
        ),
        "answer": (
            lambda town, batch: STEPS["paid"](batch),
            {(PayoutBatchState.EXPORTED, PayoutBatchState.FINISHED)},
        ),
    },
)


# Files of statements


def write_nothing(statement: Any, form: Any, made: Any, say: Any) -> None:
    made.write(b"nothing")


def write_and_fail(statement: Any, form: Any, made: Any, say: Any) -> None:
    raise OSError("the disk is full")


def make(write: Any) -> Step:
    def run(town: Town, file: StatementFile) -> None:
        with contextlib.suppress(OSError):
            make_file(file_id=file.pk, write=write, is_last_try=True, still_there=lambda: None)

    return run


def ask(town: Town, statement: Statement) -> StatementFile:
    return request_file(statement=statement, form=FileForm.CSV, language="en", by=town.owner)


def put_file(town: Town, state: FileState) -> StatementFile:
    file = ask(town, put_statement(town, StatementState.SEALED))
    if state == FileState.READY:
        make(write_nothing)(town, file)
    if state == FileState.FAILED:
        make(write_and_fail)(town, file)
    return file


FILE = Cycle(
    FILE_TRANSITIONS,
    put_file,
    {
        "make": (make(write_nothing), {(FileState.MAKING, FileState.READY)}),
        "fail": (make(write_and_fail), {(FileState.MAKING, FileState.FAILED)}),
        "ask again": (lambda town, file: ask(town, file.statement), {(FileState.FAILED, FileState.MAKING)}),
    },
)


# Reconciliation


def put_break(town: Town, state: BreakState) -> Break:
    pay_and_bill(town, missing=1)
    found = Break.objects.get(kind="missing_in_bill", merchant=town.merchant)
    if state != BreakState.OPEN:
        _steps = {BreakState.EXPLAINED: explain, BreakState.ADJUSTED: adjust, BreakState.CLEARED: clear}
        _steps[state](town, found)
    return found


def explain(town: Town, found: Break) -> Any:
    return explain_break(found=found, by=town.owner, words="The provider sends it tomorrow")


def adjust(town: Town, found: Break) -> Any:
    return adjust_break(found=found, by=town.owner, words="The provider agrees")


def clear(town: Town, found: Break) -> Any:
    bill_of(town, day=found.day, replaces=True)
    return reconcile_day(merchant=town.merchant, day=found.day)


BREAK = Cycle(
    BREAK_TRANSITIONS,
    put_break,
    {
        "explain": (explain, {(BreakState.OPEN, BreakState.EXPLAINED)}),
        "adjust": (adjust, {(BreakState.OPEN, BreakState.ADJUSTED)}),
        "match": (clear, {(BreakState.OPEN, BreakState.CLEARED)}),
    },
)


# Shops


def put_store(town: Town, state: StoreState) -> Store:
    if state == StoreState.CLOSED:
        close_store(store=town.store, by=town.owner)
    return town.store


def put_invitation(town: Town, state: InvitationState) -> StaffInvitation:
    phone = PhoneNumber.from_string(f"+86137{next(_numbers):08d}")
    invitation, secret = invite_staff(
        merchant=town.merchant, name="新人", phone=phone, role=Role.CLERK, stores=[town.store], by=town.owner
    )
    invitation.secret = secret
    if state == InvitationState.ACCEPTED:
        accept(town, invitation)
    if state == InvitationState.WITHDRAWN:
        withdraw_invitation(invitation=invitation, by=town.owner)
    return invitation


def accept(town: Town, invitation: Any) -> Any:
    return accept_as_new_user(secret=invitation.secret, name="新人", password="vier-Worte-ohne-Sinn")


STORE = Cycle(
    STORE_TRANSITIONS,
    put_store,
    {
        "close": (
            lambda town, store: close_store(store=store, by=town.owner),
            {(StoreState.OPEN, StoreState.CLOSED)},
        ),
        "reopen": (
            lambda town, store: reopen_store(store=store, by=town.owner),
            {(StoreState.CLOSED, StoreState.OPEN)},
        ),
    },
)
INVITATION = Cycle(
    INVITATION_TRANSITIONS,
    put_invitation,
    {
        "accept": (accept, {(InvitationState.SENT, InvitationState.ACCEPTED)}),
        "withdraw": (
            lambda town, invitation: withdraw_invitation(invitation=invitation, by=town.owner),
            {(InvitationState.SENT, InvitationState.WITHDRAWN)},
        ),
    },
)


# Terms


def put_terms(town: Town, state: TermsState) -> Terms:
    payee = make_payee(ShareKind.SERVICE_FEE)
    terms = propose(town.merchant, ShareKind.SERVICE_FEE, 500, payee=payee)
    if state in (TermsState.IN_FORCE, TermsState.ENDED):
        accept_terms(terms=terms, by=town.owner)
    if state == TermsState.ENDED:
        end_terms(terms=terms, by=payee[1])
    if state == TermsState.REFUSED:
        refuse_terms(terms=terms, by=town.owner)
    if state == TermsState.WITHDRAWN:
        withdraw_terms(terms=terms, by=payee[1])
    return terms


TERMS = Cycle(
    TERMS_TRANSITIONS,
    put_terms,
    {
        "accept": (
            lambda town, terms: accept_terms(terms=terms, by=town.owner),
            {(TermsState.PROPOSED, TermsState.IN_FORCE)},
        ),
        "refuse": (
            lambda town, terms: refuse_terms(terms=terms, by=town.owner),
            {(TermsState.PROPOSED, TermsState.REFUSED)},
        ),
        "withdraw": (
            lambda town, terms: withdraw_terms(terms=terms, by=terms.proposed_by),
            {(TermsState.PROPOSED, TermsState.WITHDRAWN)},
        ),
        "end": (
            lambda town, terms: end_terms(terms=terms, by=terms.proposed_by),
            {(TermsState.IN_FORCE, TermsState.ENDED)},
        ),
    },
)


# Live sessions


def put_session(town: Town, state: LiveState) -> LiveSession:
    session = plan_session(
        merchant=town.merchant,
        plan=SessionPlan(
            title="周末专场",
            host_name="小唐",
            planned_from=timezone.now() + timedelta(hours=1),
            planned_until=timezone.now() + timedelta(hours=3),
            deals=(Allotment(town.deal.pk, 10),),
        ),
        by=town.owner,
    )
    if state in (LiveState.LIVE, LiveState.ENDED):
        go_live(session=session, by=town.owner)
    if state == LiveState.ENDED:
        end_session(session=session, by=town.owner)
    if state == LiveState.CANCELLED:
        cancel_session(session=session, by=town.owner)
    return session


LIVE_SESSION = Cycle(
    LIVE_SESSION_TRANSITIONS,
    put_session,
    {
        "go live": (
            lambda town, session: go_live(session=session, by=town.owner),
            {(LiveState.PLANNED, LiveState.LIVE)},
        ),
        "end": (
            lambda town, session: end_session(session=session, by=town.owner),
            {(LiveState.LIVE, LiveState.ENDED)},
        ),
        "cancel": (
            lambda town, session: cancel_session(session=session, by=town.owner),
            {(LiveState.PLANNED, LiveState.CANCELLED)},
        ),
    },
)


# Rehearsals


def put_rehearsal_in(town: Town, state: RehearsalState) -> Rehearsal:
    session = put_session(town, LiveState.PLANNED)
    return put_rehearsal(session=session, title="周六夜场", by=town.owner, state=state)


def let_it_be_silent(town: Town, rehearsal: Rehearsal) -> int:
    long_ago = timezone.now() - timedelta(minutes=5)
    Rehearsal.objects.filter(pk=rehearsal.pk).update(asked_at=long_ago, heartbeat_at=long_ago)
    return end_lost_rehearsals()


REHEARSAL = Cycle(
    REHEARSAL_TRANSITIONS,
    put_rehearsal_in,
    {
        "begin": (
            lambda town, rehearsal: begin_rehearsal(rehearsal_id=rehearsal.pk),
            {(RehearsalState.REQUESTED, RehearsalState.RUNNING)},
        ),
        "finish": (
            lambda town, rehearsal: finish_rehearsal(rehearsal=rehearsal, report=sample_report()),
            {(RehearsalState.RUNNING, RehearsalState.FINISHED)},
        ),
        "cancel": (
            lambda town, rehearsal: cancel_rehearsal(rehearsal=rehearsal, by=town.owner),
            {(RehearsalState.REQUESTED, RehearsalState.CANCELLED)},
        ),
        "stop": (
            lambda town, rehearsal: end_cancelled(rehearsal=rehearsal),
            {(RehearsalState.RUNNING, RehearsalState.CANCELLED)},
        ),
        "fall silent": (
            let_it_be_silent,
            {
                (RehearsalState.REQUESTED, RehearsalState.FAILED),
                (RehearsalState.RUNNING, RehearsalState.FAILED),
            },
        ),
    },
)


# Jobs


def put_job(town: Town, state: JobState) -> Job:
    return Job.objects.create(
        kind="nobody_does_this",
        key=str(next(_numbers)),
        state=state,
        attempts=4,
        due_at=timezone.now() - timedelta(hours=1),
        done_at=timezone.now() if state == JobState.DONE else None,
    )


def do(town: Town, job: Job) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(jobs._handlers, job.kind, lambda job: None)
        return jobs.run_job(job_id=job.pk)


JOB = Cycle(
    JOB_TRANSITIONS,
    put_job,
    {
        "do": (do, {(JobState.READY, JobState.DONE)}),
        "fail for the fifth time": (
            lambda town, job: jobs.run_job(job_id=job.pk),
            {(JobState.READY, JobState.DEAD)},
        ),
        "wake": (lambda town, job: jobs.wake_job(job_id=job.pk), {(JobState.DEAD, JobState.READY)}),
        "finish what was given up meanwhile": (
            lambda town, job: jobs._mark_done(job.pk),
            {(JobState.READY, JobState.DONE), (JobState.DEAD, JobState.DONE)},
        ),
    },
)

CYCLES = {
    "Order": ORDER,
    "Payment": PAYMENT,
    "Coupon": COUPON,
    "Refund": REFUND,
    "Recall": RECALL,
    "Line": LINE,
    "Statement": STATEMENT,
    "Objection": OBJECTION,
    "File": FILE,
    "Payout": PAYOUT,
    "Payout batch": PAYOUT_BATCH,
    "Break": BREAK,
    "Live session": LIVE_SESSION,
    "Rehearsal": REHEARSAL,
    "Task": Cycle(TASK_TRANSITIONS, put_task, TASK_STEPS),
    "Claim": Cycle(CLAIM_TRANSITIONS, put_claim, CLAIM_STEPS),
    "Store": STORE,
    "Invitation": INVITATION,
    "Terms": TERMS,
    "Job": JOB,
    "Engagement": Cycle(ENGAGEMENT_TRANSITIONS, put_engagement, ENGAGEMENT_STEPS),
    "Offer": Cycle(OFFER_TRANSITIONS, put_offer, OFFER_STEPS),
    "Station": Cycle(STATION_TRANSITIONS, put_station, STATION_STEPS),
    "Exclusivity": Cycle(EXCLUSIVITY_TRANSITIONS, put_exclusivity, EXCLUSIVITY_STEPS),
    "Station merchant": Cycle(STATION_MERCHANT_TRANSITIONS, put_station_merchant, STATION_MERCHANT_STEPS),
}


@pytest.fixture
def town(db: None) -> Any:
    with scopes_disabled():
        yield make_town()


def test_every_table_is_tried() -> None:
    assert {name for name, _ in find_tables()} == {*CYCLES, "Deal"}


@pytest.mark.parametrize("name", CYCLES)
def test_every_pair_of_a_table_has_its_function(name: str) -> None:
    cycle = CYCLES[name]
    pairs = {(before, after) for before, targets in cycle.table.items() for after in targets}
    taken = set().union(*(moves for _, moves in cycle.steps.values()))
    assert taken | cycle.without_function == pairs
    assert taken.isdisjoint(cycle.without_function)


def every_step_from_every_state() -> list[Any]:
    return [
        pytest.param(cycle, state, step, id=f"{name}-{state}-{step}")
        for name, cycle in CYCLES.items()
        for state in cycle.table
        for step in cycle.steps
    ]


@pytest.mark.parametrize(("cycle", "state", "step"), every_step_from_every_state())
def test_every_step_from_every_state(town: Town, cycle: Cycle, state: TextChoices, step: str) -> None:
    thing = cycle.put(town, state)
    rows = type(thing)._base_manager.filter(pk=thing.pk)
    assert rows.get().state == state
    take, moves = cycle.steps[step]
    try:
        with transaction.atomic():
            take(town, thing)
    except DomainError:
        assert state not in {before for before, _ in moves}, "refused although the table has it"
    after = rows.get().state
    assert after == dict(moves).get(state, state)


def test_the_docs_show_the_same_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "run python tools/write_life_cycles.py"
