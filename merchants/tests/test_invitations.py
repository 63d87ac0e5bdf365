"""Invitations: one secret link, once, for 72 hours; and who may give which post to whom."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.errors import Invalid
from identity.domain.grants import live_grants
from identity.enums import Role
from identity.models import AuditEvent, Grant, User
from merchants.domain.invitations import (
    AlreadyMember,
    InvitationForOther,
    InvitationGone,
    accept_as_new_user,
    accept_as_user,
    get_invitation,
    hash_secret,
    invite_staff,
    withdraw_invitation,
)
from merchants.domain.memberships import LastOwner, end_membership, set_membership
from merchants.domain.posts import AboveOwnPost
from merchants.domain.staff import change_post, end_post
from merchants.models import Membership, StaffInvitation

PHONE = "+8613911112222"
PASSWORD = "a long enough sentence"  # noqa: S105


def invite(shop, *, by=None, role=Role.CLERK, stores=None, phone=PHONE, **more):
    stores = shop.stores[:1] if stores is None else stores
    return invite_staff(
        merchant=shop.merchant,
        name="小周",
        phone=phone,
        role=role,
        stores=stores,
        by=by or shop.owner,
        **more,
    )


def membership_of(shop, user):
    with scope(merchant=shop.merchant.pk):
        return Membership.objects.get(user=user)


def counts():
    with scopes_disabled():
        return (
            StaffInvitation.objects.filter(state="sent").count(),
            Membership.objects.filter(is_active=True).count(),
            Grant.objects.filter(valid_until=None).count(),
            User.objects.count(),
        )


def test_newcomer_gets_account_post_and_grant_once(shop):
    invitation, secret = invite(shop)

    membership = accept_as_new_user(secret=secret, name="周周", password=PASSWORD)

    assert str(membership.user.phone) == PHONE
    assert membership.user.check_password(PASSWORD)
    grant = live_grants(user=membership.user).get()
    assert (grant.role, grant.store_ids) == ("clerk", [shop.stores[0].pk])
    after = counts()
    with pytest.raises(InvitationGone):
        accept_as_new_user(secret=secret, name="Thief", password=PASSWORD)
    assert counts() == after


def test_only_the_hash_of_the_secret_is_kept(shop):
    invitation, secret = invite(shop)

    assert invitation.secret_hash == hash_secret(secret)
    facts = str(list(AuditEvent.objects.values_list("facts", flat=True)))
    assert secret not in facts
    assert invitation.secret_hash not in facts


@pytest.mark.parametrize("spoil", ["old", "withdrawn", "wrong", "sender_gone", "sender_demoted"])
def test_link_that_no_longer_counts_opens_nothing(shop, spoil):
    at = timezone.now() - timedelta(hours=72) if spoil == "old" else None
    invitation, secret = invite(shop, by=shop.manager, at=at)
    if spoil == "withdrawn":
        withdraw_invitation(invitation=invitation, by=shop.manager)
    if spoil == "wrong":
        secret = secret[:-1]
    if spoil == "sender_gone":
        end_membership(membership=membership_of(shop, shop.manager), by=shop.owner)
    if spoil == "sender_demoted":
        set_membership(
            merchant=shop.merchant, user=shop.manager, role=Role.CLERK, stores=shop.stores, by=shop.owner
        )
    before = counts()

    with pytest.raises(InvitationGone):
        accept_as_new_user(secret=secret, name="小周", password=PASSWORD)

    assert counts() == before


def test_link_works_until_the_last_moment(shop):
    now = timezone.now()
    _invitation, secret = invite(shop, at=now)

    assert get_invitation(secret=secret, at=now + timedelta(hours=72, seconds=-1)).name == "小周"
    with pytest.raises(InvitationGone):
        get_invitation(secret=secret, at=now + timedelta(hours=72))


def test_inviting_again_replaces_the_link(shop):
    _first, old = invite(shop)
    _second, new = invite(shop, role=Role.MANAGER, stores=[])

    with pytest.raises(InvitationGone):
        get_invitation(secret=old)
    assert get_invitation(secret=new).role == "manager"


def test_known_user_accepts_signed_in_and_nobody_for_him(shop, other_shop):
    _invitation, secret = invite(shop, phone=str(other_shop.clerk.phone))
    before = counts()

    with pytest.raises(InvitationGone):  # a new password must not be set on an account that exists
        accept_as_new_user(secret=secret, name="Thief", password=PASSWORD)
    with pytest.raises(InvitationForOther):
        accept_as_user(secret=secret, user=other_shop.manager)
    assert counts() == before

    accept_as_user(secret=secret, user=other_shop.clerk)
    assert set(live_grants(user=other_shop.clerk).values_list("party_id", flat=True)) == {
        shop.merchant.pk,
        other_shop.merchant.pk,
    }


def test_invitation_never_changes_the_post_of_somebody_who_works_here(shop):
    with pytest.raises(AlreadyMember):
        invite(shop, phone=str(shop.clerk.phone))
    newcomer = User.objects.create_user(name="N", phone=PHONE, password=None)
    _invitation, secret = invite(shop)
    set_membership(merchant=shop.merchant, user=newcomer, role=Role.OWNER, stores=[], by=shop.owner)

    with pytest.raises(AlreadyMember):
        accept_as_user(secret=secret, user=newcomer)

    assert membership_of(shop, newcomer).role == "owner"


@pytest.mark.parametrize(
    ("by", "role", "is_allowed"),
    [
        ("owner", Role.OWNER, True), ("owner", Role.MANAGER, True), ("owner", Role.FINANCE, True), ("owner", Role.CLERK, True),
        ("manager", Role.OWNER, False), ("manager", Role.MANAGER, True), ("manager", Role.FINANCE, False),
        ("manager", Role.CLERK, True), ("clerk", Role.CLERK, False),
    ],
)  # fmt: skip
def test_who_may_appoint_whom(shop, by, role, is_allowed):
    before = counts()

    if is_allowed:
        invite(shop, by=getattr(shop, by), role=role)
        assert counts()[0] == before[0] + 1
    else:
        with pytest.raises(AboveOwnPost):
            invite(shop, by=getattr(shop, by), role=role)
        assert counts() == before


def test_manager_of_one_store_appoints_in_that_store_only(shop):
    north, south = shop.stores
    set_membership(
        merchant=shop.merchant, user=shop.manager, role=Role.MANAGER, stores=[north], by=shop.owner
    )

    invite(shop, by=shop.manager, stores=[north])
    for role, stores in ((Role.CLERK, [south]), (Role.CLERK, [north, south]), (Role.MANAGER, [])):
        with pytest.raises(AboveOwnPost):
            invite(shop, by=shop.manager, role=role, stores=stores)


def test_clerk_needs_a_store_and_a_store_of_this_shop(shop, other_shop):
    for stores in ([], other_shop.stores[:1]):
        with pytest.raises(Invalid):
            invite(shop, stores=stores)
    assert counts()[0] == 0


def test_manager_touches_neither_owner_nor_finance(shop):
    finance = User.objects.create_user(name="F", phone=PHONE, password=None)
    set_membership(merchant=shop.merchant, user=finance, role=Role.FINANCE, stores=[], by=shop.owner)
    before = counts()

    for user in (shop.owner, finance):
        member = membership_of(shop, user)
        with pytest.raises(AboveOwnPost):
            change_post(membership=member, role=Role.CLERK, stores=shop.stores, by=shop.manager)
        with pytest.raises(AboveOwnPost):
            end_post(membership=member, by=shop.manager)
    with pytest.raises(AboveOwnPost):
        change_post(membership=membership_of(shop, shop.manager), role=Role.OWNER, stores=[], by=shop.manager)
    assert counts() == before
    assert membership_of(shop, shop.manager).role == "manager"


def test_last_owner_stays(shop):
    member = membership_of(shop, shop.owner)

    with pytest.raises(LastOwner):
        end_post(membership=member, by=shop.owner)
    with pytest.raises(LastOwner):
        change_post(membership=member, role=Role.MANAGER, stores=[], by=shop.owner)

    set_membership(merchant=shop.merchant, user=shop.manager, role=Role.OWNER, stores=[], by=shop.owner)
    end_post(membership=member, by=shop.owner)
    assert not live_grants(user=shop.owner).exists()


# Through HTTP


def test_owner_invites_and_newcomer_arrives_at_the_counter(shop, sign_in):
    answer = sign_in(shop.owner).post(
        "/m/hotpot/staff/invite/",
        {"name": "小周", "phone": "139 1111 2222", "role": "clerk", "stores": [shop.stores[0].pk]},
    )
    link = answer.context["link"]
    assert link.startswith("http://testserver/invitation/")
    assert "no-store" in answer["cache-control"]
    newcomer = Client(headers={"accept-language": "en"})

    page = newcomer.get(link)
    assert "Hotpot invites you" in page.content.decode()
    assert "13911112222" not in page.content.decode()
    arrived = newcomer.post(link, {"name": "小周", "password": PASSWORD, "again": PASSWORD})

    assert arrived.url == "/"
    assert newcomer.get("/").url == "/clerk/"
    assert newcomer.get("/m/hotpot/staff/").status_code == 404
    assert Client().get(link).status_code == 410


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": "1234567890123", "again": "1234567890123"}, "entirely numeric"),
        ({"again": "something else"}, "The two passwords differ."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_newcomer_with_a_wrong_value_gets_no_account(shop, wrong, sentence):
    _invitation, secret = invite(shop)
    before = counts()

    answer = Client(headers={"accept-language": "en"}).post(
        f"/invitation/{secret}/", {"name": "小周", "password": PASSWORD, "again": PASSWORD, **wrong}
    )

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert counts() == before


def test_link_asks_a_known_phone_to_sign_in_and_another_user_to_leave(shop, other_shop, sign_in):
    _invitation, secret = invite(shop, phone=str(other_shop.clerk.phone))
    path = f"/invitation/{secret}/"

    asked = Client(headers={"accept-language": "en"}).get(path)
    assert asked.context["sign_in_url"] == f"/accounts/login/?next=%2Finvitation%2F{secret}%2F"
    refused = sign_in(other_shop.manager).post(path)
    assert refused.status_code == 403
    accepted = sign_in(other_shop.clerk).post(path)

    assert accepted.url == "/"
    assert membership_of(shop, other_shop.clerk).role == "clerk"


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": "12"},
        {"role": "emperor"},
        {"role": "clerk", "stores": []},
        {"stores": ["9" * 30]},
        {"stores": ["9" * 5000]},
        {"stores": ["-1", "x", "\x00"]},
        {"name": "x" * 41},
        {"name": "a\x00"},
    ],
)
def test_wrong_invitation_is_refused(shop, sign_in, wrong):
    before = counts()

    answer = sign_in(shop.owner).post(
        "/m/hotpot/staff/invite/",
        {"name": "N", "phone": "13911112222", "role": "clerk", "stores": [shop.stores[0].pk], **wrong},
    )

    assert answer.status_code == 422
    assert counts() == before


def test_invitation_is_sent_again_as_it_was(shop, other_shop, sign_in):
    invitation, old = invite(shop)
    page = sign_in(shop.owner).get(f"/m/hotpot/staff/invite/?again={invitation.pk}")

    assert page.context["form"].initial["stores"] == [shop.stores[0].pk]
    assert "139 1111 2222" in page.content.decode()
    for wrong, status in (("999999", 404), ("x", 200), ("９", 200)):
        assert sign_in(shop.owner).get(f"/m/hotpot/staff/invite/?again={wrong}").status_code == status
    assert sign_in(other_shop.owner).get(f"/m/noodles/staff/invite/?again={invitation.pk}").status_code == 404


def test_post_is_changed_and_ended_on_the_persons_page(shop, sign_in):
    client, member = sign_in(shop.owner), membership_of(shop, shop.clerk)

    client.post(f"/m/hotpot/staff/{member.pk}/", {"role": "manager", "stores": []})
    assert live_grants(user=shop.clerk).get().role == "manager"
    clerk = sign_in(shop.clerk)
    assert clerk.get("/m/hotpot/stores/").status_code == 200

    client.post(f"/m/hotpot/staff/{member.pk}/end/")
    assert not live_grants(user=shop.clerk).exists()
    assert clerk.get("/m/hotpot/stores/").status_code == 404
    assert client.get(f"/m/hotpot/staff/{member.pk}/").status_code == 404


def test_refusals_are_told_on_the_page(shop, sign_in):
    owner_post = membership_of(shop, shop.owner)

    told = sign_in(shop.owner).post(f"/m/hotpot/staff/{owner_post.pk}/end/", follow=True)
    assert "A merchant needs an owner." in told.content.decode()
    told = sign_in(shop.manager).post(f"/m/hotpot/staff/{owner_post.pk}/end/", follow=True)
    assert "This is beyond what your post may decide." in told.content.decode()
    assert "Only an owner can change this post." in told.content.decode()
    assert membership_of(shop, shop.owner).is_active
