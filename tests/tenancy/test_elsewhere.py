"""Everything that is not a page under /m/: the counter, the API, the shop, the operator's site."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_scopes import scopes_disabled

from coupons.models import Redemption, RedemptionRefusal
from coupons.tests.town import make_customer
from coupons.views.counter import remember_store
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, give_token
from identity.models import User
from merchants.access import access_merchant
from tests.tenancy.test_merchant_pages import PAGES, read, signed_in
from tests.tenancy.urlconf import URLS
from tests.tenancy.worlds import World, fingerprint, leaks

# Open to everybody and the same for everybody.
PUBLIC = {
    "live", "ready", "favicon.ico", "set_language", "set_theme", "home", "sandbox_sign_in", "invitation_accept", "provider_invitation", "sandbox_pay",
    "shop_home", "shop_deal", "shop_orders", "shop_order", "shop_coupons", "shop_coupon", "shop_live", "shop_live_deal",
    "shop_waiting", "shop_waiting_leave", "api_waiting",  # the ticket is signed, and says whose place it is
    "api_customer_sign_in", "api_staff_sign_in", "api_merchant", "api_stores", "api_deals", "api_deal",
    "api_payment_notifications", "api_schema", "api-docs", "provider_list", "provider_scorecard",
}  # fmt: skip
COUNTER = {"clerk", "clerk_store", "clerk_check", "clerk_redeem", "clerk_undo", "clerk_today"}
# Answers that need a token: name -> how they are asked.
BY_TOKEN = {
    "api_sign_out": "post", "api_posts": "get", "api_orders": "get", "api_order": "get", "api_order_payment": "post",
    "api_order_cancellation": "post", "api_coupons": "get", "api_coupon": "get", "api_coupon_refund": "post",
    "api_check": "post", "api_redemption": "post", "api_reversal": "post", "api_use_refund": "post",
}  # fmt: skip
# The same of a shop's staff: name -> how, and who may.
OF_STAFF = {
    "api_refunds": ("get", {"owner", "manager", "branch manager", "finance"}),
    "api_refund": ("get", {"owner", "manager", "finance"}),
    "api_refund_decision": ("post", {"owner", "manager"}),
    "api_redemption_refund": ("post", {"owner", "manager"}),
}
# Of who serves merchants, opened by a grant at that party (coupons/settlement/tests/test_payee_pages.py).
PAYEES = {
    "payee_statements", "payee_statement_detail", "payee_statement_confirm", "payee_statement_dispute",
    "payee_statement_export", "payee_statement_files", "payee_statement_file", "payee_line_why",
}  # fmt: skip
# Of providers, opened by a grant there (tests/tenancy/test_provider_pages.py).
PROVIDERS = {
    "provider_home", "provider_clients", "provider_engagements", "provider_engagement_new", "provider_engagement",
    "provider_engagement_change", "provider_engagement_end", "provider_engagement_agree", "provider_engagement_refuse",
    "provider_engagement_withdraw", "provider_figures", "provider_staff", "provider_staff_invite", "provider_staff_edit",
    "provider_staff_end", "provider_invitation_withdraw", "provider_onboardings", "provider_onboarding_new",
    "provider_onboarding", "provider_onboarding_open", "provider_onboarding_invite", "provider_onboarding_give_up",
}  # fmt: skip
# Of creators: the first two are open to whoever is signed in, the others to whoever is one
# (providers/creators/tests/test_pages.py).
CREATORS = {
    "creator_board", "creator_join", "creator_profile", "creator_task", "creator_task_claim", "creator_claims",
    "creator_claim", "creator_claim_visit", "creator_claim_submit", "creator_claim_quit", "creator_task_hide",
    "creator_task_show", "creator_interests",
}  # fmt: skip
# Of stations and their providers, opened by a grant there (providers/tests/test_station_pages.py).
STATIONS = {
    "stations", "station", "station_training_done", "station_offer", "station_offer_withdraw", "station_merchant_end",
    "station_post_give", "station_post_end", "provider_stations", "provider_station_new", "provider_station",
    "provider_station_open", "provider_station_close", "territory_give", "territory_end", "training_add",
    "training_retire", "training_pass", "training_send_back",
}  # fmt: skip
ONES_OWN = {"statement_file_news"}  # what a person had made (coupons/settlement/tests/test_files.py)
OTHERS_HOUSES = ("api/", "account_", "mfa_", "socialaccount", "usersessions", "admin:", "accounts/", "ops/")


def test_every_url_has_its_place() -> None:
    own = {name for name in URLS if not name.startswith(OTHERS_HOUSES)}
    by_token = set(BY_TOKEN) | set(OF_STAFF)
    assert (
        own == PUBLIC | COUNTER | by_token | set(PAGES) | PAYEES | PROVIDERS | CREATORS | STATIONS | ONES_OWN
    )


def ask(user: User | None, name: str, ids: dict[str, int], body: Any = None, *, slug: str = "") -> Any:
    headers = {"Accept-Language": "en", "Idempotency-Key": uuid.uuid4().hex}
    if user:
        headers["Authorization"] = f"Token {give_token(user=user, life=CUSTOMER_TOKEN_LIFE)[0]}"
    given = {"slug": slug} if slug else {}
    url = reverse(name, kwargs=given | {arg: ids[arg] for arg in URLS[name].arguments if arg != "slug"})
    if (BY_TOKEN.get(name) or OF_STAFF[name][0]) == "get":
        return Client().get(url, headers=headers)
    return Client().post(url, json.dumps(body or {}), content_type="application/json", headers=headers)


class TestApi:
    @pytest.mark.parametrize("name", sorted(BY_TOKEN))
    def test_without_a_token_nothing_is_said(self, ours: World, name: str) -> None:
        before = fingerprint()
        answer = ask(None, name, ours.ids)
        assert answer.status_code == 401
        assert leaks(read(answer), ours) == []
        assert fingerprint() == before

    @pytest.mark.parametrize("name", sorted(name for name in BY_TOKEN if URLS[name].arguments))
    def test_a_customer_finds_only_his_own(self, ours: World, theirs: World, name: str) -> None:
        before = fingerprint()
        with scopes_disabled():
            strangers = [theirs.town.customer.user, ours.town.owner, theirs.town.owner]
        for user in strangers:
            answer = ask(user, name, ours.ids)
            assert answer.status_code in (403, 404), user.name
            assert leaks(read(answer), ours) == []
        assert fingerprint() == before
        assert ask(ours.town.customer.user, name, ours.ids).status_code < 300

    @pytest.mark.parametrize("name", sorted(OF_STAFF))
    def test_staff_reach_their_own_shop_only(self, ours: World, theirs: World, name: str) -> None:
        before = fingerprint()
        outsiders = [None, ours.town.customer.user, *theirs.users.values()]
        outsiders += [user for who, user in ours.users.items() if who not in OF_STAFF[name][1]]
        for user in outsiders:
            answer = ask(user, name, ours.ids, slug=ours.slug)
            assert answer.status_code in ({401} if user is None else {403, 404})
            assert leaks(read(answer), ours) == []
        for user in theirs.users.values():
            answer = ask(user, name, ours.ids, slug=theirs.slug)
            assert leaks(read(answer), ours) == []
            assert answer.status_code in {200, 404}
        assert fingerprint() == before
        for who in OF_STAFF[name][1]:
            assert ask(ours.users[who], name, ours.ids, slug=ours.slug).status_code in {200, 400}

    @pytest.mark.parametrize("name", ["api_orders", "api_coupons", "api_posts"])
    def test_lists_hold_only_ones_own(self, ours: World, theirs: World, name: str) -> None:
        user = theirs.town.clerk if name == "api_posts" else theirs.town.customer.user
        body = read(ask(user, name, {}))
        assert leaks(body, ours) == []
        assert leaks(body, theirs)

    def test_ordering_by_customers_of_any_shop_is_as_open_as_the_shop(self, ours: World) -> None:
        with scopes_disabled():
            answer = ask(make_customer().user, "api_orders", {})
        assert answer.json()["results"] == []

    @pytest.mark.parametrize("name", ["api_check", "api_redemption"])
    def test_the_counter_of_another_shop_is_closed(self, ours: World, theirs: World, name: str) -> None:
        code = ours.codes[2]
        strange = [
            {"merchant": ours.slug, "store_id": str(ours.ids["store_id"])},
            {"merchant": theirs.slug, "store_id": str(ours.ids["store_id"])},
        ]
        for who in ("clerk", "owner", "branch manager", "finance"):
            for place in strange:
                before = fingerprint()
                answer = ask(theirs.users[who], name, {}, {**place, "code": code})
                assert answer.status_code == 404
                assert leaks(read(answer), ours) == []
                assert fingerprint() == before

    @pytest.mark.parametrize("name", ["api_check", "api_redemption"])
    def test_a_coupon_of_another_shop_is_refused_without_a_word_about_it(
        self, ours: World, theirs: World, name: str
    ) -> None:
        place = {"merchant": theirs.slug, "store_id": str(theirs.ids["store_id"])}
        for code in ours.codes:
            answer = ask(theirs.users["clerk"], name, {}, {**place, "code": code})
            assert answer.json()["errors"][0]["code"] == "coupon_other_merchant"
            assert leaks(read(answer), ours) == []
        with scopes_disabled():
            kept = RedemptionRefusal.objects.filter(
                merchant=theirs.town.merchant, code="coupon_other_merchant"
            )
            assert set(kept.values_list("coupon_id", flat=True)) == {None}

    def test_redemptions_of_another_shop_are_not_undone(self, ours: World, theirs: World) -> None:
        before = fingerprint()
        mine = str(theirs.ids["redemption_id"])
        for merchant in (ours.slug, theirs.slug):
            for ids in ([str(ours.ids["redemption_id"])], [mine, str(ours.ids["redemption_id"])]):
                body = {"merchant": merchant, "redemption_ids": ids}
                assert ask(theirs.users["owner"], "api_reversal", {}, body).status_code == 404
        assert fingerprint() == before


def at_counter(shop: World, who: str, *, cookie_of: World) -> Client:
    """A device that remembers a store, whosoever it is: the cookie is signed by us."""
    from django.http import HttpResponse

    client = signed_in(shop, who)
    access = access_merchant(user=cookie_of.town.owner, slug=cookie_of.slug)
    response = HttpResponse()
    remember_store(response, access=access, store=cookie_of.town.store)
    client.cookies.update(response.cookies)
    return client


class TestCounter:
    def asks(self, client: Client, shop: World) -> dict[str, Callable[[], Any]]:
        code, key = shop.codes[2], uuid.uuid4().hex
        undo = {"redemption": [str(shop.ids["redemption_id"])], "confirmed": "1"}
        return {
            "clerk": lambda: client.get(reverse("clerk")),
            "clerk_check": lambda: client.post(reverse("clerk_check"), {"code": code}),
            "clerk_redeem": lambda: client.post(reverse("clerk_redeem"), {"code": code, "attempt_key": key}),
            "clerk_undo": lambda: client.post(reverse("clerk_undo"), undo),
            "clerk_today": lambda: client.get(reverse("clerk_today"), headers={"HX-Request": "true"}),
            "clerk_store": lambda: client.post(
                reverse("clerk_store"), {"merchant": shop.slug, "store": str(shop.ids["store_id"])}
            ),
        }

    def test_all_of_it_is_asked(self, ours: World) -> None:
        assert self.asks(Client(), ours).keys() == COUNTER

    def test_nobody_is_sent_to_sign_in(self, ours: World) -> None:
        for name, call in self.asks(Client(), ours).items():
            answer = call()
            to = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
            assert "/accounts/login/" in to, name

    def test_a_device_of_another_shop_is_sent_to_choose(self, ours: World, theirs: World) -> None:
        """A signed cookie of their store in our clerk's hands opens nothing."""
        before = fingerprint()
        client = at_counter(theirs, "clerk", cookie_of=ours)
        for name, call in self.asks(client, ours).items():
            if name != "clerk":  # the page itself puts a person of one store where he works
                answer = call()
                assert leaks(read(answer), ours) == [], name
                assert answer.status_code in (204, 302, 404), name
        assert fingerprint() == before
        assert leaks(read(client.get(reverse("clerk"))), ours) == []

    def test_at_ones_own_counter_the_other_shops_things_are_unknown(self, ours: World, theirs: World) -> None:
        client = at_counter(theirs, "clerk", cookie_of=theirs)
        asks = self.asks(client, ours)
        for name in ("clerk_check", "clerk_redeem", "clerk_undo", "clerk_store"):
            answer = asks[name]()
            assert answer.status_code in (404, 409, 422), name
            typed = ours.codes[2]  # what the clerk typed himself is shown to him, masked
            body = read(answer).replace(typed, "").replace(f"{typed[:4]} **** {typed[-4:]}", "")
            assert leaks(body, ours) == [], name
        with scopes_disabled():
            ours_now = Redemption.objects.filter(merchant=ours.town.merchant)
            assert ours_now.count() == 3
            assert ours_now.filter(reversed_at__isnull=False).count() == 0

    def test_a_clerk_of_one_store_has_no_other(self, ours: World) -> None:
        client = signed_in(ours, "clerk")
        answer = client.post(
            reverse("clerk_store"), {"merchant": ours.slug, "store": str(ours.ids["other_store_id"])}
        )
        assert answer.status_code == 404
        assert "counter_store" not in client.cookies


class TestPayees:
    @pytest.mark.parametrize("name", sorted(PAYEES))
    def test_a_merchant_is_no_payee_and_its_people_find_nothing(
        self, ours: World, theirs: World, name: str
    ) -> None:
        """Their own party in the path opens nothing either, whatever stands behind it."""
        before = fingerprint()
        for shop in (ours, theirs):
            ids = {**ours.ids, "party_id": shop.ids["merchant"], "kind": "csv"}
            path = reverse(name, kwargs={argument: ids[argument] for argument in URLS[name].arguments})
            for who in ours.users:
                client = signed_in(shop, who)
                for call in (client.get, client.post):
                    answer = call(path)
                    assert answer.status_code in (404, 405), who
                    body = read(answer).replace(path, "")  # what was asked for stands in the language switch
                    assert leaks(body, ours) == []
        assert fingerprint() == before


class TestShop:
    """Anybody may enter any shop; each shows its own things only."""

    def test_a_deal_is_found_in_its_own_shop_only(self, ours: World, theirs: World) -> None:
        for name in ("shop_home", "shop_deal"):
            arguments = {"slug": theirs.slug} | (
                {"deal_id": theirs.ids["deal_id"]} if name == "shop_deal" else {}
            )
            answer = Client().get(reverse(name, kwargs=arguments))
            assert answer.status_code == 200
            assert leaks(read(answer), ours) == []
        foreign = reverse("shop_deal", kwargs={"slug": theirs.slug, "deal_id": ours.ids["deal_id"]})
        assert Client().get(foreign).status_code == 404

    @pytest.mark.parametrize("name", ["shop_orders", "shop_order", "shop_coupons", "shop_coupon"])
    def test_pages_of_customers_hold_nothing_of_them(self, ours: World, theirs: World, name: str) -> None:
        """They are empty frames; what belongs in them the browser asks the API for, with its token."""
        arguments = {
            argument: ours.ids.get(argument) for argument in URLS[name].arguments if argument != "slug"
        }
        body = read(Client().get(reverse(name, kwargs={"slug": theirs.slug, **arguments})))
        assert leaks(body.replace(str(*arguments.values()), "") if arguments else body, ours) == []

    def test_drafts_are_in_no_shop(self, ours: World) -> None:
        url = reverse("shop_deal", kwargs={"slug": ours.slug, "deal_id": ours.ids["draft_deal_id"]})
        assert Client().get(url).status_code == 404


OPEN = {"admin:login", "admin:logout", "admin:jsi18n"}  # words of buttons, and the door itself
OPERATOR = sorted(
    name
    for name, url in URLS.items()
    if name.startswith("admin:") and name not in OPEN and not name.startswith("admin:ops/")
)


def test_the_operators_site_is_closed_to_everybody_else(ours: World) -> None:
    clients = {"nobody": Client(), **{who: signed_in(ours, who) for who in ours.users}}
    clients["customer"] = Client()
    clients["customer"].force_login(ours.town.customer.user)
    before = fingerprint()
    opened = []
    for url in OPERATOR:
        known = {
            "object_id": ours.ids["deal_id"],
            "id": ours.ids["clerk"],
            "content_type_id": 1,
            "app_label": "coupons",
            "url": "x",
        }
        path = reverse(url, kwargs={argument: known.get(argument, 1) for argument in URLS[url].arguments})
        for who, client in clients.items():
            for call in (client.get, client.post):
                answer = call(path)
                if answer.status_code not in (302, 403, 404) or leaks(read(answer), ours):
                    opened.append((url, who, answer.status_code))
    assert opened == []
    assert fingerprint() == before
