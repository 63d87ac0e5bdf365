"""The merchant's refund and recall pages over HTTP: who sees what, tabs, decisions, refusals, double submits."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.enums import JobState
from core.models import Job
from coupons.domain.refunds import request_refund
from coupons.domain.use_refunds import reject_refund, request_refund_of_use
from coupons.enums import CouponState, RecallState, RefundState
from coupons.models import Coupon, OrderShare, Recall, Redemption, Refund
from coupons.payment_providers.sandbox import SandboxProvider
from coupons.tests.town import make_town, make_user
from identity.enums import Role
from identity.models import Party
from merchants.domain.memberships import set_membership
from merchants.enums import ShareKind
from merchants.tests.agreeing import agree

HERE = "/m/laozao/"


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


@pytest.fixture
def office(town):
    return enter(town.owner)


def enter(user, language="en"):
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


def use(town, *, ago=timedelta(days=1), **more):
    at = timezone.now() - ago
    (coupon,) = town.buy(at=at, **more)
    town.redeem(coupon.code, at=at)
    return Redemption.objects.get(coupon=coupon)


def ask(town, redemption=None, words="锅底是凉的", **more):
    return request_refund_of_use(
        redemption=redemption or use(town), cause="quality", words=words, by=town.customer.user, **more
    )


def text(response):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def colleague(town, role, stores=()):
    user = make_user("同事")
    set_membership(merchant=town.merchant, user=user, role=role, stores=list(stores), by=town.owner)
    return user


def test_tabs_show_what_waits_runs_went_back_and_was_rejected(town, office):
    waiting = ask(town, at=timezone.now() - timedelta(hours=4))
    reject_refund(refund=ask(town), by=town.owner, reason="已当场补上")
    request_refund(coupon=town.buy()[0], by=town.customer.user)
    run_due_jobs(kinds=["pay_refund"])
    request_refund(coupon=town.buy()[0], by=town.customer.user)

    page = office.get(f"{HERE}refunds/")
    shown = text(page)

    for tab in ("To decide 1", "On their way 1", "Paid back 1", "Rejected 1"):
        assert tab in shown
    assert "Poor quality" in shown
    seconds = int(re.search(r'data-seconds-left="(\d+)"', page.content.decode())[1])
    assert 20 * 3600 - 60 <= seconds <= 20 * 3600
    assert f"/refunds/{waiting.pk}/" in page.content.decode()
    assert "Paid back" in text(office.get(f"{HERE}refunds/?state=done"))
    assert "Approved" in text(office.get(f"{HERE}refunds/?state=running"))
    assert "Nothing here yet" not in text(office.get(f"{HERE}refunds/?state=rejected"))
    home = text(office.get(HERE))
    assert "Refunds to decide" in home


def test_nothing_waits(town, office):
    assert "No refund waits for you." in text(office.get(f"{HERE}refunds/"))
    assert "Nothing here yet." in text(office.get(f"{HERE}refunds/?state=rejected"))
    assert "没有待处理退款" in text(enter(town.owner, "zh-hans").get(f"{HERE}refunds/"))
    assert "To decide 0" in text(office.get(f"{HERE}refunds/?state=nonsense"))


def test_a_request_shows_what_was_asked_what_happened_and_what_each_gives_back(town, office):
    agree(town.merchant, ShareKind.PLATFORM_FEE, 60, by=town.owner)
    redemption = use(town)
    creator = Party.objects.create(kind="creator", name="探店小王")
    OrderShare.objects.create(
        merchant=town.merchant,
        order_id=redemption.order_id,
        payee=creator,
        kind=ShareKind.COMMISSION,
        bps=1_000,
        rule="test",
    )
    refund = ask(town, redemption, words="<b>凉的</b>")

    page = office.get(f"{HERE}refunds/{refund.pk}/")
    shown = text(page)

    assert "&lt;b&gt;凉的&lt;/b&gt;" in page.content.decode()
    assert "¥128.00" in shown
    effect = re.search(r"What each party gives back(.*?)What the records say", shown)[1]
    # 12,800 fen at 60 and 1,000 bps: 76.8 and 1,280, so 77, 1,280 and the rest
    assert re.findall(r"−?¥[\d,.]+", effect) == ["−¥114.43", "−¥0.77", "−¥12.80", "¥128.00"]
    assert "探店小王" in effect
    assert "李娜" in shown
    assert {"Agree (A)", "Reject (X)"} <= set(re.findall(r'title="([^"]+)"', page.content.decode()))


def test_agreeing_to_all_and_clicking_twice(town, office):
    refund = ask(town)
    first = office.post(f"{HERE}refunds/{refund.pk}/approve/", {"amount": "128.00"}, follow=True)
    again = office.post(f"{HERE}refunds/{refund.pk}/approve/", {"amount": "128.00"}, follow=True)
    no = office.post(f"{HERE}refunds/{refund.pk}/reject/", {"words": "还是不行"}, follow=True)

    assert "Agreed. The money goes back to the customer." in text(first)
    assert "This refund was decided before." in text(again)
    assert "This refund was decided before." in text(no)
    refund.refresh_from_db()
    assert (refund.state, refund.amount_fen, refund.decided_by) == (RefundState.APPROVED, 12_800, town.owner)
    assert Job.objects.filter(kind="pay_refund").count() == 1


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"amount": "100.00"}, "Say why it is only a part."),
        ({"amount": "128.01"}, "At most ¥128.00."),
        ({"amount": "0"}, "At least ¥0.01."),
        ({"amount": "1.234"}, "At most two decimals"),
        ({"amount": ""}, "This field is required."),
    ],
)
def test_an_amount_that_cannot_be_opens_the_question_again(town, office, sent, sentence):
    refund = ask(town)
    answer = office.post(f"{HERE}refunds/{refund.pk}/approve/", sent)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert re.search(r'<dialog[^>]*id="approve"[^>]* open>', answer.content.decode())
    refund.refresh_from_db()
    assert (refund.state, refund.amount_fen) == (RefundState.REQUESTED, 12_800)


def test_a_part_with_a_sentence_and_a_rejection_with_own_words(town, office):
    part, no = ask(town), ask(town)
    sentence = "We agreed on this amount at the counter."
    office.post(f"{HERE}refunds/{part.pk}/approve/", {"amount": "50", "sentence": sentence})
    assert office.post(f"{HERE}refunds/{no.pk}/reject/", {"words": " "}).status_code == 422
    assert office.post(f"{HERE}refunds/{no.pk}/reject/", {"sentence": "not offered"}).status_code == 422
    office.post(f"{HERE}refunds/{no.pk}/reject/", {"words": "已当场补上"})

    part.refresh_from_db()
    no.refresh_from_db()
    assert (part.state, part.amount_fen, part.decision_reason) == (RefundState.APPROVED, 5_000, sentence)
    assert (no.state, no.decision_reason) == (RefundState.REJECTED, "已当场补上")
    assert "of ¥128.00" in text(office.get(f"{HERE}refunds/{part.pk}/"))
    assert "已当场补上" in text(office.get(f"{HERE}refunds/{no.pk}/"))


def test_finance_reads_and_does_not_decide_and_a_branch_sees_its_own(town):
    refund = ask(town)
    finance = enter(colleague(town, Role.FINANCE))
    here = enter(colleague(town, Role.MANAGER, [town.store]))
    there = enter(colleague(town, Role.MANAGER, [town.other_store]))
    clerk = enter(town.clerk)
    page = f"{HERE}refunds/{refund.pk}/"

    assert finance.get(page).status_code == 200
    assert "data-key" not in finance.get(page).content.decode()
    assert [
        client.post(f"{page}approve/", {"amount": "128"}).status_code for client in (finance, there, clerk)
    ] == [404] * 3
    assert [client.get(page).status_code for client in (there, clerk)] == [404, 404]
    assert "No refund waits" in text(there.get(f"{HERE}refunds/"))
    assert there.get(f"{HERE}recalls/").status_code == 404
    refund.refresh_from_db()
    assert refund.state == RefundState.REQUESTED
    assert here.post(f"{page}approve/", {"amount": "128"}).status_code == 302
    refund.refresh_from_db()
    assert refund.state == RefundState.APPROVED


def test_money_back_without_a_request(town, office):
    redemption = use(town)
    record = f"{HERE}redemptions/{redemption.pk}/"
    assert f"{record}refund/" in office.get(record).content.decode()

    asked = office.get(f"{record}refund/")
    assert asked.status_code == 200
    assert office.post(f"{record}refund/", {"amount": "50", "cause": "quality"}).status_code == 422
    done = office.post(f"{record}refund/", {"amount": "50", "cause": "quality", "words": "抱歉"}, follow=True)
    again = office.post(f"{record}refund/", {"amount": "50", "cause": "quality", "words": "抱歉"})

    refund = Refund.objects.get()
    assert done.redirect_chain == [(f"{HERE}refunds/{refund.pk}/", 302)]
    assert (again.status_code, "A refund of this use was asked for before." in text(again)) == (409, True)
    assert (refund.amount_fen, refund.state, refund.cause) == (5_000, RefundState.APPROVED, "quality")
    assert f"{record}refund/" not in office.get(record).content.decode()
    assert "¥50.00" in text(office.get(record))


def test_inside_the_undo_window_the_page_says_to_undo(town, office):
    redemption = use(town, ago=timedelta(minutes=30))
    record = f"{HERE}redemptions/{redemption.pk}/"
    assert f"{record}refund/" not in office.get(record).content.decode()
    page = office.get(f"{record}refund/")
    assert "This use can still be undone until" in text(page)
    assert "Undo it at the counter" in text(page)
    assert "<form" not in page.content.decode().split("<main", 1)[1]


def test_a_refund_that_gave_up_is_tried_again(town, office, monkeypatch):
    refund = request_refund(coupon=town.buy()[0], by=town.customer.user)
    page = f"{HERE}refunds/{refund.pk}/"
    assert "This refund goes on by itself." in text(office.post(f"{page}retry/", follow=True))

    def away(self, **asked):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(SandboxProvider, "refund", away)
        for _ in range(5):
            Job.objects.filter(kind="pay_refund").update(due_at=timezone.now() - timedelta(days=1))
            run_due_jobs(kinds=["pay_refund"])
    assert Job.objects.get(kind="pay_refund").state == JobState.DEAD
    assert "Nothing was paid twice." in text(office.get(page))

    office.post(f"{page}retry/")
    Job.objects.filter(kind="pay_refund").update(due_at=timezone.now() - timedelta(days=1))
    run_due_jobs(kinds=["pay_refund"])
    refund.refresh_from_db()
    assert refund.state == RefundState.PAID_OUT


def test_the_office_gives_an_unused_coupon_back(town, office):
    (coupon,) = town.buy()
    page = f"{HERE}coupons/{coupon.pk}/"
    assert "Refund this coupon" in text(office.get(page))
    office.post(f"{page}refund/")
    assert "cannot be refunded now" in text(office.post(f"{page}refund/", follow=True))
    assert (Refund.objects.count(), Coupon.objects.get().state) == (1, CouponState.REFUND_LOCKED)


def recall_form(page):
    return dict(re.findall(r'name="(at|shown)" value="([^"]+)"', page.content.decode()))


def test_a_recall_shows_its_number_wants_it_typed_and_tells_how_far_it_is(town, office):
    coupons = town.buy(quantity=3)
    Coupon.objects.update(issued_at=timezone.now() - timedelta(hours=1))
    town.redeem(coupons[0].code)
    address = f"{HERE}recalls/new/?deal={town.deal.pk}"
    assert town.deal.title in text(office.get(f"{HERE}recalls/"))

    page = office.get(address)
    shown = recall_form(page)
    assert shown["shown"] == "2"
    assert "¥256.00" in text(page).replace(" ", "")
    wrong = office.post(address, shown | {"typed": "3", "words": "食材有问题"})
    assert (wrong.status_code, "The number typed is not the number of coupons." in text(wrong)) == (409, True)
    assert office.post(address, shown | {"typed": "", "words": ""}).status_code == 422
    assert Recall.objects.count() == 0
    begun = office.post(address, shown | {"typed": "2", "words": "食材有问题"})

    recall = Recall.objects.get()
    assert begun.url == f"{HERE}recalls/{recall.pk}/"
    assert "0 / 2" in text(office.get(begun.url))
    twice = office.post(address, shown | {"typed": "2", "words": "食材有问题"})
    assert (twice.status_code, Recall.objects.count()) == (409, 1)
    while run_due_jobs(kinds=["recall"]):
        pass
    assert "All locked, money on its way" in text(office.get(begun.url))
    run_due_jobs(kinds=["pay_refund"])
    done = office.get(begun.url, headers={"HX-Request": "true"})
    assert "2 / 2" in text(done)
    assert "hx-trigger" not in done.content.decode(), "what is done asks no more"
    recall.refresh_from_db()
    assert (recall.state, recall.coupons) == (RecallState.DONE, 2)
    assert "No unused coupon of it is left." in text(office.get(address))


def test_a_recall_of_what_is_not_there(town, office):
    other = make_town("qingmu", "青木")
    assert office.get(f"{HERE}recalls/new/").url == f"{HERE}recalls/"
    for query in (
        f"deal={other.deal.pk}",
        f"deal={town.deal.pk}&placement=1",
        f"deal={town.deal.pk}&placement=x",
    ):
        assert office.get(f"{HERE}recalls/new/?{query}").status_code == 404
    assert office.get(f"{HERE}recalls/new/?deal={town.deal.pk}&placement=").status_code == 200
