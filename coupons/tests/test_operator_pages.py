"""/ops/: the review of deals, everything else to look at, and shut doors for merchants' staff."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django_scopes import scopes_disabled

from core.domain.jobs import enqueue_job
from core.enums import JobState
from core.models import Job
from coupons.domain.deal_states import submit_deal
from coupons.enums import DealState
from coupons.models import Deal, DealReview
from coupons.tests.town import make_town, make_user
from identity.models import AuditEvent, User
from merchants.models import Merchant, Terms


@pytest.fixture
def town(db):
    with scopes_disabled():
        return make_town()


@pytest.fixture
def operator(db):
    return User.objects.create_superuser(name="平台小陈", phone="+8613900000001")


@pytest.fixture
def ops(client, operator):
    client.force_login(operator)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def waiting(town):
    with scopes_disabled():
        deal = town.make_deal(state=DealState.DRAFT, title="待审套餐")
        submit_deal(deal=deal, by=town.owner)
        return deal


def state_of(deal):
    with scopes_disabled():
        return Deal.objects.values_list("state", flat=True).get(pk=deal.pk)


def change_url(deal):
    return reverse("admin:coupons_deal_change", args=[deal.pk])


def test_the_queue_shows_what_waits_and_the_page_what_customers_will_read(ops, town, waiting):
    queue = ops.get(reverse("admin:coupons_deal_changelist"), {"state__exact": "in_review"})
    page = ops.get(change_url(waiting))

    assert queue.status_code == page.status_code == 200
    assert "待审套餐" in queue.text
    assert town.deal.title not in queue.text
    assert page.context["preview"].title == "待审套餐"
    assert page.context["preview"].price_fen == 12_800
    assert page.context["gaps"] == []
    assert f'action="{reverse("admin:deal_approve", args=[waiting.pk])}"' in page.text


def test_approving_puts_on_sale(ops, operator, waiting):
    response = ops.post(reverse("admin:deal_approve", args=[waiting.pk]))

    assert response.status_code == 302
    assert state_of(waiting) == DealState.ONLINE
    with scopes_disabled():
        review = DealReview.objects.get(deal=waiting)
    assert (review.approved, review.decided_by) == (True, operator)
    assert AuditEvent.objects.get(verb="deal.approve").actor_id == operator.pk


def test_sending_back_needs_words(ops, waiting):
    url = reverse("admin:deal_reject", args=[waiting.pk])

    for words in ("  ", "字" * 401):
        assert "Say what is to be changed" in ops.post(url, {"reason": words}, follow=True).text
    assert state_of(waiting) == DealState.IN_REVIEW

    ops.post(url, {"reason": "请写明锅底份量"})
    assert state_of(waiting) == DealState.REJECTED
    with scopes_disabled():
        assert DealReview.objects.get(deal=waiting).reason == "请写明锅底份量"


@pytest.mark.parametrize("step", ["deal_approve", "deal_reject"])
def test_looking_decides_nothing(ops, waiting, step):
    assert ops.get(reverse(f"admin:{step}", args=[waiting.pk])).status_code == 405
    assert state_of(waiting) == DealState.IN_REVIEW


@pytest.mark.parametrize("state", [state for state in DealState if state != DealState.IN_REVIEW])
def test_what_does_not_wait_is_not_decided(ops, town, state):
    with scopes_disabled():
        deal = town.make_deal(state=state)

    ops.post(reverse("admin:deal_approve", args=[deal.pk]))
    ops.post(reverse("admin:deal_reject", args=[deal.pk]), {"reason": "太晚了"})

    assert state_of(deal) == state
    assert not AuditEvent.objects.filter(noun_id=deal.pk, noun="deal").exists()


def test_an_incomplete_deal_is_not_approved_and_says_why(ops, town, waiting):
    with scopes_disabled():
        Deal.objects.filter(pk=waiting.pk).update(usable_weekdays=[])

    response = ops.post(reverse("admin:deal_approve", args=[waiting.pk]), follow=True)

    assert "Choose at least one weekday." in response.text
    assert state_of(waiting) == DealState.IN_REVIEW


def every_list():
    return sorted(model._meta.label for model in admin.site._registry)


@pytest.mark.parametrize("label", every_list())
def test_every_list_and_row_opens_and_is_not_written(ops, town, label):
    with scopes_disabled():
        (coupon, *_rest) = town.buy(quantity=2)
        town.redeem(coupon.code)
        enqueue_job(kind="nothing", key="1")
    model, site = next((m, a) for m, a in admin.site._registry.items() if m._meta.label == label)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    listing = ops.get(reverse(f"{name}_changelist"), {"q": "1"})
    assert listing.status_code == 200
    listing = ops.get(reverse(f"{name}_changelist"))
    assert listing.status_code == 200
    assert coupon.code not in listing.text
    with scopes_disabled():
        row = model._default_manager.first()
    if row is not None:
        detail = ops.get(reverse(f"{name}_change", args=[row.pk]))
        assert detail.status_code == 200
        assert coupon.code not in detail.text
        if label not in ("merchants.Merchant", "identity.User"):
            assert ops.post(reverse(f"{name}_change", args=[row.pk]), {"state": "ended"}).status_code == 403
        assert ops.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    if label not in ("merchants.Merchant", "identity.User"):
        assert ops.get(reverse(f"{name}_add")).status_code == 403


@pytest.mark.parametrize("who", ["owner", "clerk", "nobody"])
def test_merchants_staff_and_strangers_get_no_page_and_change_nothing(client, town, waiting, who):
    if who != "nobody":
        client.force_login(getattr(town, who))
    addresses = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    for address in [reverse("admin:index"), change_url(waiting), *addresses]:
        response = client.get(address)
        assert response.status_code in (302, 403), address
        assert "待审套餐" not in response.text
    for step in ("deal_approve", "deal_reject"):
        response = client.post(reverse(f"admin:{step}", args=[waiting.pk]), {"reason": "我自己来"})
        assert response.status_code in (302, 403)
    assert state_of(waiting) == DealState.IN_REVIEW


def test_operators_sign_in_where_everybody_does(client, db):
    response = client.get("/ops/login/?next=/ops/")
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/?next=")


def test_an_operator_without_rights_cannot_decide(client, town, waiting):
    helper = make_user("实习生")
    User.objects.filter(pk=helper.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=helper.pk))

    assert client.post(reverse("admin:deal_approve", args=[waiting.pk])).status_code == 403
    assert state_of(waiting) == DealState.IN_REVIEW


def test_a_dead_job_is_woken_and_no_other(ops):
    enqueue_job(kind="nothing", key="dead")
    enqueue_job(kind="nothing", key="ready")
    Job.objects.filter(key="dead").update(state=JobState.DEAD, attempts=5)
    Job.objects.filter(key="ready").update(attempts=2)

    ops.post(
        reverse("admin:core_job_changelist"),
        {"action": "wake", "_selected_action": list(Job.objects.values_list("pk", flat=True))},
    )

    assert list(Job.objects.order_by("key").values_list("key", "state", "attempts")) == [
        ("dead", "ready", 0),
        ("ready", "ready", 2),
    ]


def test_a_merchant_is_made_with_its_owner_and_fee(ops):
    owner = make_user("新老板")
    url = reverse("admin:merchants_merchant_add")
    values = {
        "slug": "xinjia", "name": "新家面馆", "owner_phone": str(owner.phone), "currency": "cny",
        "zone": "Asia/Shanghai", "platform_fee_bps": "300", "reversal_window_seconds": "3600",
    }  # fmt: skip

    for wrong in ({"zone": "Mars/Base"}, {"owner_phone": "13999999999"}, {"platform_fee_bps": "10001"}):
        assert ops.post(url, values | wrong).status_code == 200
    assert not Merchant.objects.exists()
    response = ops.post(url, values)

    merchant = Merchant.objects.get()
    assert response.status_code == 302
    assert (merchant.slug, merchant.currency, fees(merchant)) == ("xinjia", "CNY", [(300, "in_force")])
    assert owner.grants.get().party_id == merchant.pk
    with scopes_disabled():
        assert Terms.objects.get().answered_by_id == owner.pk


def fees(merchant):
    with scopes_disabled():
        return list(Terms.objects.filter(merchant=merchant).order_by("version").values_list("bps", "state"))


def test_another_fee_is_proposed_and_nothing_else_changes(ops, operator, town):
    url = reverse("admin:merchants_merchant_change", args=[town.merchant.pk])
    for wrong in ("250", "10001", "-1", ""):
        assert ops.post(url, {"platform_fee_bps": wrong}).status_code == 200

    response = ops.post(
        url, {"platform_fee_bps": "480", "note": "短信涨价", "name": "改名", "slug": "stolen"}
    )
    again = ops.post(url, {"platform_fee_bps": "490"})

    merchant = Merchant.objects.get(pk=town.merchant.pk)
    assert (response.status_code, again.status_code) == (302, 200)
    assert "A proposal waits for its answer" in again.text
    assert (fees(merchant), merchant.name, merchant.slug) == (
        [(250, "in_force"), (480, "proposed")],
        "山城老灶火锅",
        "laozao",
    )
    page = ops.get(url).text
    assert "2.5%" in page
    assert "4.8%" in page
    event = AuditEvent.objects.get(verb="terms.propose")
    assert (event.actor_id, event.facts["bps"], event.facts["version"]) == (operator.pk, 480, 2)


def test_an_operator_withdraws_a_proposal_but_never_agrees_to_his_own(ops, town):
    ops.post(reverse("admin:merchants_merchant_change", args=[town.merchant.pk]), {"platform_fee_bps": "480"})
    with scopes_disabled():
        pending = Terms.objects.get(state="proposed").pk
    url = reverse("admin:merchants_terms_changelist")

    for action in ("accept", "refuse"):
        answer = ops.post(url, {"action": action, "_selected_action": [pending]}, follow=True)
        assert "1 cannot" in answer.text
        assert fees(town.merchant) == [(250, "in_force"), (480, "proposed")]
    ops.post(url, {"action": "withdraw", "_selected_action": [pending]})

    assert fees(town.merchant) == [(250, "in_force"), (480, "withdrawn")]


def test_an_operator_adds_a_user_who_cannot_sign_in_before_a_password_is_set(ops):
    url = reverse("admin:identity_user_add")
    assert ops.post(url, {"name": "无号码", "phone": "", "email": "", "language": ""}).status_code == 200
    assert not User.objects.filter(name="无号码").exists()

    response = ops.post(url, {"name": "王敏", "phone": "13800138000", "email": "", "language": ""})

    user = User.objects.get(name="王敏")
    assert response.status_code == 302
    assert (str(user.phone), user.email, user.is_staff, user.has_usable_password()) == (
        "+8613800138000",
        None,
        False,
        False,
    )
    ops.post(
        reverse("admin:auth_user_password_change", args=[user.pk]),
        {"password1": "long enough 8821", "password2": "long enough 8821", "usable_password": "true"},
    )
    user.refresh_from_db()
    assert user.check_password("long enough 8821")
