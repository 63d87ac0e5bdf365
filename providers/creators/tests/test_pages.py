"""A creator's pages and the merchant's: who may open them, and each step as a browser sends it."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coupons.tests.town import make_customer, make_town, make_user
from identity.models import AuditEvent
from merchants.enums import Category
from providers.creators.enums import ClaimState, TaskState
from providers.creators.models import Creator, CreatorTask, TaskClaim
from providers.creators.tests.studio import (
    DAY,
    PROOF,
    link_of,
    make_claim,
    make_creator,
    make_task,
    sell,
)
from providers.tests.firms import make_firm

pytestmark = pytest.mark.django_db

PROFILE = {
    "name": "小李探店", "city": "重庆", "district": "渝中区", "radius_km": "10", "categories": ["tea", "hotpot"],
    "channel_0": "douyin", "handle_0": "xiaoli", "followers_0": "4200", "channel_1": "kuaishou", "handle_1": "lee",
    "followers_1": "900", "longitude": "106.5741", "latitude": "29.5612",
}  # fmt: skip


@pytest.fixture
def town():
    return make_town()


def signed_in(user, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def read(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_customer_becomes_a_creator_and_sees_the_board(town):
    make_task(town, title="拍双人锅")
    client = signed_in(make_customer().user)
    assert client.get("/c/").url == "/c/join/"
    answer = client.post("/c/join/", {**PROFILE, "handle_1": ""})
    assert answer.status_code == 422
    assert "Which account there?" in read(answer)
    assert client.post("/c/join/", PROFILE).url == "/c/"
    creator = Creator.objects.get()
    assert (creator.followers, creator.radius_km, creator.categories) == (
        4_200,
        10,
        [Category.HOTPOT, Category.TEA],
    )
    assert (str(creator.longitude), str(creator.latitude)) == ("106.574000", "29.561000")
    assert client.get("/c/join/").url == "/c/"
    assert "No task for you within 10 km" in read(client.get("/c/"))
    client.post("/c/profile/", {**PROFILE, "longitude": "", "latitude": ""})
    assert "拍双人锅" in read(client.get("/c/"))
    assert client.get(reverse("payee_statements", kwargs={"party_id": creator.pk})).status_code == 200


def test_the_board_goes_by_where_the_device_is_and_keeps_nothing_of_it(town):
    creator = make_creator(longitude=100, latitude=20)
    client = signed_in(creator.user)
    from django_scopes import scopes_disabled

    from merchants.models import Store

    with scopes_disabled():
        Store.objects.filter(pk=town.store.pk).update(longitude="106.574", latitude="29.561")
    make_task(town, title="近处")
    assert "近处" not in read(client.get("/c/"))
    found = read(client.get("/c/", {"longitude": "106.574", "latitude": "29.565", "radius": "3"}))
    assert "近处" in found
    assert "440 m" in found
    creator.refresh_from_db()
    assert creator.longitude == 100
    assert (
        client.get("/c/", {"longitude": "x", "sort": "nonsense", "radius": "-1", "page": "99"}).status_code
        == 200
    )


def test_from_the_board_to_the_commission_through_the_pages(town):
    task = make_task(town, title="拍双人锅", sample=True)
    creator = make_creator("阿飞")
    his, shop = signed_in(creator.user), signed_in(town.owner)
    page = f"/m/{town.merchant.slug}/tasks/{task.pk}/"
    assert "8%" in read(his.get(f"/c/tasks/{task.pk}/"))
    claim_url = his.post(f"/c/tasks/{task.pk}/claim/").url
    claim = TaskClaim.objects.get()
    assert claim_url == f"/c/claims/{claim.pk}/"
    assert "The shop answers by" in read(his.get(claim_url))

    assert "Waits for your answer" in read(shop.get(page))
    shop.post(f"{page}claims/{claim.pk}/approve/")
    token = link_of(claim).token
    shown = read(his.get(claim_url))
    assert (
        f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/?from={token}" in shown or f"?from={token}" in shown
    )
    order = sell(town, claim, redeemed=1)

    his.post(f"{claim_url}visit/")
    assert his.post(f"{claim_url}submit/", {"proof_url": "douyin"}).status_code == 422
    his.post(f"{claim_url}submit/", {"proof_url": PROOF})
    answer = shop.post(f"{page}claims/{claim.pk}/return/", {"reason": " "})
    assert answer.status_code == 422
    shop.post(f"{page}claims/{claim.pk}/return/", {"reason": "请露出招牌"})
    assert "请露出招牌" in read(his.get(claim_url))
    his.post(f"{claim_url}submit/", {"proof_url": PROOF})
    shop.post(f"{page}claims/{claim.pk}/accept/")
    assert TaskClaim.objects.get().state == ClaimState.ACCEPTED

    shown = read(his.get(claim_url))
    assert "¥10.24" in shown
    assert "顾客" not in shown
    assert "8821" not in shown
    assert "¥10.24" in read(his.get("/c/claims/"))
    assert "¥10.24" in read(shop.get(page))
    why = read(shop.get(f"/m/{town.merchant.slug}/orders/{order.pk}/attribution/"))
    assert "阿飞" in why
    assert f"claim:{claim.pk}" in why


def test_somebody_elses_claim_and_a_task_for_others_are_not_there(town):
    claim, stranger = make_claim(town, ClaimState.APPROVED), make_creator()
    private = make_task(town, targeted=[make_creator().pk])
    draft = make_task(town, is_open=False)
    for who in (stranger.user, town.owner, make_user()):
        client = signed_in(who)
        paths = [
            f"/c/claims/{claim.pk}/", f"/c/claims/{claim.pk}/visit/", f"/c/claims/{claim.pk}/submit/",
            f"/c/claims/{claim.pk}/quit/", f"/c/tasks/{private.pk}/", f"/c/tasks/{private.pk}/claim/",
            f"/c/tasks/{draft.pk}/",
        ]  # fmt: skip
        for path in paths:
            assert client.get(path).status_code in (404, 405)
            assert client.post(path).status_code in (404, 405)
    assert TaskClaim.objects.get().state == ClaimState.APPROVED
    assert Client().get("/c/").url.startswith("/accounts/login/")
    for path in ("/c/claims/", "/c/profile/"):
        assert signed_in(town.owner).get(path).status_code == 404


def test_the_task_page_says_why_it_is_closed_to_him(town):
    task = make_task(town, min_followers=5_000)
    client = signed_in(make_creator().user)
    shown = read(client.get(f"/c/tasks/{task.pk}/"))
    assert "this task is for 5000 followers or more, and you have 3000" in shown
    assert "Ask for a place" not in shown
    client.post(f"/c/tasks/{task.pk}/claim/")
    assert not TaskClaim.objects.exists()


def form(town, **more):
    local = timezone.localtime()
    return {
        "deal_id": town.deal.pk, "store_id": town.store.pk, "title": "拍双人锅", "brief": "露出招牌", "kind": "video",
        "commission": "8.5", "quota": "2", "min_followers": "1000", "opens_at": local.strftime("%Y-%m-%dT00:00"),
        "closes_at": (local + 9 * DAY).strftime("%Y-%m-%dT22:00"), "targeted": "",
    } | more  # fmt: skip


def test_a_merchant_writes_opens_extends_and_ends_a_task(town):
    client, tasks = signed_in(town.owner), f"/m/{town.merchant.slug}/tasks/"
    assert "No task yet" in read(client.get(tasks))
    creator = make_creator("阿飞")
    answer = client.post(f"{tasks}new/", form(town, targeted=f"{creator.pk} 12"))
    assert answer.status_code == 422
    assert "No creator has the number 12." in read(answer)
    page = client.post(f"{tasks}new/", form(town, targeted=str(creator.pk))).url
    task = CreatorTask.objects.get()
    assert (task.state, task.commission_bps, list(task.targeted.all())) == ("draft", 850, [creator])
    client.post(f"{page}edit/", form(town, title="拍四人锅"))
    client.post(f"{page}open/")
    task.refresh_from_db()
    assert (task.title, task.state, task.targeted.count()) == ("拍四人锅", TaskState.OPEN, 0)
    assert client.get(f"{page}edit/").url == page
    client.post(f"{page}extend/", {"quota": 7, "closes_at": form(town)["closes_at"]})
    client.post(f"{page}extend/", {"quota": 0, "closes_at": ""})
    task.refresh_from_db()
    assert task.quota == 7
    client.post(f"{page}end/")
    task.refresh_from_db()
    assert task.state == TaskState.ENDED
    assert "拍四人锅" in read(client.get(f"{tasks}?state=ended"))


def test_a_provider_publishes_for_its_client_in_both_names(town):
    firm = make_firm()
    firm.engage(town)
    client = signed_in(firm.manager)
    page = client.post(f"/m/{town.merchant.slug}/tasks/new/", form(town)).url
    client.post(f"{page}open/")
    task = CreatorTask.objects.get()
    assert (task.provider_id, task.created_by, task.state) == (firm.provider.pk, firm.manager, "open")
    event = AuditEvent.objects.get(verb="task.open")
    assert (event.actor_id, event.for_party_id) == (firm.manager.pk, firm.provider.pk)
    his = signed_in(make_creator().user, "zh-hans")
    assert f"{firm.provider.name}（代 {town.merchant.name}）" in read(his.get(f"/c/tasks/{task.pk}/"))
