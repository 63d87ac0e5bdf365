"""The board: who sees which task where, why, and what is written down about it."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django_scopes import scopes_disabled

from coupons.enums import CouponState
from coupons.models import Coupon
from coupons.tests.town import Town, make_town, make_user
from merchants.enums import Category
from providers.creators.domain.board import BoardFilter
from providers.creators.domain.board_records import count_records, know_board
from providers.creators.domain.claims import claim_place
from providers.creators.domain.exclusivities import propose_exclusivity
from providers.creators.domain.fairness import gini, report_fairness
from providers.creators.domain.hiding import hide_task, list_hidden, show_task
from providers.creators.domain.impressions import log_page
from providers.creators.domain.recommending import recommend_tasks
from providers.creators.domain.viewers import correct_interests
from providers.creators.enums import ClaimState, Slot, Standing
from providers.creators.models import (
    BoardKnowledge,
    Creator,
    CreatorRecord,
    CreatorTask,
    DealRecord,
    Impression,
)
from providers.creators.reasons import tell_reasons
from providers.creators.tests.studio import make_claim, make_creator, make_task, sell, take_steps

pytestmark = pytest.mark.django_db

EAST, NORTH = 106.55, 29.56
KM = 1 / 111.195  # in degrees of latitude


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def town(db: None) -> Town:
    return make_town()


@pytest.fixture
def creator() -> Creator:
    """He starts from the middle of town, goes ten kilometres and likes hotpot."""
    return make_creator(longitude=Decimal("106.55"), latitude=Decimal("29.56"), radius_km=10)


def put(
    town: Town,
    *,
    km: float,
    category: Category = Category.HOTPOT,
    record: tuple[int, int] | None = None,
    **task,
):
    """An open task so far north of the middle of town; `record`: so many of so many coupons of its deal redeemed."""
    deal = town.make_deal()
    made = make_task(town, deal_id=deal.pk, **task)
    CreatorTask.objects.filter(pk=made.pk).update(
        longitude=EAST,
        latitude=round(NORTH + km * KM, 6),
        category=category,
        opens_at=timezone.now() - timedelta(days=40),
    )
    if record is not None:
        redeemed, decided = record
        DealRecord.objects.create(deal=deal, redeemed=redeemed, decided=decided, counted_at=timezone.now())
    return CreatorTask.objects.get(pk=made.pk)


def titles(creator: Creator, **more) -> list[str]:
    return [row.task.title for row in recommend_tasks(creator=creator, **more).rows]


def test_each_row_says_why(town, creator):
    """Near beats far, liked beats unliked, redeemed beats refunded, and the words are those of the score."""
    put(town, title="near hotpot", km=1.2, record=(38, 40))
    put(town, title="far hotpot", km=8, record=(38, 40))
    put(town, title="near gym", km=1.2, category=Category.FITNESS, record=(38, 40))
    put(town, title="near, often refunded", km=1.2, record=(4, 40))
    put(town, title="out of reach", km=10.5, record=(40, 40))
    page = recommend_tasks(creator=creator)
    said = {row.task.title: tell_reasons(row) for row in page.rows}
    assert list(said) == ["near hotpot", "near, often refunded", "near gym", "far hotpot"]
    assert said["near hotpot"] == ["1.2 km away", "you like: Hotpot and barbecue", "38 of 40 redeemed"]
    assert said["near gym"] == ["1.2 km away", "38 of 40 redeemed"]
    assert [row.place for row in page.rows] == [1, 2, 3, 4]
    assert page.rows[0].rating.rate == pytest.approx((38 + 0.8 * 20) / (40 + 20))


def test_a_few_coupons_prove_little(town, creator):
    """Two of two redeemed is no better record than 190 of 200: the usual share is mixed in."""
    put(town, title="two of two", km=1, record=(2, 2))
    put(town, title="many", km=1, record=(190, 200))
    assert titles(creator) == ["many", "two of two"]


def test_only_what_he_may_take_is_recommended(town, creator):
    """Followers, targets, exclusive rights, his own claims, what he hid and what he narrowed to come before any score."""
    other = make_creator()
    put(town, title="for ten thousand", km=0.1, min_followers=10_000)
    put(town, title="for another", km=0.1, targeted=[other.pk])
    put(town, title="for him, far away", km=300, targeted=[creator.pk])
    taken = put(town, title="taken", km=0.1)
    claim_place(task=taken, creator=creator)
    hidden = put(town, title="hidden", km=0.1)
    hide_task(task=hidden, creator=creator)
    hide_task(task=hidden, creator=creator)
    exclusive = put(town, title="exclusive", km=0.1)
    propose_exclusivity(
        merchant=town.merchant, deal=exclusive.deal, area_code="", begins=timezone.now(),
        ends=timezone.now() + timedelta(days=9), holders=[other.party], for_party_id=town.merchant.pk, by=town.owner,
    )  # fmt: skip
    put(town, title="free", km=2)
    put(town, title="a gym", km=2, category=Category.FITNESS)
    assert titles(creator) == ["free", "a gym", "for him, far away"]
    assert titles(creator, narrow=BoardFilter(categories=[Category.FITNESS])) == ["a gym"]
    assert "exclusive" in titles(replace_place(other))
    assert [one.task.title for one in list_hidden(creator=creator)] == ["hidden"]
    show_task(task=hidden, creator=creator)
    assert titles(creator)[0] == "hidden"


def replace_place(creator: Creator) -> Creator:
    creator.longitude, creator.latitude = Decimal("106.55"), Decimal("29.56")
    creator.save()
    return creator


def test_places_are_kept_for_what_is_new(town, creator):
    """Ten shops of proven record lie nearer; the new one gets the fourth place, and one to begin with the eighth."""
    for number in range(12):
        put(town, title=f"proven {number}", km=0.5 + number / 10, record=(90, 100), min_followers=1)
    new = put(town, title="new", km=9, category=Category.OTHER, min_followers=1)
    CreatorTask.objects.filter(pk=new.pk).update(opens_at=timezone.now() - timedelta(days=3))
    put(town, title="to begin with", km=9, category=Category.OTHER, record=(10, 100))
    page = recommend_tasks(creator=creator)
    assert [(row.place, row.task.title, row.slot) for row in page.rows if row.slot] == [
        (4, "new", Slot.NEWCOMER),
        (8, "to begin with", Slot.STARTER),
    ]
    assert tell_reasons(page.rows[3])[0] == "A place kept for what is new here"
    assert [row.task.title for row in page.rows if not row.slot] == [
        f"proven {number}" for number in range(8)
    ]
    second = recommend_tasks(creator=creator, number=2)
    assert [(row.place, row.task.title) for row in second.rows] == [
        (11, "proven 8"),
        (12, "proven 9"),
        (13, "proven 10"),
        (14, "proven 11"),
    ]
    # who has delivered needs no beginner's place
    CreatorRecord.objects.create(
        creator=creator, accepted=3, decided=0, redeemed=0, counted_at=timezone.now()
    )
    page = recommend_tasks(creator=creator)
    assert page.profile.standing == Standing.SMALL
    assert [(row.place, row.task.title) for row in page.rows if row.slot] == [(4, "new")]


def test_he_corrects_what_is_concluded_from_his_work(town, creator):
    """Two gyms done make the third likelier, until he says that it is not to be learned; what he states stands."""
    for _ in range(2):
        claim = make_claim(town, creator=creator)
        CreatorTask.objects.filter(pk=claim.task_id).update(
            category=Category.FITNESS, longitude=None, latitude=None
        )
    put(town, title="a gym", km=1, category=Category.FITNESS)
    put(town, title="a spa", km=0.9, category=Category.BEAUTY)
    page = recommend_tasks(creator=creator)
    assert [row.task.title for row in page.rows] == ["a gym", "a spa"]
    assert tell_reasons(page.rows[0])[1] == "you took 2 such tasks"
    correct_interests(creator=creator, unlearned={Category.FITNESS}, by=creator.user)
    page = recommend_tasks(creator=creator)
    assert [row.task.title for row in page.rows] == ["a spa", "a gym"]
    assert tell_reasons(page.rows[1]) == ["1.0 km away", "nothing sold yet"]


def test_records_are_counted_from_what_happened(town, creator):
    """Of three sold by his link one was redeemed and one refunded; the third's fate is open, so it counts for nothing."""
    claim = make_claim(town, ClaimState.ACCEPTED, creator=creator)
    sell(town, claim, redeemed=1)
    sell(town, claim)
    refunded = sell(town, claim)
    with scopes_disabled():
        Coupon.objects.filter(order=refunded).update(state=CouponState.REFUNDED)
    count_records()
    record = DealRecord.objects.get(deal=claim.task.deal_id)
    assert (record.decided, record.redeemed) == (2, 1)
    his = CreatorRecord.objects.get(creator=creator)
    assert (his.accepted, his.decided, his.redeemed) == (1, 2, 1)
    assert know_board().redeemed_bps == round(10_000 * (1 + 0.8 * 20) / (2 + 20))
    with pytest.raises(IntegrityError), transaction.atomic():
        BoardKnowledge.objects.create(id=2, redeemed_bps=1, learned_at=timezone.now())


def test_a_board_costs_the_same_however_full_it_is(town, creator):
    put(town, title="one", km=1)
    with CaptureQueriesContext(
        connection,
    ) as few:
        log_page(page=recommend_tasks(creator=creator))
    for number in range(15):
        put(town, title=f"more {number}", km=1)
    with CaptureQueriesContext(connection) as many:
        log_page(page=recommend_tasks(creator=creator))
    assert len(many) == len(few) <= 9


def test_the_log_says_what_was_shown_once_a_day(town, creator):
    """Looking twice is one impression; the row carries standing, merit and signals of that moment, and the report its print."""
    put(town, title="a", km=1, record=(30, 40))
    put(town, title="b", km=2, record=(30, 40))
    page = recommend_tasks(creator=creator)
    log_page(page=page)
    log_page(page=page)
    rows = list(Impression.objects.order_by("place"))
    assert [(row.task.title, row.place, row.standing, row.merit_bps) for row in rows] == [
        ("a", 1, Standing.NEW, 8_000),
        ("b", 2, Standing.NEW, 8_000),
    ]
    assert rows[0].rate_bps == round(10_000 * (30 + 16) / 60)
    assert tuple(rows[0].signals) == page.rows[0].rating.signals
    month = rows[0].date
    report = report_fairness(month=month)
    assert report == report_fairness(month=month.replace(day=1))
    for change in (lambda row: row.update(place=3), lambda row: row.delete()):
        with pytest.raises(IntegrityError, match="what was shown was shown"), transaction.atomic():
            change(Impression.objects.filter(pk=rows[0].pk))
    show(make_creator(), rows[0].task, month, place=1, standing=Standing.NEW, merit=8_000)
    assert report_fairness(month=month).log_fingerprint != report.log_fingerprint


def show(
    creator: Creator,
    task: CreatorTask,
    day: date,
    *,
    place: int,
    standing: Standing,
    merit: int,
    slot: str = "",
    **more,
):
    return Impression.objects.create(
        creator=creator, task=task, date=day, place=place, standing=standing, merit_bps=merit, slot=slot, score=0, signals=[],
        **{"rate_bps": 8_000, "is_newcomer": bool(slot)} | more,
    )  # fmt: skip


def test_a_month_is_reported_to_the_figure(town, creator):
    """A large creator sees two first places, a new one a third place (half as much): 4/5 and 1/5 of exposure at equal merit."""
    large, task, kept = make_creator(followers=50_000), make_task(town), make_task(town)
    show(large, task, date(2026, 10, 1), place=1, standing=Standing.LARGE, merit=8_000)
    show(large, task, date(2026, 10, 31), place=1, standing=Standing.LARGE, merit=8_000)
    show(creator, kept, date(2026, 10, 9), place=3, standing=Standing.NEW, merit=8_000, slot=Slot.NEWCOMER)
    show(creator, task, date(2026, 11, 1), place=1, standing=Standing.NEW, merit=8_000)
    claim = take_steps(town, claim_place(task=kept, creator=creator), ClaimState.ACCEPTED)
    sell(town, claim, redeemed=1)
    report = report_fairness(month=date(2026, 10, 15))
    assert (report.month, report.impressions) == ("2026-10", 3)
    assert report.creators["large"].exposure_share == pytest.approx(0.8)
    assert report.creators["new"].exposure_share == pytest.approx(0.2)
    assert report.creators["large"].to_merit == pytest.approx(1.6)
    assert report.creators["new"].to_merit == pytest.approx(0.4)
    assert report.creators["small"].to_merit is None
    assert report.gini_creators == pytest.approx(0.3)
    assert (report.merchants["newcomer"].impressions, report.merchants["established"].impressions) == (1, 2)
    earned = report.slots["newcomer"]
    assert (earned.impressions, earned.claims, earned.accepted, earned.uses) == (1, 1, 1, 1)
    assert (earned.redeemed_fen, earned.earned_fen) == (12_800, 12_800 * 800 // 10_000)
    assert report.slots["starter"].claims == 0


def test_gini():
    assert gini([]) == gini([0, 0]) == 0
    assert gini([3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)


def test_the_board_over_http(town, creator, client):
    """The page says why, logs what it shows and what is closed and why; hiding and correcting work from there."""
    task = put(town, title="near hotpot", km=1.2, record=(38, 40))
    big = put(town, title="for the famous", km=1.3, min_followers=5_000)
    client.force_login(creator.user)
    client.cookies["django_language"] = "en"
    page = client.get("/c/")
    text = page.content.decode()
    for phrase in ("1.2 km away", "you like: Hotpot and barbecue", "38 of 40 redeemed"):
        assert phrase in text
    assert [row["task"].title for row in page.context["rows"]] == ["near hotpot"]
    assert [(one.title, "5" in said.title + said.next_step) for one, said in page.context["closed"]] == [
        (big.title, True)
    ]
    assert Impression.objects.get().task == task
    client.head("/c/")
    client.get("/c/?sort=near")
    assert Impression.objects.count() == 1
    assert client.post(f"/c/tasks/{task.pk}/hide/").status_code == 302
    assert [row["task"].title for row in client.get("/c/").context["rows"]] == []
    assert "near hotpot" in client.get("/c/interests/").content.decode()
    client.post(f"/c/tasks/{task.pk}/show/")
    assert [row["task"].title for row in client.get("/c/").context["rows"]] == ["near hotpot"]
    CreatorTask.objects.filter(pk=make_claim(town, creator=creator).task_id).update(category=Category.TEA)
    assert [row["category"] for row in client.get("/c/interests/").context["rows"]] == [Category.TEA]
    client.post("/c/interests/", {"asked": ["tea", "nonsense"]})
    assert creator.board_wish.unlearned == [Category.TEA]
    client.post("/c/interests/", {"asked": ["tea"], "learn": ["tea"]})
    creator.board_wish.refresh_from_db()
    assert creator.board_wish.unlearned == []


def test_the_operator_reads_the_report(town, creator, client):
    """By month, in the page; a stranger does not."""
    show(
        creator,
        make_task(town),
        date(2026, 10, 9),
        place=1,
        standing=Standing.NEW,
        merit=8_000,
        slot=Slot.NEWCOMER,
    )
    operator = make_user("运营")
    operator.is_staff = operator.is_superuser = True
    operator.save()
    address = "/ops/creators/impression/"
    client.force_login(creator.user)
    assert client.get(address).status_code in (302, 403)
    client.force_login(operator)
    report = client.get(address, {"month": "2026-10"}).context["report"]
    assert (report.month, report.impressions, report.slots["newcomer"].impressions) == ("2026-10", 1, 1)
