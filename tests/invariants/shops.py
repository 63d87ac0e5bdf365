"""A shop that has a row of every kind, in every state an invariant speaks about."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from phonenumber_field.phonenumber import PhoneNumber

from core.domain.jobs import run_due_jobs
from coupons.domain.codes import new_code
from coupons.domain.expiry import expire_coupons
from coupons.domain.orders import close_order
from coupons.domain.payments import start_payment
from coupons.domain.placements import create_placement
from coupons.domain.recalls import count_recallable, start_recall
from coupons.domain.redemption_refusals import CouponUnknown
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.domain.stock import allot_stock, close_pool
from coupons.domain.use_refunds import refund_use, reject_refund, request_refund_of_use
from coupons.enums import DealKind, Entrance, OrderCloseReason, StockPoolKind
from coupons.live.domain.notes import add_note
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment
from coupons.live.domain.session_states import end_session, go_live
from coupons.live.models import LiveOpening
from coupons.live.tests.rehearsal_reports import put_rehearsal
from coupons.models import Audience, AudienceMember, DealReview, Redemption
from coupons.settlement.domain.breaks import adjust_break
from coupons.settlement.domain.payout_approvals import approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import propose_batch
from coupons.settlement.domain.payout_results import apply_results
from coupons.settlement.domain.reconciliation import reconcile_day
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement, dispute_statement
from coupons.settlement.enums import BankFileKind
from coupons.settlement.models import BillUpload, Break, SettlementLine, Statement
from coupons.settlement.tests.billing import bill_of, rows_of_day
from coupons.settlement.tests.paying import bank_says, give_account
from coupons.tests.town import Town, make_town, make_user, put_paid_refund
from identity.enums import Role, Scope
from merchants.domain.import_drafts import start_draft
from merchants.domain.invitations import invite_staff
from merchants.enums import Category, ShareKind
from merchants.tests.agreeing import agree
from providers.creators.domain.claims import claim_place
from providers.creators.domain.exclusivities import propose_exclusivity
from providers.creators.domain.tasks import end_task
from providers.creators.enums import ClaimState
from providers.creators.tests.studio import link_of, make_claim, make_creator, make_task, take_steps
from providers.domain.engagements import propose_engagement
from providers.domain.stations import open_station
from providers.domain.training import add_training_item, pass_training, report_done
from providers.tests.firms import make_firm
from providers.tests.stations import make_house

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def build_shops() -> tuple[Town, Town]:
    here, there = build_shop("laozao"), build_shop("qingmu")
    for town in (here, there):  # last: paying one shop's refunds pays every shop's
        leave_open(town)
        sum_a_day(town)
    return here, there


def build_shop(slug: str) -> Town:
    town = make_town(slug, slug)
    begin = timezone.now() - 3 * DAY
    gift = town.make_deal(title="gift", price_fen=0)
    card = town.make_deal(title="card", kind=DealKind.TIMES_CARD, uses_total=7, price_fen=7_000)
    _stated_and_settled(town, gift=gift, begin=begin)
    _redeemed_just_now(town, card=card)
    _refunded(town, begin=begin)
    _refunded_after_use(town, begin=begin)
    _recalled(town)
    _reconciled(town, begin=begin)
    _paid_out(town)
    _allotted(town)
    _sold_live(town)
    _served(town)
    _carried_by_creators(town)
    _kept_beside(town)
    _kept_by_station(town)
    return town


def _stated_and_settled(town: Town, *, gift, begin) -> None:
    """Two statements, and settled lines that wait for the next one: two paid for, one refunded in part and one of nothing."""
    for day in (begin, begin + DAY):
        for coupon in town.buy(quantity=2, at=day):
            town.redeem(coupon.code, at=day + HOUR)
        settle_merchant(merchant_id=town.merchant.pk)
    assert len(seal_statements(merchant=town.merchant)) == 2
    for coupon in town.buy(quantity=3, at=begin):
        (use,) = town.redeem(coupon.code, at=begin + 2 * HOUR).redemptions
    (given,) = town.buy(deal=gift)  # what costs nothing is paid now, whatever `at` says
    town.redeem(given.code)
    settle_merchant(merchant_id=town.merchant.pk, at=timezone.now() + 2 * HOUR)
    put_paid_refund(use.id, amount_fen=5_000)
    settle_merchant(merchant_id=town.merchant.pk)


def _redeemed_just_now(town: Town, *, card) -> None:
    """Not settled yet: a card with two uses gone, a deal of one store, one redeemed and one undone."""
    (coupon,) = town.buy(deal=card)
    town.redeem(coupon.code, count=2)
    here = town.make_deal(title="here only", all_stores=False)
    here.stores.set([town.store])
    (coupon,) = town.buy(deal=here)
    town.redeem(coupon.code)
    plain, slip = town.buy(quantity=2)
    town.redeem(plain.code)
    undo = [use.id for use in town.redeem(slip.code).redemptions]
    reverse_redemptions(merchant=town.merchant, redemption_ids=undo, by=town.clerk)
    with pytest.raises(CouponUnknown):
        town.redeem(new_code())


def _refunded(town: Town, *, begin) -> None:
    """Two journals of refunds, of coupons given back and of one that expired."""
    over = town.make_deal(title="short", valid_days=5)
    town.buy(deal=over, at=begin - 20 * DAY)
    expire_coupons()
    for coupon in town.buy(quantity=2):
        request_refund(coupon=coupon, by=town.owner)
        run_due_jobs(kinds=["pay_refund"])
        settle_merchant(merchant_id=town.merchant.pk)


def _refunded_after_use(town: Town, *, begin) -> None:
    """One rejected, one that waits for the merchant, one given in part and paid out; a card with two uses gone."""
    for number in range(3):
        (coupon,) = town.buy(at=begin)
        town.redeem(coupon.code, at=begin + HOUR)
        use = Redemption.objects.get(coupon=coupon)
        if number < 2:
            refund = request_refund_of_use(redemption=use, cause="quality", by=town.customer.user)
        if number == 0:
            reject_refund(refund=refund, by=town.owner, reason="served again")
        if number == 2:
            refund_use(redemption=use, amount_fen=5_000, cause="quality", reason="sorry", by=town.owner)
    run_due_jobs(kinds=["pay_refund"])
    settle_merchant(merchant_id=town.merchant.pk)


def _recalled(town: Town) -> None:
    """A recall that is done."""
    recall(town, placement=None)
    while run_due_jobs(kinds=["recall"]):
        pass
    run_due_jobs(kinds=["pay_refund"])
    settle_merchant(merchant_id=town.merchant.pk)


def recall(town: Town, *, placement) -> None:
    deal = placement.deal if placement else town.make_deal(title="recalled")
    order = town.order(deal=deal, quantity=2, placement=placement)
    town.pay(order)
    order.coupons.update(issued_at=timezone.now() - HOUR)
    shown = count_recallable(deal=deal, placement=placement)
    start_recall(deal=deal, placement=placement, shown=shown, typed=2, words="recalled", by=town.owner)


def _reconciled(town: Town, *, begin) -> None:
    """A day billed, billed again with one payment less and one twice; the first adjusted, the other open."""
    day = begin.astimezone(town.merchant.tzinfo).date()
    rows = rows_of_day(town, day)
    bill_of(town, day=day, rows=rows)
    bill = bill_of(town, day=day, rows=[*rows[1:], rows[1]], replaces=True).bill
    reconcile_day(merchant=town.merchant, day=day)
    missing, _twice = Break.objects.filter(merchant=town.merchant).order_by("-kind")
    adjust_break(found=missing, by=town.owner, words="lost")
    BillUpload.objects.create(
        merchant=town.merchant,
        provider="sandbox",
        file_name="b.csv",
        content=b"",
        created_by=town.owner,
        bill=bill,
    )


def _paid_out(town: Town) -> None:
    """One statement paid, after a payout that came back; the other with the bank."""
    give_account(town.merchant.party, by=town.owner)
    first, second = make_user("first"), make_user("second")
    for statement, words in zip(
        Statement.objects.filter(merchant=town.merchant).order_by("id"),
        (["failed", "paid"], [""]),
        strict=True,
    ):
        line = SettlementLine.objects.filter(statement=statement).first()
        dispute_statement(statement=statement, by=town.owner, reason="?", line_ids=[line.pk])
        confirm_statement(statement=statement, by=town.owner)
        for word in words:
            batch = propose_batch(by=first)
            approve_batch(batch=batch, by=second)
            export_batch(batch=batch, kind=BankFileKind.CSV, by=first)
            if word:
                apply_results(results=bank_says(batch, {batch.payouts.get(): word}, by=first), by=first)


def leave_open(town: Town) -> None:
    """A refund on its way, an order at the cashier, one closed, one paid after it was closed; an unused coupon.

    And a recall of what was sold by a link that has only begun.
    """
    recall(town, placement=create_placement(deal=town.make_deal(title="linked"), entrance=Entrance.COMMENT))
    (coupon, _unused) = town.buy(quantity=2)
    request_refund(coupon=coupon, by=town.owner)
    start_payment(order=town.order(quantity=2))
    for reason in (OrderCloseReason.BUYER, OrderCloseReason.TIMEOUT):
        order = town.order()
        if reason == OrderCloseReason.TIMEOUT:
            start_payment(order=order)
        close_order(order_id=order.pk, merchant_id=town.merchant.pk, reason=reason)
    assert town.pay(order) == "late"


def _allotted(town: Town) -> None:
    """Pieces of a live card and of one that ended, both sold from; a deal without end."""
    for entrance in (Entrance.COMMENT, Entrance.LIVE_CARD):
        pool = allot_stock(deal=town.deal, kind=StockPoolKind.ENTRANCE, pieces=9, entrance=entrance)
        placement = create_placement(deal=town.deal, entrance=entrance, pool=pool)
        town.pay(town.order(quantity=2, placement=placement))
        town.order(placement=placement)
        if entrance == Entrance.COMMENT:
            assert close_pool(pool=pool) == 6
    town.order(deal=town.make_deal(title="endless", stock=None))


def _sold_live(town: Town) -> None:
    """A session that is over and one that is planned, with an order, an opening and a note."""
    deal = town.make_deal(title="live", stock=50)
    over, planned = (
        plan_session(
            merchant=town.merchant,
            plan=SessionPlan(
                title=title,
                host_name="host",
                planned_from=timezone.now(),
                planned_until=timezone.now() + HOUR,
                deals=(Allotment(deal.pk, 9),),
            ),
            by=town.owner,
        )
        for title in ("over", "planned")
    )
    go_live(session=over, by=town.owner)
    town.pay(town.order(deal=deal, quantity=2, placement=over.deals.get().placement))
    assert end_session(session=over, by=town.owner) == 7
    LiveOpening.objects.create(
        merchant=town.merchant, session=over, live_deal=over.deals.get(), minute=timezone.now(), count=3
    )
    add_note(session=planned, text="to do", is_todo=True, by=town.owner)
    put_rehearsal(session=planned, by=town.owner)


def _served(town: Town) -> None:
    """A provider runs the shop, and another one's offer waits."""
    make_firm(f"{town.merchant.slug} firm").engage(town)
    other = make_firm(f"{town.merchant.slug} other")
    propose_engagement(
        provider=other.provider, merchant=town.merchant, scopes=[Scope.DEALS], service_fee_bps=0,
        for_party_id=other.provider.pk, by=other.owner,
    )  # fmt: skip


def _carried_by_creators(town: Town) -> None:
    """A task with a creator at work, who brought an order, and one who was turned down; and a task that is over."""
    task = make_task(town, quota=5)
    working, declined = (claim_place(task=task, creator=make_creator()) for _ in range(2))
    working = take_steps(town, working, ClaimState.APPROVED)
    town.order(placement=link_of(working))
    take_steps(town, declined, ClaimState.DECLINED)
    end_task(task=make_claim(town, ClaimState.ACCEPTED).task, by=town.owner)


def _kept_by_station(town: Town) -> None:
    """Looked after by a trained station; a provider alone carries one of the deals."""
    firm = make_firm(f"{town.merchant.slug} stations")
    item = add_training_item(provider=firm.provider, title="redeeming", by=firm.owner)
    house = make_house(firm, category=Category(town.merchant.category), is_open=False)
    report_done(station=house.station, item=item, by=house.owner)
    pass_training(station=house.station, item=item, by=firm.owner)
    open_station(station=house.station, by=firm.owner)
    house.bring_in(town, bps=50)
    propose_exclusivity(
        merchant=town.merchant, deal=town.make_deal(title="carried by one"), area_code="50", begins=timezone.now(),
        ends=timezone.now() + DAY, holders=[firm.provider.party], for_party_id=town.merchant.pk, by=town.owner,
    )  # fmt: skip


def _kept_beside(town: Town) -> None:
    """What no money hangs on."""
    agree(town.merchant, ShareKind.COMMISSION, 500, by=town.owner)
    audience = Audience.objects.create(merchant=town.merchant, name="regulars")
    AudienceMember.objects.create(merchant=town.merchant, audience=audience, customer=town.customer)
    town.make_deal(title="for regulars", audience=audience)
    DealReview.objects.create(merchant=town.merchant, deal=town.deal, submitted_by=town.owner)
    invite_staff(
        merchant=town.merchant,
        name="new",
        phone=PhoneNumber.from_string(f"+8613900{town.merchant.pk % 1_000_000:06d}"),
        role=Role.CLERK,
        stores=[town.store],
        by=town.owner,
    )
    start_draft(merchant=town.merchant, filename="new.csv", content=b"name\nnew\n", by=town.owner)


def sum_a_day(town: Town) -> None:
    """The day of the second statement, summed as the roll-ups do; they wait for open transactions, as this one is."""
    day = (timezone.now() - 2 * DAY).astimezone(town.merchant.tzinfo).date()
    whose = {"merchant": town.merchant.pk, "day": day, "zone": town.merchant.zone}
    with connection.cursor() as cursor:
        for statement in SUMS:
            cursor.execute(statement, whose)
            assert cursor.rowcount == 1


SUMS = (
    """
    INSERT INTO insights_redeemedday (merchant_id, date, rolled_at, uses, fen)
    SELECT merchant_id, business_date, now(), count(*), sum(gross_fen) FROM coupons_redemption
    WHERE merchant_id = %(merchant)s AND business_date = %(day)s GROUP BY 1, 2
    ON CONFLICT (merchant_id, date) DO UPDATE SET rolled_at = now(), uses = excluded.uses, fen = excluded.fen
    """,
    """
    INSERT INTO insights_redeemedstoreday (merchant_id, store_id, date, uses, fen, undone, undone_fen)
    SELECT merchant_id, store_id, business_date, count(*), sum(gross_fen), 0, 0 FROM coupons_redemption
    WHERE merchant_id = %(merchant)s AND business_date = %(day)s GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO insights_soldday (merchant_id, date, rolled_at, zone, uses, fen)
    SELECT merchant_id, %(day)s, now(), %(zone)s, count(*), sum(paid_fen) FROM coupons_order
    WHERE merchant_id = %(merchant)s AND (paid_at AT TIME ZONE %(zone)s)::date = %(day)s GROUP BY 1
    ON CONFLICT (merchant_id, date) DO UPDATE SET rolled_at = now(), zone = excluded.zone, uses = excluded.uses,
        fen = excluded.fen
    """,
)
