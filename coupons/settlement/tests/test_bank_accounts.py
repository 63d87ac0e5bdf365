"""Where a payee is paid changes only behind a fresh second factor and after a waiting time, and never silently."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from django_scopes import scopes_disabled

from core.encryption import Unreadable, decrypt, encrypt
from core.errors import Invalid
from coupons.settlement.domain.bank_accounts import (
    BankAccountInUse,
    BankAccountWaiting,
    cancel_bank_account,
    find_accounts_in_use,
    read_bank_accounts,
    read_number,
    request_bank_account,
)
from coupons.settlement.models import BankAccount
from coupons.tests.town import make_town, make_user
from identity.domain.second_factor import SecondFactorMissing, SecondFactorStale
from identity.enums import Role
from identity.models import AuditEvent
from merchants.domain.memberships import set_membership

NUMBER, OTHER = "6222020200012345678", "3100 0200-1234 9999"
FORM = {
    "holder": "重庆老灶餐饮有限公司",
    "bank": "工商银行解放碑支行",
    "number": NUMBER,
    "number_again": NUMBER,
}


@pytest.fixture
def town(db):
    with scopes_disabled():
        town = make_town()
        TOTP.activate(town.owner, "JBSWY3DPEHPK3PXP")
        yield town


def ask(town, *, number=NUMBER, at=None, **more):
    at = at or timezone.now()
    values = {"holder": "老灶", "bank": "工商银行", "by": town.owner, "second_factor_at": at} | more
    return request_bank_account(payee=town.merchant.party, number=number, at=at, **values)


def signed_in(user, *, code_shown_ago=None):
    """A client whose session says when a code was entered."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    if code_shown_ago is not None:
        from allauth.account.internal.flows.login import (
            _AUTHENTICATION_METHODS_USER_SESSION_KEY,
            AUTHENTICATION_METHODS_SESSION_KEY,
        )

        session = client.session
        shown = (timezone.now() - code_shown_ago).timestamp()
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {"method": "mfa", "at": shown, "reauthenticated": True}
        ]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
        session.save()
    return client


def test_a_change_waits_and_the_old_account_stays_in_use_till_then(town):
    first = ask(town, at=timezone.now() - timedelta(days=10))
    now = timezone.now()
    second = ask(town, number=OTHER, at=now)

    assert second.active_from == now + timedelta(hours=48)
    before = read_bank_accounts(payee_id=town.merchant.pk)
    assert (before.in_use, before.waiting) == (first, second)
    after = read_bank_accounts(payee_id=town.merchant.pk, at=second.active_from)
    assert (after.in_use, after.waiting, after.all) == (second, None, [second, first])
    assert find_accounts_in_use(payee_ids=[town.merchant.pk]) == {town.merchant.pk: first}
    assert [event.verb for event in AuditEvent.objects.filter(noun="bank_account").order_by("id")] == [
        "bank_account.requested",
        "bank_account.requested",
    ]


def test_the_number_is_encrypted_and_only_its_tail_is_readable(town):
    account = ask(town, number=OTHER)

    assert (account.number_tail, read_number(account=account)) == ("9999", "3100020012349999")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(b)::text FROM settlement_bankaccount b")
        (stored,) = cursor.fetchone()
        cursor.execute("SELECT string_agg(facts::text, ' ') FROM identity_auditevent")
        (said,) = cursor.fetchone()
    assert "12349999" not in stored + said
    assert encrypt("3100020012349999") != account.number_encrypted, "equal numbers must not look equal"


def test_a_new_key_in_front_reads_what_the_old_one_wrote(settings):
    settings.ENCRYPTION_KEYS = ["the first"]
    kept = encrypt("6222")
    settings.ENCRYPTION_KEYS = ["the second", "the first"]
    assert decrypt(kept) == "6222"
    settings.ENCRYPTION_KEYS = ["the second"]
    with pytest.raises(Unreadable):
        decrypt(kept)


def test_without_a_fresh_second_factor_nothing_changes(town):
    clerkless = make_user("没有两步验证")
    stale = timezone.now() - timedelta(minutes=11)
    with pytest.raises(SecondFactorStale):
        ask(town, second_factor_at=stale)
    with pytest.raises(SecondFactorStale):
        ask(town, second_factor_at=None)
    with pytest.raises(SecondFactorMissing):
        ask(town, by=clerkless)
    for field, values in (("number", {"number": "12"}), ("holder", {"holder": " "}), ("bank", {"bank": ""})):
        with pytest.raises(Invalid) as refused:
            ask(town, **values)
        assert refused.value.facts == {"field": field}
    assert not BankAccount.objects.exists()


def test_one_change_waits_at_a_time_and_is_cancelled_only_in_its_time(town):
    old = ask(town, at=timezone.now() - timedelta(days=3))
    waiting = ask(town, number=OTHER)
    with pytest.raises(BankAccountWaiting):
        ask(town, number="6222000011112222")

    cancel_bank_account(account=waiting, by=town.owner)
    with pytest.raises(BankAccountInUse):
        cancel_bank_account(account=waiting, by=town.owner)
    with pytest.raises(BankAccountInUse):
        cancel_bank_account(account=old, by=town.owner)

    accounts = read_bank_accounts(payee_id=town.merchant.pk)
    assert (accounts.in_use, accounts.waiting) == (old, None)
    assert ask(town, number="6222000011112222").number_tail == "2222"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE settlement_bankaccount SET number_encrypted = 'another'",
        "UPDATE settlement_bankaccount SET active_from = now() - interval '1 minute'",
        "UPDATE settlement_bankaccount SET payee_id = payee_id + 1",
        "UPDATE settlement_bankaccount SET cancelled_at = now(), cancelled_by_id = requested_by_id WHERE active_from < now()",
        "DELETE FROM settlement_bankaccount",
        "TRUNCATE settlement_bankaccount CASCADE",
    ],
)
def test_the_database_refuses_to_edit_an_account(town, sql):
    ask(town, at=timezone.now() - timedelta(days=3))
    ask(town, number=OTHER)
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # a table with foreign keys to ask is not truncated at all
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_page_asks_for_a_code_before_the_form_and_says_when_it_takes_effect(town):
    address = f"/m/{town.merchant.slug}/bank-account/"
    for client in (
        signed_in(town.owner),
        signed_in(town.owner, code_shown_ago=timedelta(minutes=20)),
    ):
        for answer in (client.get(f"{address}change/"), client.post(f"{address}change/", FORM)):
            assert answer.status_code == 302
            assert answer["Location"] == "/accounts/2fa/reauthenticate/?next=" + f"{address}change/".replace(
                "/", "%2F"
            )
    assert not BankAccount.objects.exists()

    client = signed_in(town.owner, code_shown_ago=timedelta(minutes=1))
    assert client.post(f"{address}change/", FORM | {"number_again": "1"}).status_code == 422
    answer = client.post(f"{address}change/", FORM, follow=True)

    account = BankAccount.objects.get()
    assert (account.holder, account.number_tail, account.requested_by) == (FORM["holder"], "5678", town.owner)
    page = answer.content.decode()
    assert "paid to another account, ending in 5678" in page
    assert NUMBER not in page
    assert "Cancel this change" in page


def test_finance_sees_the_change_and_only_an_owner_cancels_it(town):
    finance = make_user("财务")
    set_membership(merchant=town.merchant, user=finance, role=Role.FINANCE, stores=[], by=town.owner)
    account = ask(town)
    address = f"/m/{town.merchant.slug}/bank-account/"
    cancel = f"{address}{account.pk}/cancel/"

    page = signed_in(finance).get(address).content.decode()
    assert "ending in 5678" in page
    assert "Cancel this change" not in page
    assert signed_in(finance).post(cancel).status_code == 404
    assert signed_in(town.clerk).get(address).status_code == 404

    assert signed_in(town.owner).post(cancel).status_code == 302
    account.refresh_from_db()
    assert account.cancelled_by == town.owner


def test_who_has_no_second_factor_is_told_to_set_it_up(town):
    Authenticator.objects.all().delete()
    answer = signed_in(town.owner).get(f"/m/{town.merchant.slug}/bank-account/change/")
    assert answer.status_code == 200
    assert "/accounts/2fa/" in answer.content.decode()
