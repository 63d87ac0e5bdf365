"""The pages of live sessions over HTTP: what they show, what they change, who may."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.live.domain.openings import flush_openings, note_opening
from coupons.live.domain.session_states import cancel_session, end_session, go_live
from coupons.live.enums import LiveState
from coupons.live.models import LiveNote, LiveOpening, LiveSession
from coupons.live.tests.test_sessions import EVENING, buy_live, left, plan, row_of
from coupons.tests.town import make_town, make_user
from identity.enums import Role
from merchants.domain.memberships import set_membership


@pytest.fixture
def town(db):
    cache.clear()
    with scopes_disabled():
        yield make_town()


def as_user(user):
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def owner(town):
    return as_user(town.owner)


HERE = "/m/laozao/live/"


def typed(town, **more):
    return {
        "title": "周末火锅节",
        "host_name": "小唐",
        "planned_from": "2026-12-01T19:00",
        "planned_until": "2026-12-01T22:00",
        "goal_fen": "12000",
        f"pieces_{town.deal.pk}": "40",
        **more,
    }


def test_the_empty_list_says_how_to_plan_one(owner):
    page = owner.get(HERE).content.decode()
    assert "No live session yet." in page
    assert f'href="{HERE}new/"' in page


def test_a_plan_is_made_and_shown(town, owner):
    form = owner.get(f"{HERE}new/").content.decode()
    assert "100" in form, "what the stock has left"
    answer = owner.post(f"{HERE}new/", typed(town))

    session = LiveSession.objects.get()
    assert answer.url == f"{HERE}{session.pk}/"
    assert (session.planned_from, session.goal_fen, session.created_by_id) == (
        EVENING,
        1_200_000,
        town.owner.pk,
    )
    assert left(town.deal) == 60
    page = owner.get(answer.url).content.decode()
    assert f"/h5/laozao/live/{session.token}/" in page
    assert "Go live" in page


def test_more_than_is_left_is_refused_beside_the_deal(town, owner):
    answer = owner.post(f"{HERE}new/", typed(town, **{f"pieces_{town.deal.pk}": "101"}))
    assert answer.status_code == 422
    assert "双人鸳鸯锅套餐 has 100 pieces left for this session." in answer.content.decode()
    assert not LiveSession.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"planned_until": "2026-12-01T19:00"}, "The end must be after the beginning."),
        ({"planned_until": "2026-12-02T20:00"}, "A session lasts at most 24 hours."),
        ({"host_name": ""}, "Who hosts the session?"),
        ({"title": ""}, "This field is required."),
    ],
)
def test_a_form_says_what_to_correct(town, owner, wrong, sentence):
    answer = owner.post(f"{HERE}new/", typed(town, **wrong))
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not LiveSession.objects.exists()


def test_the_turns_order_the_show(town, owner):
    other = town.make_deal(title="四人餐")
    owner.post(
        f"{HERE}new/",
        typed(town, **{f"turn_{town.deal.pk}": "2", f"pieces_{other.pk}": "5", f"turn_{other.pk}": "1"}),
    )
    assert list(LiveSession.objects.get().deals.values_list("deal_id", flat=True)) == [other.pk, town.deal.pk]


def test_a_second_editor_is_told(town, owner):
    session = plan(town)
    url = f"{HERE}{session.pk}/edit/"
    first = owner.post(url, typed(town, version="1", title="第一版"))
    second = owner.post(url, typed(town, version="1", title="第二版"))
    assert (first.status_code, second.status_code) == (302, 409)
    assert "saved this session at" in second.content.decode()
    assert LiveSession.objects.get().title == "第一版"


def test_live_end_and_cancel_by_button(town, owner):
    session, other = plan(town, pieces=10), plan(town, pieces=20)
    owner.post(f"{HERE}{session.pk}/start/")
    assert LiveSession.objects.get(pk=session.pk).state == LiveState.LIVE
    refused = owner.post(f"{HERE}{other.pk}/start/", follow=True)
    assert "Another live session sells this now" in refused.content.decode()
    owner.post(f"{HERE}{session.pk}/end/")
    owner.post(f"{HERE}{other.pk}/cancel/")
    states = set(LiveSession.objects.values_list("state", flat=True))
    assert (states, left(town.deal)) == ({LiveState.ENDED, LiveState.CANCELLED}, 100)


def test_pieces_and_one_more_deal_while_live(town, owner):
    session = plan(town, pieces=10)
    go_live(session=session, by=town.owner)
    row = row_of(session, town.deal)
    owner.post(f"{HERE}{session.pk}/deals/{row.pk}/pieces/", {"pieces": "30"})
    assert left(town.deal) == 70
    refused = owner.post(f"{HERE}{session.pk}/deals/{row.pk}/pieces/", {"pieces": "500"}, follow=True)
    assert "has 100 pieces left for this session." in refused.content.decode()
    other = town.make_deal(title="四人餐")
    owner.post(f"{HERE}{session.pk}/deals/", {"deal": str(other.pk), "pieces": "7"})
    assert left(other) == 93
    again = owner.post(f"{HERE}{session.pk}/deals/", {"deal": str(other.pk), "pieces": "7"})
    assert (again.status_code, left(other)) == (422, 93)


def test_the_review_shows_what_was_sold(town, owner):
    before = plan(town, pieces=10)
    go_live(session=before, by=town.owner, at=timezone.now() - timedelta(hours=9))
    buy_live(town, before)
    end_session(session=before, by=town.owner, at=timezone.now() - timedelta(hours=8))
    session = plan(town, pieces=10, goal_fen=100_000)
    go_live(session=session, by=town.owner, at=timezone.now() - timedelta(minutes=30))
    order = buy_live(town, session, quantity=2)
    town.redeem(order.coupons.first().code)
    end_session(session=session, by=town.owner)

    page = owner.get(f"{HERE}{session.pk}/").content.decode()
    assert "¥256" in page
    assert "25.6% of ¥1,000.00" in page
    assert "vs the session before" in page
    assert "+100%" in page
    assert "50%" in page, "one of two coupons redeemed"
    listed = owner.get(HERE).content.decode()
    assert "¥256.00" in listed


def test_notes_are_written_and_ticked(town, owner):
    session = plan(town)
    assert owner.post(f"{HERE}{session.pk}/notes/", {"text": " "}).status_code == 422
    owner.post(f"{HERE}{session.pk}/notes/", {"text": "多备毛肚", "is_todo": "on"})
    note = LiveNote.objects.get()
    assert (note.text, note.is_todo, note.by_id, note.done_at) == ("多备毛肚", True, town.owner.pk, None)
    owner.post(f"{HERE}{session.pk}/notes/{note.pk}/", {"done": "1"})
    assert LiveNote.objects.get().done_at is not None
    owner.post(f"{HERE}{session.pk}/notes/{note.pk}/", {"done": "0"})
    assert LiveNote.objects.get().done_at is None


def test_finance_looks_and_a_clerk_sees_nothing(town):
    session = plan(town)
    finance = make_user("财务")
    set_membership(merchant=town.merchant, user=finance, role=Role.FINANCE, stores=[], by=town.owner)
    reader, clerk = as_user(finance), as_user(town.clerk)
    for path in ("", f"{session.pk}/", f"{session.pk}/wall/", f"{session.pk}/card/"):
        assert reader.get(HERE + path).status_code == 200
        assert clerk.get(HERE + path).status_code == 404
    for path in ("new/", f"{session.pk}/start/", f"{session.pk}/cancel/", f"{session.pk}/notes/"):
        assert reader.post(HERE + path, {"text": "x"}).status_code == 404
    assert "Go live" not in reader.get(f"{HERE}{session.pk}/").content.decode()
    assert LiveSession.objects.get().state == LiveState.PLANNED


# The card in the shop


def card(session, deal=None):
    return f"/h5/laozao/live/{session.token}/" + (f"{deal.pk}/" if deal else "")


def test_the_card_counts_down_then_sells_then_says_it_is_over(town):
    session = plan(town, pieces=10)
    LiveSession.objects.update(
        planned_from=timezone.now() + timedelta(hours=1), planned_until=timezone.now() + timedelta(hours=3)
    )
    anybody = Client(headers={"accept-language": "en"})
    before = anybody.get(card(session)).content.decode()
    assert "data-seconds-left" in before
    assert card(session, town.deal) not in before, "nothing to buy yet"
    assert anybody.get(card(session, town.deal)).url == card(session)

    go_live(session=session, by=town.owner)
    during = anybody.get(card(session)).content.decode()
    assert "10 left" in during
    assert card(session, town.deal) in during
    to = anybody.get(card(session, town.deal)).url
    assert to == f"/h5/laozao/deals/{town.deal.pk}/?from={row_of(session, town.deal).placement.token}"

    end_session(session=session, by=town.owner)
    assert "The live stream is over." in anybody.get(card(session)).content.decode()
    assert anybody.get(card(session, town.deal)).url == f"/h5/laozao/deals/{town.deal.pk}/"


def test_a_cancelled_session_says_so(town):
    session = plan(town)
    cancel_session(session=session, by=town.owner)
    page = Client(headers={"accept-language": "en"}).get(card(session)).content.decode()
    assert "does not take place" in page


def test_a_card_that_is_sold_out_says_so(town):
    deal = town.make_deal(title="四人餐", stock=5)
    session = plan(town, deals=(*plan_deals(deal, 2),))
    go_live(session=session, by=town.owner)
    buy_live(town, session, deal, quantity=2)
    page = Client(headers={"accept-language": "en"}).get(card(session)).content.decode()
    assert "Sold out" in page
    assert card(session, deal) not in page


def plan_deals(deal, pieces):
    from coupons.live.domain.session_deals import Allotment

    return (Allotment(deal.pk, pieces),)


def test_an_unknown_card_and_another_shops_card_are_not_found(town):
    session = plan(town)
    other = make_town(slug="chaguan", name="茶馆")
    anybody = Client()
    assert anybody.get("/h5/laozao/live/AAAAAAAAAAAAAAAA/").status_code == 404
    assert anybody.get(f"/h5/chaguan/live/{session.token}/").status_code == 404
    assert anybody.get(f"/h5/laozao/live/{session.token}/{other.deal.pk}/").status_code == 404


# Openings


def counts(session):
    return {row.live_deal_id: row.count for row in LiveOpening.objects.filter(session=session).order_by("id")}


def test_openings_are_counted_by_card_and_minute(town):
    session = plan(town)
    row = row_of(session, town.deal)
    anybody = Client()
    anybody.get(card(session))
    for _ in range(3):
        anybody.get(card(session, town.deal))
    anybody.head(card(session))
    assert counts(session) == {}
    assert flush_openings() == 4
    assert counts(session) == {None: 1, row.pk: 3}
    assert flush_openings() == 0
    at = LiveOpening.objects.get(live_deal=row).minute
    note_opening(session_id=session.pk, live_deal_id=row.pk, at=at)
    flush_openings()
    assert counts(session)[row.pk] == 4, "added to its minute"


def test_openings_of_nothing_are_dropped(town):
    note_opening(session_id=1, live_deal_id=2)
    flush_openings()
    assert not LiveOpening.objects.exists()


def test_with_redis_away_cards_open_uncounted(town, monkeypatch):
    from redis.exceptions import ConnectionError as RedisAway

    from coupons.live.domain import openings

    def away(alias):
        raise RedisAway("away")

    session = plan(town)
    monkeypatch.setattr(openings, "get_redis_connection", away)
    assert Client().get(card(session)).status_code == 200
    assert flush_openings() == 0


# The wall


def test_the_wall_answers_not_modified_until_something_is_sold(town, owner):
    session = plan(town, pieces=6, goal_fen=100_000)
    go_live(session=session, by=town.owner)
    url = f"{HERE}{session.pk}/wall/figures/"
    first = owner.get(url)
    assert (first.status_code, first["Cache-Control"]) == (200, "private, no-cache")
    cache.clear()
    same = owner.get(url, headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content) == (304, b"")

    buy_live(town, session, quantity=2)
    cache.clear()
    sold = owner.get(url, headers={"If-None-Match": first["ETag"]})
    assert (sold.status_code, sold["ETag"] == first["ETag"]) == (200, False)
    page = sold.content.decode()
    assert "¥256" in page
    assert "25.6%" in page
    assert "4 left: add pieces" in page


def test_the_wall_costs_the_same_however_much_was_sold(town, owner, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    other = town.make_deal(title="四人餐")
    session = plan(town, deals=(*plan_deals(town.deal, 20), *plan_deals(other, 20)))
    go_live(session=session, by=town.owner)
    url = f"{HERE}{session.pk}/wall/figures/"
    used = []
    for _ in range(2):
        cache.clear()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert owner.get(url).status_code == 200
        used.append(len(captured))
        for deal in (town.deal, other):
            for _ in range(3):
                town.redeem(buy_live(town, session, deal).coupons.first().code)
    assert used[0] == used[1] <= 11


def test_walls_share_one_reading(town, owner, monkeypatch):
    from coupons.live.views import shared_figures

    session = plan(town, pieces=6)
    go_live(session=session, by=town.owner)
    url = f"{HERE}{session.pk}/wall/figures/"
    first = owner.get(url)
    buy_live(town, session)
    again = owner.get(url)
    assert (again.content, again["Age"]) == (first.content, "0")

    now = shared_figures.time.time()
    monkeypatch.setattr(shared_figures.time, "time", lambda: now + 12)
    cache.add(f"live:figures:{session.pk}:live:reading", 1, 15)
    waiting = owner.get(url)
    assert (waiting.content == first.content, int(waiting["Age"]) >= 11) == (True, True), "another wall reads"
    cache.delete(f"live:figures:{session.pk}:live:reading")
    assert "¥128" in owner.get(url).content.decode()


def test_by_the_card_the_shop_offers_what_general_sale_has_no_more(town):
    deal = town.make_deal(title="四人餐", stock=3)
    session = plan(town, deals=plan_deals(deal, 3))
    go_live(session=session, by=town.owner)
    anybody = Client(headers={"accept-language": "en"})
    general = anybody.get(f"/h5/laozao/deals/{deal.pk}/").content.decode()
    by_card = anybody.get(anybody.get(card(session, deal)).url).content.decode()
    assert ("Sold out" in general, 'id="buy"' in general) == (True, False)
    assert ("3 left" in by_card, 'id="buy"' in by_card) == (True, True)
