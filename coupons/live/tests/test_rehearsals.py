"""Asking for a rehearsal, its shadow shop, its life as rows, its pages."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.domain import jobs
from core.domain.invariant_runs import last_run
from core.errors import Invalid
from core.invariants import check_invariants, load_catalogue
from core.models import IdempotencyKey, InvariantRun, Job
from coupons.domain.orders import SoldOut
from coupons.domain.refunds import request_refund
from coupons.enums import OrderState
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.rehearsals import (
    RehearsalOver,
    RehearsalUnderWay,
    SessionNotToRehearse,
    begin_rehearsal,
    cancel_rehearsal,
    end_lost_rehearsals,
    finish_rehearsal,
    note_progress,
    request_rehearsal,
    rounds_in_time,
    went_live,
)
from coupons.live.domain.session_deals import Allotment
from coupons.live.domain.session_states import cancel_session, go_live
from coupons.live.domain.shadow_remains import purge_rehearsals
from coupons.live.domain.shadow_shop import build_shadow_shop, retire_shadow_shop, trim_stock
from coupons.live.enums import RehearsalFailure, RehearsalPhase, RehearsalState
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.rehearsal.books import check_books
from coupons.live.rehearsal.report import count_rounds
from coupons.live.rehearsal.sampling import Watcher
from coupons.live.rehearsal.shutting import clear_up_after_lost_ones, drop_jobs
from coupons.live.rehearsal.tokens import give_tokens, take_tokens_back
from coupons.live.tests.rehearsal_reports import put_rehearsal, sample_report
from coupons.models import Coupon, Deal, DealStock, Order
from coupons.tests.town import Town, make_town
from identity.models import AuditEvent
from merchants.models import Merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return make_town()


def plan(town: Town, *, days: float = 9, pieces: int = 40) -> LiveSession:
    begin = timezone.now() + timedelta(days=days)
    return plan_session(
        merchant=town.merchant,
        plan=SessionPlan(
            title="周六夜场",
            host_name="小敏",
            planned_from=begin,
            planned_until=begin + timedelta(hours=2),
            deals=(Allotment(town.deal.pk, pieces),),
        ),
        by=town.owner,
    )


def ask(session: LiveSession, **more) -> Rehearsal:
    return request_rehearsal(**{"session": session, "peak": 20, "seconds": 300, "by": None} | more)


def state_of(rehearsal: Rehearsal) -> str:
    with scopes_disabled():
        return Rehearsal.objects.get(pk=rehearsal.pk).state


class TestAsking:
    def test_it_is_written_down_and_a_job_starts_it(self, town: Town):
        session = plan(town)
        rehearsal = ask(session, by=town.owner)
        assert (rehearsal.state, rehearsal.peak, rehearsal.seconds) == ("requested", 20, 300)
        job = Job.objects.get(kind="start_rehearsal")
        assert job.payload == {"rehearsal_id": rehearsal.pk}
        assert job.kind in jobs._outside_handlers
        event = AuditEvent.objects.get(verb="rehearsal.ask")
        assert (event.actor_id, event.merchant_id) == (town.owner.pk, town.merchant.pk)

    def test_one_at_a_time_on_the_whole_installation(self, town: Town):
        first = ask(plan(town))
        other = make_town(slug="qingmu", name="青木")
        with pytest.raises(RehearsalUnderWay):
            ask(plan(other))
        with scopes_disabled():
            assert Rehearsal.objects.get() == first
        assert Job.objects.filter(kind="start_rehearsal").count() == 1
        cancel_rehearsal(rehearsal=first, by=town.owner)
        assert ask(plan(other)).state == "requested"

    def test_the_database_holds_it_too(self, town: Town):
        session = plan(town)
        put_rehearsal(session=session, state=RehearsalState.RUNNING)
        with pytest.raises(IntegrityError, match="rehearsal_one_at_a_time"), transaction.atomic():
            put_rehearsal(session=session, state=RehearsalState.REQUESTED)

    def test_only_what_is_planned_and_sells_something_is_rehearsed(self, town: Town):
        live, cancelled, empty = plan(town, pieces=10), plan(town, pieces=10), plan(town, pieces=10)
        go_live(session=live, by=town.owner)
        cancel_session(session=cancelled, by=town.owner)
        with scope(merchant=town.merchant.pk):
            empty.deals.all().delete()
        for session in (live, cancelled, empty):
            with pytest.raises(SessionNotToRehearse):
                ask(session)
        with scopes_disabled():
            assert not Rehearsal.objects.exists()
        assert not Job.objects.filter(kind="start_rehearsal").exists()

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"peak": 0}, "peak"), ({"peak": 5_001}, "peak"), ({"seconds": 0}, "seconds"), ({"seconds": 3_601}, "seconds")],
    )  # fmt: skip
    def test_sizes_have_bounds(self, town: Town, wrong, field):
        with pytest.raises(Invalid) as refused:
            ask(plan(town), **wrong)
        assert refused.value.facts["field"] == field


class TestLife:
    def test_a_process_that_fell_silent_makes_room(self, town: Town):
        session = plan(town)
        lost = put_rehearsal(session=session, state=RehearsalState.RUNNING)
        with scopes_disabled():
            Rehearsal.objects.filter(pk=lost.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=181))
        ask(session)
        with scopes_disabled():
            lost.refresh_from_db()
        assert (lost.state, lost.failure) == ("failed", RehearsalFailure.LOST)

    def test_only_one_process_takes_a_row(self, town: Town):
        rehearsal = ask(plan(town))
        assert begin_rehearsal(rehearsal_id=rehearsal.pk).state == "running"
        assert begin_rehearsal(rehearsal_id=rehearsal.pk) is None

    def test_progress_tells_the_process_that_it_was_cancelled(self, town: Town):
        rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
        told = {"rehearsal": rehearsal, "phase": RehearsalPhase.LOADING}
        assert note_progress(**told, progress={"sold": 7}) is True
        cancel_rehearsal(rehearsal=rehearsal, by=town.owner)
        assert note_progress(**told, progress={"sold": 8}) is False
        assert state_of(rehearsal) == "running"  # until the process has stopped

    def test_it_notices_that_the_session_itself_went_live(self, town: Town):
        session = plan(town)
        rehearsal = begin_rehearsal(rehearsal_id=ask(session).pk)
        assert not went_live(rehearsal=rehearsal)
        go_live(session=session, by=town.owner)
        assert went_live(rehearsal=rehearsal)

    def test_a_report_is_written_once(self, town: Town):
        rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
        finish_rehearsal(rehearsal=rehearsal, report=sample_report())
        with pytest.raises(RehearsalOver):
            finish_rehearsal(rehearsal=rehearsal, report=sample_report(sold=1))
        with scopes_disabled():
            rehearsal.refresh_from_db()
        assert (rehearsal.state, rehearsal.go, rehearsal.report["sold"]) == ("finished", True, 2_996)

    def test_two_rounds_a_week_ahead(self, town: Town):
        session = plan(town, days=9)
        short = put_rehearsal(session=session, minutes=1)
        put_rehearsal(session=session, state=RehearsalState.CANCELLED)
        late = put_rehearsal(session=session)
        with scopes_disabled():
            Rehearsal.objects.filter(pk=short.pk).update(seconds=60)
            Rehearsal.objects.filter(pk=late.pk).update(
                finished_at=timezone.now() + timedelta(days=2, hours=1)
            )

        def rounds():
            return count_rounds(rehearsal=late, in_time=rounds_in_time(session=session))

        assert (rounds().done, rounds().wanted, rounds().is_enough, rounds().can_still_be) == (
            0,
            2,
            False,
            True,
        )
        put_rehearsal(session=session)
        put_rehearsal(session=session, sold=1)  # no go
        assert (rounds().done, rounds().last_is_go, rounds().is_enough) == (2, False, False)
        put_rehearsal(session=session)
        assert (rounds().done, rounds().is_enough) == (3, True)


class TestShadowShop:
    def build(self, town: Town, **more):
        rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
        return rehearsal, build_shadow_shop(
            **{"rehearsal": rehearsal, "pieces": 25, "customers": 4, "clerks": 2} | more
        )

    def test_it_copies_what_is_sold_and_opens_when_it_can_be_used(self, town: Town):
        with scope(merchant=town.merchant.pk):
            Deal.objects.filter(pk=town.deal.pk).update(
                per_person_limit=3, usable_weekdays=[0], sale_until=timezone.now() + timedelta(minutes=1)
            )
        _rehearsal, shop = self.build(town)
        assert shop.merchant.shadow_of == town.merchant
        assert shop.merchant.slug.startswith("rehearsal-")
        assert len(shop.merchant.slug) > 30
        with scope(merchant=shop.merchant.pk):
            deal = Deal.objects.get()
            assert (deal.title, deal.price_fen, deal.per_person_limit) == (town.deal.title, 12_800, 3)
            assert (deal.sale_until, deal.usable_weekdays, deal.refund_on_expiry) == (None, [0, 1, 2, 3, 4, 5, 6], False)  # fmt: skip
            assert [item.name for item in deal.groups.get().items.all()] == ["鸳鸯锅底"]
            assert (LiveSession.objects.get().state, shop.rows[0].pieces) == ("live", 25)
        assert shop.stock == 25
        assert {customer.customer.is_shadow for customer in shop.customers} == {True}
        assert not town.merchant.is_shadow

    def test_the_real_shop_is_as_it_was(self, town: Town):
        with connection.cursor() as cursor:
            before = self.rows_of(cursor, town.merchant.pk)
            session = plan(town)
            rehearsal = begin_rehearsal(rehearsal_id=ask(session).pk)
            planned = self.rows_of(cursor, town.merchant.pk)
            shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=4, clerks=2)
            order = shop_order(shop)
            assert order.merchant_id == shop.merchant.pk
            retire_shadow_shop(shadow=shop.merchant)
            assert self.rows_of(cursor, town.merchant.pk) == planned != before

    @staticmethod
    def rows_of(cursor, merchant_id: int) -> dict[str, str]:
        """A fingerprint of everything the merchant owns, but for the rehearsal's own row and what people did."""
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'merchant_id'"
            " AND table_schema = 'public' AND table_name NOT IN ('live_rehearsal', 'identity_auditevent')"
            " AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE')"
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t WHERE merchant_id = %s",
                [merchant_id],
            )
            found[table] = cursor.fetchone()[0]
        return found

    def test_stock_is_lowered_to_what_is_wanted_but_never_below_what_was_taken(self, town: Town):
        _rehearsal, shop = self.build(town)
        for number in range(3):
            shop_order(shop, customer=number)
        assert trim_stock(shop=shop, pieces=5) == 5
        assert trim_stock(shop=shop, pieces=1) == 3
        assert check_invariants(merchant_id=shop.merchant.pk).broken == {}
        with pytest.raises(SoldOut):
            shop_order(shop, customer=3)
        with scope(merchant=shop.merchant.pk):
            stock = DealStock.objects.get()
        assert (stock.total, stock.held, stock.sold) == (3, 3, 0)

    def test_a_retired_shop_lets_nobody_in_and_sells_nothing(self, town: Town):
        rehearsal, shop = self.build(town)
        token = give_tokens(shop.customers)[0]
        clerk = give_tokens(shop.clerks)[0]
        asks = [
            lambda: Client().get(reverse("api_orders"), headers={"Authorization": f"Token {token}"}),
            lambda: Client().get(reverse("api_posts"), headers={"Authorization": f"Token {clerk}"}),
        ]
        assert [call().status_code for call in asks] == [200, 200]
        retire_shadow_shop(shadow=shop.merchant)
        rehearsal.shadow_id = shop.merchant.pk
        take_tokens_back(rehearsal)
        assert [call().status_code for call in asks] == [401, 401]
        with scope(merchant=shop.merchant.pk):
            assert Deal.objects.get().state == "ended"
            assert LiveSession.objects.get().state == "ended"


def test_remains_of_old_rehearsals_go_and_what_the_ledger_rests_on_stays(town: Town):
    rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
    shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=2, clerks=1)
    order = shop_order(shop)
    town.pay(order)  # the sandbox's charge and its notification
    with override_settings(REHEARSAL=rehearsal.lane):
        shown = Client().get(
            reverse("api_orders"), headers={"Authorization": f"Token {give_tokens(shop.customers)[0]}"}
        )
    assert shown.json()["results"][0]["state"] == "paid"
    IdempotencyKey.objects.create(
        principal=f"user:{shop.customers[0].pk}",
        endpoint="orders",
        key="k" * 8,
        fingerprint="",
        status=201,
        body={},
    )
    IdempotencyKey.objects.create(
        principal=f"user:{town.customer.user_id}",
        endpoint="orders",
        key="k" * 8,
        fingerprint="",
        status=201,
        body={},
    )
    finish_rehearsal(rehearsal=rehearsal, report=sample_report())
    assert set(purge_rehearsals(days=30).values()) == {0}
    with scopes_disabled():
        Rehearsal.objects.filter(pk=rehearsal.pk).update(finished_at=timezone.now() - timedelta(days=31))
    deleted = purge_rehearsals(days=30)
    assert (deleted["idempotency keys"], deleted["charges"], deleted["notifications"]) == (1, 1, 1)
    assert IdempotencyKey.objects.get().principal == f"user:{town.customer.user_id}"
    assert check_invariants(merchant_id=shop.merchant.pk).broken == {}
    with scope(merchant=shop.merchant.pk):
        assert Coupon.objects.count() == 1


def test_what_a_broken_off_rehearsal_left_open_is_ended_and_breaks_nothing_for_ever(town: Town):
    rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
    shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=2, clerks=1)
    open_order, paid_order = shop_order(shop), shop_order(shop, customer=1)
    town.pay(paid_order)
    with scope(merchant=shop.merchant.pk):
        request_refund(coupon=Coupon.objects.get(), by=shop.customers[1])
        Job.objects.filter(merchant_id=shop.merchant.pk).update(lane=rehearsal.lane)
    retire_shadow_shop(shadow=shop.merchant)
    drop_jobs(rehearsal)
    with scope(merchant=shop.merchant.pk):
        assert Order.objects.get(pk=open_order.pk).state == OrderState.CLOSED
    assert set(Job.objects.filter(lane=rehearsal.lane, state="ready").values_list("kind", flat=True)) == {
        "pay_refund"
    }
    assert check_invariants(merchant_id=shop.merchant.pk).broken == {}


def test_what_a_lost_rehearsal_left_open_is_ended_when_its_remains_go(town: Town):
    """Its process was killed: nobody shut the shop."""
    rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
    shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=1, clerks=1)
    order = shop_order(shop)
    with scopes_disabled():
        Job.objects.filter(merchant_id=shop.merchant.pk).update(lane=rehearsal.lane)
        Rehearsal.objects.filter(pk=rehearsal.pk).update(
            state=RehearsalState.FAILED,
            failure=RehearsalFailure.LOST,
            finished_at=timezone.now() - timedelta(days=31),
        )
    purge_rehearsals(days=30)
    with scope(merchant=shop.merchant.pk):
        assert Order.objects.get(pk=order.pk).state == OrderState.CLOSED
        assert (Deal.objects.get().state, LiveSession.objects.get().state) == ("ended", "ended")
    assert check_invariants(merchant_id=shop.merchant.pk).broken == {}


def test_what_a_killed_process_left_open_is_shut_at_once_and_its_page_says_so(town: Town):
    """Without a next rehearsal and without the month's purge."""
    session = plan(town)
    rehearsal = begin_rehearsal(rehearsal_id=ask(session).pk)
    shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=1, clerks=2)
    token = give_tokens(shop.customers)[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tongdao.lane', %s, true)", [rehearsal.lane])
        order = shop_order(shop)
        cursor.execute("SELECT set_config('tongdao.lane', '', true)")
    heard = timezone.now() - timedelta(seconds=181)
    with scopes_disabled():
        Rehearsal.objects.filter(pk=rehearsal.pk).update(heartbeat_at=heard)
        real = Deal.objects.filter(merchant=town.merchant).values()
        before = list(real)
    owner = Client(headers={"accept-language": "en"})
    owner.force_login(town.owner)
    page = reverse("rehearsal", args=(town.merchant.slug, session.pk, rehearsal.pk))

    seen_first = owner.get(page).content.decode()
    assert "Its shadow shop is being shut" in seen_first
    assert [end_lost_rehearsals(), end_lost_rehearsals()] == [0, 0]
    (job,) = Job.objects.filter(kind="shut_rehearsal")
    with scopes_disabled():
        assert Rehearsal.objects.get(pk=rehearsal.pk).shut_at is None

    assert jobs.run_job(job_id=job.pk)
    seen_then = owner.get(page).content.decode()

    with scopes_disabled():
        lost = Rehearsal.objects.get(pk=rehearsal.pk)
        assert (lost.state, lost.failure, lost.phase) == ("failed", "lost", "")
        assert lost.shut_at is not None
        assert list(real) == before
    with scope(merchant=shop.merchant.pk):
        assert Order.objects.get(pk=order.pk).state == OrderState.CLOSED
        assert (Deal.objects.get().state, LiveSession.objects.get().state) == ("ended", "ended")
    assert not Job.objects.filter(lane=rehearsal.lane).exists()
    answer = Client().get(reverse("api_orders"), headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 401
    assert "being shut" not in seen_then
    assert "its shadow shop is shut" in seen_then
    assert f"{timezone.localtime(heard):%H:%M}" in seen_then
    assert AuditEvent.objects.filter(verb="rehearsal.lost", noun_id=rehearsal.pk).count() == 1
    assert check_invariants(merchant_id=shop.merchant.pk).broken == {}


def test_a_process_killed_before_it_built_its_shop_leaves_nothing_to_shut(town: Town):
    session = plan(town)
    rehearsal = begin_rehearsal(rehearsal_id=ask(session).pk)
    with scopes_disabled():
        Rehearsal.objects.filter(pk=rehearsal.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=181))
    assert end_lost_rehearsals() == 1
    assert not Job.objects.filter(kind="shut_rehearsal").exists()
    owner = Client(headers={"accept-language": "en"})
    owner.force_login(town.owner)
    page = reverse("rehearsal", args=(town.merchant.slug, session.pk, rehearsal.pk))
    assert "its shadow shop was not built yet" in owner.get(page).content.decode()


def test_the_books_of_a_rehearsal_are_a_recorded_check(town: Town):
    """Of the shadow shop alone, so it never stands for the installation's own last check."""
    rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
    shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=1, clerks=1)
    counted = []
    figures = check_books(merchant_id=shop.merchant.pk, on_counted=lambda name, rows: counted.append(name))
    run = InvariantRun.objects.get()
    assert (run.trigger, run.merchant_id, run.broken) == ("rehearsal", shop.merchant.pk, 0)
    assert run.finished_at is not None
    assert run.figures == figures
    assert sorted(counted) == sorted(figures) == sorted(load_catalogue())
    assert last_run() is None


def test_the_watcher_reaches_the_database_by_every_option_of_its_address(monkeypatch: pytest.MonkeyPatch):
    """As what stands behind the ? of DATABASE_URL: a server that wants TLS refuses a connection that forgot it."""
    asked = {"application_name": "a-watcher", "sslmode": "allow", "connect_timeout": "7"}
    before = connection.settings_dict.get("OPTIONS", {})
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {**before, **asked})
    watcher = Watcher(lane="nobody", merchant_id=0)
    try:
        sample = watcher.look(second=1.0, pids={}, generator=None)
        assert sample.connections > 0, "the database answered"
        used = watcher._connection.info.get_parameters()
        assert {name: used.get(name) for name in asked} == asked
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'a-watcher'")
            assert cursor.fetchone()[0] == 1
    finally:
        watcher.close()


def shop_order(shop, *, customer: int = 0):
    from coupons.domain.orders import place_order

    with scope(merchant=shop.merchant.pk):
        row = shop.session.deals.select_related("placement").get()
    return place_order(
        customer=shop.customers[customer].customer,
        merchant=Merchant.objects.get(pk=shop.merchant.pk),
        deal_id=row.deal_id,
        quantity=1,
        placement=row.placement,
    )


def test_what_a_lost_rehearsal_left_open_is_shut_by_the_next(town: Town):
    rehearsal = begin_rehearsal(rehearsal_id=ask(plan(town)).pk)
    shop = build_shadow_shop(rehearsal=rehearsal, pieces=25, customers=1, clerks=1)
    token = give_tokens(shop.customers)[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tongdao.lane', %s, true)", [rehearsal.lane])
        shop_order(shop)
        cursor.execute("SELECT set_config('tongdao.lane', '', true)")
    assert Job.objects.filter(lane=rehearsal.lane).exists()
    with scopes_disabled():
        Rehearsal.objects.filter(pk=rehearsal.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=181))
    end_lost_rehearsals()
    clear_up_after_lost_ones()
    with scope(merchant=shop.merchant.pk):
        assert Deal.objects.get().state == "ended"
    assert not Job.objects.filter(lane=rehearsal.lane).exists()
    answer = Client().get(reverse("api_orders"), headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 401


class TestPages:
    @pytest.fixture
    def owner(self, town: Town) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(town.owner)
        return client

    def url(
        self, session: LiveSession, rehearsal: Rehearsal | None = None, name: str = "rehearsal", **more
    ) -> str:
        ids = {"slug": "laozao", "session_id": session.pk}
        return reverse(name, kwargs=ids | ({"rehearsal_id": rehearsal.pk} if rehearsal else {}) | more)

    def test_asking_leads_to_the_progress(self, town: Town, owner: Client):
        session = plan(town)
        answer = owner.post(self.url(session, name="rehearsals"), {"peak": "30", "minutes": "5"})
        with scopes_disabled():
            rehearsal = Rehearsal.objects.get()
        assert answer.status_code == 302
        assert answer.url == self.url(session, rehearsal)
        assert (rehearsal.asked_by, rehearsal.peak, rehearsal.seconds) == (town.owner, 30, 300)
        page = owner.get(answer.url)
        assert b"It starts in a moment" in page.content
        part = owner.get(answer.url, headers={"HX-Request": "true"}).content
        assert b"<html" not in part
        assert b"<progress" in part

    def test_a_refusal_is_said_on_the_form(self, town: Town, owner: Client):
        session = plan(town)
        put_rehearsal(session=plan(make_town(slug="qingmu", name="青木")), state=RehearsalState.RUNNING)
        answer = owner.post(self.url(session, name="rehearsals"), {"peak": "30", "minutes": "5"})
        assert answer.status_code == 422
        assert b"A rehearsal is under way on this installation." in answer.content
        assert owner.post(self.url(session, name="rehearsals"), {"peak": "0"}).status_code == 422

    def test_a_live_session_offers_no_form(self, town: Town, owner: Client):
        session = plan(town)
        go_live(session=session, by=town.owner)
        page = owner.get(self.url(session, name="rehearsals")).content.decode()
        assert "Only a planned session is rehearsed." in page
        assert 'name="peak"' not in page

    def test_cancelling(self, town: Town, owner: Client):
        session = plan(town)
        rehearsal = ask(session)
        assert owner.post(self.url(session, rehearsal, "rehearsal_cancel")).status_code == 302
        assert state_of(rehearsal) == "cancelled"
        assert b"it proves nothing" in owner.get(self.url(session, rehearsal)).content
        assert owner.get(self.url(session, rehearsal), headers={"HX-Request": "true"})["HX-Refresh"] == "true"

    def test_the_report_says_why_it_is_no_go(self, town: Town, owner: Client):
        session = plan(town)
        rehearsal = put_rehearsal(session=session, sold=2_995, invariants={"stock_equals_orders": 3})
        page = owner.get(self.url(session, rehearsal)).content.decode()
        assert "2995 pieces were sold of a stock of 2996." in page
        assert "1 invariant is broken." in page
        assert "stock_equals_orders" in page
        assert "The processor of the machine was full first" in page

    def test_the_report_as_files(self, town: Town, owner: Client):
        session = plan(town)
        rehearsal = put_rehearsal(session=session, by=town.owner)
        text = owner.get(self.url(session, rehearsal, "rehearsal_file", suffix="md"))
        assert text["Content-Disposition"] == f'attachment; filename="laozao-rehearsal-{rehearsal.pk}.md"'
        assert "# Rehearsal of 周六夜场" in text.content.decode()
        assert "**Go**" in text.content.decode()
        data = json.loads(owner.get(self.url(session, rehearsal, "rehearsal_file", suffix="json")).content)
        assert data == rehearsal.report
        assert owner.get(self.url(session, rehearsal, "rehearsal_file", suffix="exe")).status_code == 404

    def test_a_rehearsal_of_another_session_is_not_found_under_this_one(self, town: Town, owner: Client):
        rehearsal = put_rehearsal(session=plan(town, pieces=10))
        assert owner.get(self.url(plan(town, pieces=10), rehearsal)).status_code == 404
