"""Payouts through HTTP: the operators' two people at /ops/, and what the shop's owner and finance see."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_scopes import scopes_disabled

from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import Payout, PayoutBatch, PayoutResults
from coupons.settlement.tests.paying import give_account, redeem, state_and_confirm
from coupons.tests.town import make_town, make_user, put_paid_refund
from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership

LIST = "/ops/settlement/payoutbatch/"


@pytest.fixture
def town(db):
    with scopes_disabled():
        town = make_town()
        give_account(town.merchant.party, by=town.owner)
        redeem(town, uses=2)
        state_and_confirm(town)
        yield town


def client_of(user):
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def operators(db):
    return [
        client_of(User.objects.create_superuser(name=name, phone=phone))
        for name, phone in (("平台小陈", "+8613900000001"), ("平台小周", "+8613900000002"))
    ]


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_two_operators_pay_a_shop_on_their_pages(town, operators):
    one, two = operators
    page = text_of(one.get(LIST))
    assert "1 payee can be paid, ¥249.60" in page
    assert "···· 5678" in page
    assert "6222020200012345678" not in page

    assert one.post(f"{LIST}propose/", {"currency": "CNY"}).status_code == 302
    batch = PayoutBatch.objects.get()
    address = f"{LIST}{batch.pk}/"
    assert "another operator approves it" in text_of(one.get(f"{address}change/"))
    assert "does not approve it" in text_of(one.post(f"{address}approve/", follow=True))
    batch.refresh_from_db()
    assert batch.state == "proposed"
    assert "is approved" in text_of(two.post(f"{address}approve/", follow=True))

    file = one.post(f"{address}file/", {"kind": "csv"})
    assert file["Content-Disposition"] == f'attachment; filename="{batch.number}.csv"'
    assert "6222020200012345678" in file.content.decode()
    assert two.post(f"{address}file/", {"kind": "xlsx"}).content == file.content

    payout = Payout.objects.get()
    for text, bad in (
        (f"payout_id,result\nPO{payout.pk},maybe\n", True),
        (f"payout_id,result\nPO{payout.pk},paid\n", False),
    ):
        upload = SimpleUploadedFile("answers.csv", text.encode())
        looked = one.post(f"{address}results/", {"file": upload}, follow=True)
        results = PayoutResults.objects.latest("id")
        assert ("unknown_result" in text_of(looked)) == bad
        applied = one.post(f"{address}results/{results.pk}/apply/", follow=True)
        assert ("Nothing was imported" in text_of(applied)) == bad
    payout.refresh_from_db()
    assert payout.state == "paid"
    assert "Finished" in text_of(one.get(f"{address}change/"))
    assert "Nobody can be paid now" in text_of(one.get(LIST))
    assert one.get(f"/ops/settlement/payout/{payout.pk}/change/").status_code == 200
    assert (
        "number_encrypted"
        not in one.get(f"/ops/settlement/bankaccount/{payout.account_id}/change/").content.decode()
    )


def test_who_may_not_pay_moves_nothing(town, operators):
    onlooker = User.objects.create_user(name="看客", phone="+8613900000009", is_staff=True)
    assert client_of(onlooker).get(LIST).status_code == 403
    assert client_of(onlooker).post(f"{LIST}propose/").status_code == 403
    assert client_of(town.owner).post(f"{LIST}propose/").status_code == 302
    assert operators[0].get(f"{LIST}propose/").status_code == 405
    assert operators[0].post(f"{LIST}1/approve/").status_code == 404
    assert not PayoutBatch.objects.exists()


def pay(operators, result="paid"):
    one, two = operators
    one.post(f"{LIST}propose/", {"currency": "CNY"})
    batch = PayoutBatch.objects.latest("id")
    two.post(f"{LIST}{batch.pk}/approve/")
    one.post(f"{LIST}{batch.pk}/file/")
    payout = Payout.objects.get(batch=batch)
    text = f"payout_id,result,reason\nPO{payout.pk},{result},closed account\n"
    one.post(f"{LIST}{batch.pk}/results/", {"file": SimpleUploadedFile("a.csv", text.encode())})
    one.post(f"{LIST}{batch.pk}/results/{PayoutResults.objects.latest('id').pk}/apply/")
    payout.refresh_from_db()
    return payout


def test_the_shop_sees_what_was_paid_and_how_it_adds_up(town, operators):
    owner = client_of(town.owner)
    finance = make_user("财务")
    set_membership(merchant=town.merchant, user=finance, role=Role.FINANCE, stores=[], by=town.owner)
    address = f"/m/{town.merchant.slug}/payouts/"
    empty = text_of(owner.get(address))
    assert "Nothing was paid out yet" in empty
    assert "249.60" in re.sub(r"(?<=[¥\d.]) ", "", empty)
    assert "confirmed, to 工商银行 ···· 5678" in empty

    payout = pay(operators)

    assert payout.batch.number in text_of(client_of(finance).get(address))
    detail = text_of(owner.get(f"{address}{payout.pk}/"))
    assert "Redeemed ¥256.00" in detail
    assert "Platform fee −¥6.40" in detail
    assert "Net, paid to you ¥249.60" in detail
    statement = text_of(owner.get(f"/m/{town.merchant.slug}/statements/{payout.items.get().statement_id}/"))
    assert "···· 5678" in statement
    assert owner.get(f"{address}{payout.pk + 1}/").status_code == 404
    assert client_of(town.clerk).get(address).status_code == 404


def test_the_shop_is_told_what_came_back_and_what_it_owes(town, operators):
    owner = client_of(town.owner)
    failed = pay(operators, "failed")
    assert "The bank sent it back: closed account" in text_of(
        owner.get(f"/m/{town.merchant.slug}/payouts/{failed.pk}/")
    )
    paid = pay(operators)
    from coupons.models import Redemption

    for use in Redemption.objects.all():
        put_paid_refund(use.pk)
    settle_merchant(merchant_id=town.merchant.pk)

    page = text_of(owner.get(f"/m/{town.merchant.slug}/payouts/"))

    assert "Your balance is −¥249.60" in page
    assert paid.state == "paid"
