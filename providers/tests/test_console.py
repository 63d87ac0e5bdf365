"""The console over HTTP: what waits at all clients, agreements on both sides, acts with both names, new clients, staff."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from coupons.domain.placements import PlacementShare, create_placement
from coupons.domain.use_refunds import request_refund_of_use
from coupons.enums import DealState, Entrance
from coupons.models import Deal, Redemption
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town, make_user
from identity.enums import PartyKind, Role, Scope
from identity.models import AuditEvent, Party, User
from merchants.domain.memberships import set_membership
from merchants.models import Membership, Merchant
from providers.domain.clients import look_after
from providers.domain.engagements import narrow_engagement, propose_change
from providers.domain.figures import sum_up_trade
from providers.domain.onboarding import Step, begin_onboarding, read_progress
from providers.models import Engagement, Onboarding, ProviderMembership
from providers.tests.firms import SHOP_SCOPES, make_firm

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm():
    return make_firm()


@pytest.fixture
def town():
    return make_town()


def sign_in(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def post(client: Client, url: str, **fields) -> str:
    """Send it and read the page one lands on."""
    return client.post(url, fields, follow=True).content.decode()


def busy(town) -> None:
    """A sale two hours ago, one redeemed, a refund of it asked for, a rejected deal."""
    at = timezone.now() - timedelta(hours=2)
    coupon, _other = town.buy(quantity=2, at=at)
    town.redeem(coupon.code, at=at)
    with scopes_disabled():
        use = Redemption.objects.get(coupon=coupon)
        town.make_deal(title="被退回的套餐", state=DealState.REJECTED)
    request_refund_of_use(redemption=use, cause="quality", words="凉了", by=town.customer.user)


def at_a_glance(firm, *, role=Role.OWNER):
    engagements = list(
        Engagement.objects.filter(provider=firm.provider).select_related("merchant").order_by("pk")
    )
    return look_after(engagements=engagements, role=role, at=timezone.now())


def test_what_waits_and_was_sold_is_counted_where_the_scope_lets_it(firm, town):
    firm.engage(town)
    busy(town)

    (client,) = at_a_glance(firm)

    assert {one.kind: one.count for one in client.todos} == {"refunds": 1, "rejected_deals": 1}
    assert client.todos[0].due_at is not None
    assert (client.sold_fen, client.sold_before_fen, client.redeemed_fen) == (25_600, 0, 12_800)
    (of_finance,) = at_a_glance(firm, role=Role.FINANCE)
    assert (of_finance.todos, of_finance.alerts, of_finance.sold_fen) == ([], [], None)


def test_taken_back_scopes_are_counted_no_more(firm, town):
    engagement = firm.engage(town)
    busy(town)
    narrow_engagement(engagement=engagement, scopes=[Scope.DEALS], store_ids=None, by=town.owner)

    (client,) = at_a_glance(firm)

    assert {one.kind for one in client.todos} == {"rejected_deals"}
    assert client.sold_fen is None


def test_who_serves_one_store_counts_refunds_of_that_store_only(firm, town):
    engagement = firm.engage(town, scopes=[Scope.REFUNDS, Scope.REDEMPTIONS], store_ids=[town.other_store.pk])
    busy(town)

    (client,) = at_a_glance(firm)
    assert (client.todos, client.sold_fen) == ([], None)

    Engagement.objects.filter(pk=engagement.pk).update(store_ids=[town.store.pk])
    (client,) = at_a_glance(firm)
    assert [one.kind for one in client.todos] == ["refunds"]


def test_nothing_on_sale_and_sold_out_are_alerts(firm, town):
    firm.engage(town, scopes=[Scope.DEALS])
    with scope(merchant=town.merchant.pk):
        sold_out = town.make_deal(title="售罄", stock=1)
    town.buy(deal=sold_out)
    assert [(one.kind, one.count) for one in at_a_glance(firm)[0].alerts] == [("sold_out", 1)]

    with scope(merchant=town.merchant.pk):
        Deal.objects.update(state=DealState.PAUSED)
    assert [one.kind for one in at_a_glance(firm)[0].alerts] == ["nothing_on_sale"]


def test_the_page_asks_as_much_for_one_client_as_for_many(firm, town):
    firm.engage(town)
    client, url = sign_in(firm.owner), f"/p/{firm.provider.pk}/"
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(url)
    for number in range(3):
        more = make_town(slug=f"shop-{number}", name=f"第{number}家")
        firm.engage(more)
        busy(more)
    with CaptureQueriesContext(connection) as many:
        page = client.get(url).content.decode()
    assert "第2家" in page
    assert len(many) == len(one)


def test_figures_add_up_over_clients(firm, town):
    other = make_town(slug="chaguan", name="茶馆")
    for shop in (town, other):
        firm.engage(shop)
        busy(shop)
    engagements = list(Engagement.objects.select_related("merchant"))

    trade = sum_up_trade(engagements=engagements, role=Role.MANAGER, at=timezone.now())

    assert (trade.sold.now, trade.redeemed.now, trade.uses) == (51_200, 25_600, 2)
    assert [(one.sold_fen, one.redeemed_fen, one.on_sale) for one in trade.clients] == [
        (25_600, 12_800, 1)
    ] * 2
    assert [(one.pieces, one.sold_fen, one.uses, one.sell_through_bps) for one in trade.deals] == [
        (2, 25_600, 1, 200)
    ] * 2
    assert sum(day.fen for day in trade.sold_days[-2:]) == 51_200  # two hours ago may be yesterday
    assert sign_in(firm.finance).get(f"/p/{firm.provider.pk}/figures/").status_code == 404


def test_what_creators_brought_is_counted_by_their_links(firm, town):
    firm.engage(town)
    creator = Party.objects.create(kind=PartyKind.CREATOR, name="阿飞探店")
    share = PlacementShare(payee_id=creator.pk, bps=800, rule="claim:7")
    link = create_placement(deal=town.deal, entrance=Entrance.SHORT_VIDEO, share=share)
    at = timezone.now() - timedelta(hours=3)
    for placement in (link, link, None):
        order = town.order(placement=placement, at=at)
        town.pay(order, at=at)
        with scope(merchant=town.merchant.pk):
            code = order.coupons.get().code
            first = not Redemption.objects.filter(order__placement=link).exists()
        if placement is None or first:
            town.redeem(code, at=at)
    settle_merchant(merchant_id=town.merchant.pk)

    trade = sum_up_trade(
        engagements=list(Engagement.objects.select_related("merchant")), role=Role.OWNER, at=timezone.now()
    )

    (row,) = trade.creators
    assert (row.name, row.orders, row.sold_fen, row.redeemed_fen) == ("阿飞探店", 2, 25_600, 12_800)
    assert row.commission_fen == 1_024  # 8 % of the one redeemed
    assert [(one.pieces, one.creators_pieces) for one in trade.deals] == [(3, 2)]


OFFER = {"scopes": ["deals", "redemptions"], "percent": "4.5", "note": "先试三个月"}


def test_a_shop_is_offered_agrees_and_is_entered(firm, town):
    page = post(
        sign_in(firm.owner), f"/p/{firm.provider.pk}/engagements/new/?shop={town.merchant.slug}", **OFFER
    )
    assert "Nothing is granted before an owner of the shop agrees." in page
    engagement = Engagement.objects.get()
    assert sign_in(firm.manager).get(f"/m/{town.merchant.slug}/deals/").status_code == 404

    theirs = f"/m/{town.merchant.slug}/partners/{engagement.pk}/"
    answer = sign_in(town.owner).get(theirs).content.decode()
    assert "先试三个月" in answer
    offer = engagement.offers.get()
    assert "Agreed: it holds from now on." in post(sign_in(town.owner), f"{theirs}offers/{offer.pk}/agree/")

    entered = sign_in(firm.manager).get(f"/m/{town.merchant.slug}/deals/").content.decode()
    assert "acting-bar" in entered
    assert f'href="/p/{firm.provider.pk}/"' in entered
    assert "acting-bar" not in sign_in(town.owner).get(f"/m/{town.merchant.slug}/deals/").content.decode()
    assert (
        "4.5%"
        in sign_in(firm.finance).get(f"/p/{firm.provider.pk}/engagements/{engagement.pk}/").content.decode()
    )


def test_an_offer_stands_on_the_owners_home_page_until_it_is_answered(firm, town):
    url = f"/m/{town.merchant.slug}/"
    to_do = "offers to answer"
    assert to_do not in sign_in(town.owner).get(url).content.decode()
    engagement = firm.engage(town)
    assert to_do not in sign_in(town.owner).get(url).content.decode()
    propose_change(
        engagement=engagement,
        scopes=[Scope.DEALS],
        service_fee_bps=0,
        for_party_id=firm.provider.pk,
        by=firm.owner,
    )
    assert to_do in sign_in(town.owner).get(url).content.decode()
    assert to_do not in sign_in(firm.owner).get(url).content.decode()


def test_the_shops_first_page_says_no_more_than_was_granted(firm, town):
    firm.engage(town, scopes=[Scope.REDEMPTIONS])
    busy(town)
    own, theirs = (
        sign_in(user).get(f"/m/{town.merchant.slug}/").content.decode() for user in (town.owner, firm.manager)
    )
    for words in ("Statements to confirm", "Rejected deals", "Refunds to decide", "To be paid out"):
        assert words in own
        assert words not in theirs
    for words in ("Redeemed today", "Coupons expiring", "Last redemptions"):
        assert words in theirs
    assert "Redeem coupons" not in theirs


def test_who_serves_some_stores_is_told_nothing_of_the_whole_shop(firm, town):
    firm.engage(town, scopes=[Scope.REDEMPTIONS, Scope.REFUNDS], store_ids=[town.store.pk])
    busy(town)
    theirs = sign_in(firm.manager).get(f"/m/{town.merchant.slug}/?metric=sold").content.decode()
    for words in ("Sold today", "Coupons expiring", "Refunds to decide", "What the line shows"):
        assert words not in theirs
    assert "Redeemed today" in theirs


def test_a_refused_offer_says_why_not_a_second_time(firm, town):
    client = sign_in(firm.owner)
    url = f"/p/{firm.provider.pk}/engagements/new/?shop={town.merchant.slug}"
    post(client, url, **OFFER)
    assert "have an agreement or an open offer already" in post(client, url, **OFFER)
    assert "Only stores" not in post(client, f"/p/{firm.provider.pk}/engagements/new/?shop=nobody")
    assert Engagement.objects.count() == 1


def test_the_merchant_offers_and_the_provider_agrees(firm, town):
    fields = {**OFFER, "provider": str(firm.provider.pk)}
    post(sign_in(town.owner), f"/m/{town.merchant.slug}/partners/new/", **fields)
    engagement = Engagement.objects.get()
    url = f"/p/{firm.provider.pk}/engagements/{engagement.pk}/offers/{engagement.offers.get().pk}/agree/"
    assert sign_in(firm.manager).post(url).status_code == 404
    post(sign_in(firm.owner), url)
    engagement.refresh_from_db()
    assert (engagement.state, engagement.terms.bps, engagement.scopes) == (
        "active",
        450,
        ["deals", "redemptions"],
    )


def test_narrowing_works_on_the_next_request_and_never_widens(firm, town):
    engagement = firm.engage(town)
    manager = sign_in(firm.manager)
    assert manager.get(f"/m/{town.merchant.slug}/refunds/").status_code == 200

    url = f"/m/{town.merchant.slug}/partners/{engagement.pk}/narrow/"
    post(sign_in(town.owner), url, scopes=["deals", "stores"])

    assert manager.get(f"/m/{town.merchant.slug}/refunds/").status_code == 404
    assert manager.get(f"/m/{town.merchant.slug}/deals/").status_code == 200
    assert sign_in(town.owner).post(url, {"scopes": ["refunds"]}).status_code == 422
    engagement.refresh_from_db()
    assert engagement.scopes == ["deals", "stores"]


def test_ending_early_says_what_it_costs_first(firm, town):
    until = timezone.localdate() + timedelta(days=9)
    engagement = firm.engage(town, at_least_until=until, bps=500)
    for days_ago in (1, 2):
        town.buy(at=timezone.now() - timedelta(days=days_ago))
    url = f"/m/{town.merchant.slug}/partners/{engagement.pk}/"

    page = sign_in(town.owner).get(url).content.decode()

    # 25,600 fen in 28 days, ten days left, 5 %
    assert f"at least until {until:%Y-%m-%d}" in page
    assert "about ¥4.57." in page
    post(sign_in(town.owner), f"{url}end/")
    assert sign_in(firm.owner).get(f"/m/{town.merchant.slug}/deals/").status_code == 404


def test_acts_are_told_with_both_names(firm, town):
    engagement = firm.engage(town)
    sign_in(firm.manager).post(f"/m/{town.merchant.slug}/deals/{town.deal.pk}/pause/")
    assert AuditEvent.objects.get(verb="deal.pause").for_party_id == firm.provider.pk

    page = sign_in(town.owner).get(f"/m/{town.merchant.slug}/partners/{engagement.pk}/").content.decode()

    assert "小段 (渝味代运营) took “双人鸳鸯锅套餐” off the shelf." in page
    zh = Client(headers={"accept-language": "zh-hans"})
    zh.force_login(town.owner)
    page = zh.get(f"/m/{town.merchant.slug}/partners/{engagement.pk}/").content.decode()
    assert "小段（渝味代运营）下架了“双人鸳鸯锅套餐”。" in page


def test_a_new_client_goes_from_contact_to_first_sale(firm):
    client = sign_in(firm.owner)
    base = f"/p/{firm.provider.pk}/onboarding/"
    contact = timezone.localdate() - timedelta(days=6)
    post(
        client,
        f"{base}new/",
        name="巴适小面",
        category="food",
        first_contact_date=str(contact),
        contact="刘姐",
    )
    onboarding = Onboarding.objects.get()
    assert read_progress(onboardings=[onboarding])[onboarding.pk].next_step == Step.SHOP

    page = post(client, f"{base}{onboarding.pk}/open/", slug="bashi", owner_name="刘姐", phone="13912345678")
    link = re.search(r"http://testserver(/invitation/[^\"]+/)", page).group(1)
    shop = Merchant.objects.get(slug="bashi")
    with scope(merchant=shop.pk):
        assert not Membership.objects.exists()
    assert client.get("/m/bashi/").status_code == 404

    owner = Client(headers={"accept-language": "en"})
    owner.post(link, {"name": "刘姐", "password": "chongqing-noodles", "again": "chongqing-noodles"})
    with scope(merchant=shop.pk):
        assert [one.role for one in Membership.objects.all()] == ["owner"]
    assert owner.get(link).status_code == 410
    post(client, f"/p/{firm.provider.pk}/engagements/new/?shop=bashi", **OFFER)
    offer = Engagement.objects.get().offers.get()
    post(owner, f"/m/bashi/partners/{offer.engagement_id}/offers/{offer.pk}/agree/")

    onboarding.refresh_from_db()
    progress = read_progress(onboardings=[onboarding])[onboarding.pk]
    assert progress.next_step == Step.STORES
    assert [one.after_days for one in progress.steps[:5]] == [0, 6, 6, 6, None]
    assert "after 6 days" in client.get(f"{base}{onboarding.pk}/").content.decode()
    assert (
        "opened this shop for you" in owner.get(f"/m/bashi/partners/{offer.engagement_id}/").content.decode()
    )


def test_only_the_first_of_two_links_makes_the_owner(firm):
    client = sign_in(firm.manager)
    onboarding = begin_onboarding(
        provider=firm.provider, name="巴适小面", first_contact_date=timezone.localdate(), by=firm.manager
    )
    base = f"/p/{firm.provider.pk}/onboarding/{onboarding.pk}"
    pages = [
        post(client, f"{base}/open/", slug="bashi", owner_name="刘姐", phone="13912345678"),
        post(client, f"{base}/invite/", owner_name="张哥", phone="13912345679"),
    ]
    links = [re.search(r"http://testserver(/invitation/[^\"]+/)", page).group(1) for page in pages]
    answers = [
        Client()
        .post(link, {"name": "谁", "password": "chongqing-noodles", "again": "chongqing-noodles"})
        .status_code
        for link in links
    ]
    assert answers == [302, 410]
    assert "above" not in answers
    with scopes_disabled():
        assert Membership.objects.filter(merchant__slug="bashi").count() == 1
    assert client.post(f"{base}/invite/", {"owner_name": "王", "phone": "13912345670"}).status_code == 422


def test_a_colleague_comes_by_link_and_goes_from_every_shop(firm, town):
    firm.engage(town)
    owner = sign_in(firm.owner)
    base = f"/p/{firm.provider.pk}/staff/"
    page = post(owner, f"{base}invite/", name="小新", phone="13912340000", role="manager")
    link = re.search(r"http://testserver(/p/invitation/[^\"]+/)", page).group(1)
    stranger = make_user("路人")
    assert sign_in(stranger).post(link).status_code == 403

    newcomer = Client()
    answer = newcomer.post(
        link, {"name": "小新", "password": "tongdao-office-1", "again": "tongdao-office-1"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == f"/p/{firm.provider.pk}/"
    assert newcomer.get(f"/m/{town.merchant.slug}/deals/").status_code == 200
    membership = ProviderMembership.objects.get(user__name="小新")
    post(owner, f"{base}{membership.pk}/end/")
    assert newcomer.get(f"/m/{town.merchant.slug}/deals/").status_code == 404
    assert newcomer.get(f"/p/{firm.provider.pk}/").status_code == 404

    last = ProviderMembership.objects.get(user=firm.owner)
    assert "owner" in post(owner, f"{base}{last.pk}/end/")
    assert ProviderMembership.objects.get(user=firm.owner).is_active


def test_who_works_for_a_shop_and_a_provider_chooses(firm, town):
    set_membership(merchant=town.merchant, user=firm.manager, role=Role.MANAGER, stores=[], by=town.owner)
    page = sign_in(firm.manager).get("/").content.decode()
    assert f'href="/p/{firm.provider.pk}/"' in page
    assert f'href="/m/{town.merchant.slug}/"' in page


def test_home_sends_the_providers_people_to_their_clients(firm, town):
    assert sign_in(firm.finance).get("/").url == f"/p/{firm.provider.pk}/"
    firm.engage(town, scopes=SHOP_SCOPES)
    assert sign_in(firm.manager).get("/").url == f"/p/{firm.provider.pk}/"
    assert sign_in(firm.manager).get("/p/").url == f"/p/{firm.provider.pk}/"
    assert sign_in(town.owner).get("/p/").status_code == 404
