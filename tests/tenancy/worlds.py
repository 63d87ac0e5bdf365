"""Two shops with one of every noun each; nothing of one may ever reach the other.

Every text and id of a shop is unlike the other's, so that a leak is found by looking for it in an answer.
"""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone
from django_scopes import scopes_disabled
from phonenumber_field.phonenumber import PhoneNumber

from core.domain.jobs import run_due_jobs
from coupons.domain.codes import new_code
from coupons.domain.entrances import add_link
from coupons.domain.recalls import count_recallable, start_recall
from coupons.domain.redemption_refusals import CouponUnknown
from coupons.domain.refunds import request_refund
from coupons.domain.use_refunds import request_refund_of_use
from coupons.enums import DealState, Entrance
from coupons.live.domain.notes import add_note
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment
from coupons.live.tests.rehearsal_reports import put_rehearsal
from coupons.models import Recall, Redemption, RedemptionRefusal
from coupons.settlement.domain.bank_accounts import request_bank_account
from coupons.settlement.domain.payout_approvals import approve_batch
from coupons.settlement.domain.payout_proposals import propose_batch
from coupons.settlement.domain.reconciliation import reconcile_day
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.statements import confirm_statement
from coupons.settlement.domain.uploads import start_upload
from coupons.settlement.enums import FileForm, FileState
from coupons.settlement.models import BankAccount, Break, Payout, Statement, StatementFile, StatementFilePiece
from coupons.settlement.tests.billing import bill_of
from coupons.settlement.tests.paying import give_account
from coupons.tests.town import Town, make_customer, make_town, make_user
from identity.enums import Role, Scope
from identity.models import User
from merchants.domain.import_drafts import start_draft
from merchants.domain.invitations import invite_staff
from merchants.domain.memberships import set_membership
from merchants.enums import Category, ShareKind
from merchants.models import Membership
from merchants.tests.agreeing import make_payee, propose
from providers.creators.domain.claims import claim_place
from providers.creators.domain.exclusivities import propose_exclusivity
from providers.creators.models import Exclusivity
from providers.creators.tests.studio import make_creator, make_task
from providers.domain.engagements import propose_change
from providers.models import EngagementOffer, StationMerchant
from providers.tests.firms import make_firm
from providers.tests.stations import make_house

_phones = itertools.count(13_900_000_000)


@dataclass
class World:
    """One shop: who works there, and the ids by the name a URL pattern or a form gives them."""

    town: Town
    mark: str  # stands in every text of this shop
    users: dict[str, User]
    ids: dict[str, int]
    codes: list[str]

    @property
    def slug(self) -> str:
        return self.town.merchant.slug


def make_world(*, slug: str, mark: str) -> World:
    """A shop with a store, deals, an order, a used, a refunded and a fresh coupon, a statement, staff and an upload."""
    with scopes_disabled():
        town = make_town(slug=slug, name=f"{mark}店")
        for user, name in ((town.owner, "老板"), (town.clerk, "店员")):
            user.name = f"{mark}{name}"
            user.save(update_fields=["name"])
        town.customer = make_customer(nickname=f"{mark}顾客")
        town.deal = town.make_deal(title=f"{mark}套餐")
        draft = town.make_deal(title=f"{mark}草稿", state=DealState.DRAFT)
        manager, branch, finance = (make_user(f"{mark}{name}") for name in ("经理", "分店经理", "财务"))
        for user, role, stores in (
            (manager, Role.MANAGER, []),
            (branch, Role.MANAGER, [town.other_store]),
            (finance, Role.FINANCE, []),
        ):
            set_membership(merchant=town.merchant, user=user, role=role, stores=stores, by=town.owner)
        invitation, _secret = invite_staff(
            merchant=town.merchant, name=f"{mark}新人", phone=PhoneNumber.from_string(f"+86{next(_phones)}"),
            role=Role.CLERK, stores=[town.store], by=town.owner,
        )  # fmt: skip
        upload = start_draft(
            merchant=town.merchant,
            filename=f"{mark}.csv",
            content=f"名称,城市\n{mark}新店,重庆市\n".encode(),
            by=town.owner,
        )
        yesterday = timezone.now() - timedelta(days=2)
        settled, used, fresh, returned = town.buy(quantity=4, at=yesterday)
        (usable,) = town.buy(at=yesterday)
        town.redeem(settled.code, at=yesterday + timedelta(hours=1))
        settle_merchant(merchant_id=town.merchant.pk)
        (statement,) = seal_statements(merchant=town.merchant)
        file = StatementFile.objects.create(
            statement=statement, asked_by=town.owner, form=FileForm.CSV, language="en", state=FileState.READY,
            ready_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1), size=len(mark.encode()),
        )  # fmt: skip
        StatementFilePiece.objects.create(file=file, number=0, content=mark.encode())
        day = yesterday.astimezone(town.merchant.tzinfo).date()
        bill = bill_of(town, day=day, rows=[], file_name=f"{mark}.csv").bill
        run = reconcile_day(merchant=town.merchant, day=day)
        lost = Break.objects.filter(run=run, kind="missing_in_bill").earliest("id")
        bill_file = f"reference,kind,amount,time\n{mark}单号,payment,1.00,{day} 12:00\n"
        told = start_upload(
            merchant=town.merchant, file_name=f"{mark}账单.csv", content=bill_file.encode(), by=town.owner
        )
        receipt = town.redeem(used.code)
        request_refund(coupon=returned, by=town.owner)
        settled_use = Redemption.objects.get(coupon=settled)
        refund = request_refund_of_use(
            redemption=settled_use, cause="quality", words=f"{mark}凉了", by=town.customer.user
        )
        town.redeem(usable.code, at=yesterday + timedelta(hours=2))
        recall = make_recall(town, title=f"{mark}召回")
        open_order = town.order()
        session = plan_session(
            merchant=town.merchant,
            plan=SessionPlan(
                title=f"{mark}直播",
                host_name=f"{mark}主播",
                planned_from=timezone.now() + timedelta(days=1),
                planned_until=timezone.now() + timedelta(days=1, hours=2),
                deals=(Allotment(town.deal.pk, 10),),
            ),
            by=town.owner,
        )
        link = add_link(deal=town.deal, entrance=Entrance.SHORT_VIDEO, label=f"{mark}视频", by=town.owner)
        rehearsal = put_rehearsal(session=session, title=f"{mark}直播", by=town.owner)
        note = add_note(session=session, text=f"{mark}待办", is_todo=True, by=town.owner)
        claim = claim_place(task=make_task(town, title=f"{mark}任务"), creator=make_creator(f"{mark}达人"))
        payout = _payout(town, statement)
        account = _bank_account(town, mark)
        terms = propose(
            town.merchant,
            ShareKind.SERVICE_FEE,
            300,
            payee=make_payee(ShareKind.SERVICE_FEE, f"{mark}代运营"),
        )
        offer = _engagement(town)
        link_of_station, right = _partners(town, mark)
        with pytest.raises(CouponUnknown):
            town.redeem(new_code())
        return World(
            town=town,
            mark=mark,
            users={
                "owner": town.owner,
                "manager": manager,
                "branch manager": branch,
                "finance": finance,
                "clerk": town.clerk,
            },
            ids={
                "store_id": town.store.pk,
                "other_store_id": town.other_store.pk,
                "deal_id": town.deal.pk,
                "draft_deal_id": draft.pk,
                "order_id": open_order.pk,
                "paid_order_id": fresh.order_id,
                "coupon_id": fresh.pk,
                "redemption_id": receipt.redemptions[0].id,
                "settled_redemption_id": Redemption.objects.get(coupon=settled).pk,
                "refusal_id": RedemptionRefusal.objects.get(merchant=town.merchant).pk,
                "statement_id": statement.pk,
                "line_id": statement.lines.first().pk,
                "refund_id": refund.pk,
                "use_id": Redemption.objects.get(coupon=usable).pk,
                "recall_id": recall.pk,
                "file_id": file.pk,
                "run_id": run.pk,
                "break_id": lost.pk,
                "bill_id": bill.pk,
                "upload_id": told.pk,
                "membership_id": Membership.objects.get(user=town.clerk).pk,
                "invitation_id": invitation.pk,
                "draft_id": upload.pk,
                "session_id": session.pk,
                "live_deal_id": session.deals.get().pk,
                "note_id": note.pk,
                "rehearsal_id": rehearsal.pk,
                "placement_id": link.pk,
                "account_id": account.pk,
                "payout_id": payout.pk,
                "task_id": claim.task_id,
                "claim_id": claim.pk,
                "terms_id": terms.pk,
                "engagement_id": offer.engagement_id,
                "offer_id": offer.pk,
                "link_id": link_of_station.pk,
                "exclusivity_id": right.pk,
                "clerk": town.clerk.pk,
                "customer": town.customer.pk,
                "merchant": town.merchant.pk,
            },
            codes=[settled.code, used.code, fresh.code, returned.code],
        )


def _partners(town: Town, mark: str) -> tuple[StationMerchant, Exclusivity]:
    """What a city station offers and what a provider asks for; both wait for the owner."""
    firm = make_firm("渝州服务商")
    link = make_house(firm, f"{mark}站", category=Category(town.merchant.category)).offer(
        town, note=f"{mark}地推"
    )
    right = propose_exclusivity(
        merchant=town.merchant, deal=town.deal, area_code="", begins=timezone.now(),
        ends=timezone.now() + timedelta(days=9), holders=[firm.provider.party], for_party_id=firm.provider.pk,
        by=firm.owner, note=f"{mark}专供",
    )  # fmt: skip
    return link, right


def _payout(town: Town, statement: Statement) -> Payout:
    """The statement, on its way to the bank."""
    give_account(town.merchant.party, by=town.owner)
    confirm_statement(statement=statement, by=town.owner)
    batch = propose_batch(by=make_user("one"))
    approve_batch(batch=batch, by=make_user("two"))
    return Payout.objects.get(batch=batch)


def _engagement(town: Town) -> EngagementOffer:
    """In force, with a change that waits. Providers are public: their names are no shop's secret."""
    firm = make_firm("渝味代运营公司")
    engagement = firm.engage(town, bps=0)
    return propose_change(
        engagement=engagement,
        scopes=[Scope.DEALS],
        service_fee_bps=0,
        for_party_id=firm.provider.pk,
        by=firm.owner,
    )


def _bank_account(town: Town, mark: str) -> BankAccount:
    """One that waits for its time."""
    account = request_bank_account(
        payee=town.merchant.party, holder=f"{mark}公司", bank=f"{mark}银行", number="6222020200012345678",
        by=town.owner, second_factor_at=timezone.now(),
    )  # fmt: skip
    Authenticator.objects.filter(user=town.owner).delete()
    return account


def make_recall(town: Town, *, title: str) -> Recall:
    """One that is done."""
    deal = town.make_deal(title=title)
    order = town.order(deal=deal)
    town.pay(order)
    order.coupons.update(issued_at=timezone.now() - timedelta(hours=1))
    recall = start_recall(deal=deal, shown=count_recallable(deal=deal), typed=1, words=title, by=town.owner)
    while run_due_jobs(kinds=["recall"]):
        pass
    return recall


def leaks(body: str, world: World) -> list[str]:
    """What of this shop stands in an answer: its texts, ids, whole and masked codes."""
    masked = [f"{code[:4]} **** {code[-4:]}" for code in world.codes]
    wanted = [world.mark, *world.codes, *masked, *(str(pk) for pk in world.ids.values()), f"/{world.slug}/"]
    return [text for text in wanted if text in body]


VOLATILE = {"identity_session", "identity_user", "django_migrations", "knox_authtoken"}


def fingerprint() -> dict[str, Any]:
    """Rows and content of every table, to see that a refused request changed nothing."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - VOLATILE)
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t"
                for table in tables
            )
        )
        return {table: (count, content) for table, count, content in cursor.fetchall()}
