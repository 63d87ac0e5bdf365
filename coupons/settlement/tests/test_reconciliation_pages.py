"""The merchant's pages of reconciliation over HTTP: days, a day, an answer, and a bill from a file."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_scopes import scope

from core.domain.jobs import run_due_jobs
from coupons.settlement.models import BillUpload, Break, ProviderBill
from coupons.settlement.tests.billing import breaks_of, noon, pay_and_bill, rows_of_day
from coupons.tests.town import Town, make_town, make_user
from identity.enums import Role
from ledger.models import Journal
from merchants.domain.memberships import set_membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return make_town()


@pytest.fixture
def owner(town: Town) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(town.owner)
    return client


def url(name: str, town: Town, **more: Any) -> str:
    return reverse(name, kwargs={"slug": town.merchant.slug, **more})


def lost(town: Town) -> Break:
    pay_and_bill(town, missing=1)
    with scope(merchant=town.merchant.pk):
        return Break.objects.get()


def text_of(answer: Any) -> str:
    return answer.content.decode()


def test_an_empty_shop_is_told_what_will_come(town: Town, owner: Client) -> None:
    page = text_of(owner.get(url("reconciliation", town)))
    assert "No day was compared yet" in page
    assert "No bill yet" in page


def test_days_tell_what_agrees_and_what_waits(town: Town, owner: Client) -> None:
    found = lost(town)

    page = text_of(owner.get(url("reconciliation", town)))

    assert "1 open" in page
    assert "the oldest is 2 days old" in page
    assert str(found.day) in page
    assert "¥384.00" in page
    assert "¥256.00" in page
    assert str(found.day) in text_of(
        owner.get(url("reconciliation", town) + "?state=open", headers={"hx-request": "true"})
    )


def test_a_day_shows_its_three_sides_and_each_difference(town: Town, owner: Client) -> None:
    found = lost(town)

    page = text_of(owner.get(url("reconciliation_day", town, run_id=found.run_id)))

    assert "2 of 3 payments agree" in page
    assert "Missing in the bill" in page
    assert url("reconciliation_break", town, break_id=found.pk) in page


def test_explaining_needs_words_and_is_said_once(town: Town, owner: Client) -> None:
    found = lost(town)
    to = url("break_explain", town, break_id=found.pk)

    refused = owner.post(to, {"explain-explanation": ""})
    answered = owner.post(to, {"explain-explanation": "In tomorrow's bill"}, follow=True)
    again = owner.post(to, {"explain-explanation": "Other words"}, follow=True)

    assert refused.status_code == 422
    assert "The difference is explained." in text_of(answered)
    assert "Somebody answered this difference before" in text_of(again)
    found.refresh_from_db()
    assert (found.state, found.explanation, found.resolved_by) == (
        "explained",
        "In tomorrow's bill",
        town.owner,
    )


def test_adjusting_is_confirmed_and_writes_one_entry(town: Town, owner: Client) -> None:
    found = lost(town)
    to, entries = url("break_adjust", town, break_id=found.pk), Journal.objects.count()

    refused = owner.post(to, {"adjust-explanation": "The provider is right"})
    assert (refused.status_code, Journal.objects.count()) == (422, entries)
    answered = owner.post(
        to, {"adjust-explanation": "The provider is right", "adjust-agreed": "on"}, follow=True
    )

    assert "adjusted by a new entry" in text_of(answered)
    assert Journal.objects.count() == entries + 1
    assert breaks_of(town) == []


def test_somebody_takes_a_difference(town: Town, owner: Client) -> None:
    found = lost(town)
    owner.post(url("break_take", town, break_id=found.pk))
    found.refresh_from_db()
    assert (found.owner, found.state) == (town.owner, "open")


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CLERK])
def test_other_posts_find_nothing(town: Town, role: Role) -> None:
    user = make_user("别人")
    set_membership(merchant=town.merchant, user=user, role=role, stores=[town.store], by=town.owner)
    client = Client()
    client.force_login(user)
    assert client.get(url("reconciliation", town)).status_code == 404


def upload(owner: Client, town: Town, content: str, name: str = "账单.csv") -> Any:
    return owner.post(
        url("bill_upload_new", town), {"file": SimpleUploadedFile(name, content.encode())}, follow=True
    )


def as_file(town: Town, rows: Any) -> str:
    head = "reference,kind,amount,time\n"
    zone = town.merchant.tzinfo
    return head + "".join(
        f"{row.reference},{row.kind},{row.amount_fen / 100:.2f},{row.happened_at.astimezone(zone):%Y-%m-%d %H:%M:%S}\n"
        for row in rows
    )


def test_a_file_is_looked_at_imported_once_and_compared_day_by_day(town: Town, owner: Client) -> None:
    at = noon(zone=town.merchant.tzinfo)
    town.buy(at=at)
    town.buy(at=at)
    content = as_file(town, rows_of_day(town, at.date())[:1])

    preview = upload(owner, town, content)

    assert "1 payment" in text_of(preview)
    with scope(merchant=town.merchant.pk):
        kept = BillUpload.objects.get()
        assert ProviderBill.objects.count() == 0
    done = owner.post(url("bill_upload", town, upload_id=kept.pk), follow=True)
    with scope(merchant=town.merchant.pk):
        bill = ProviderBill.objects.get()
    assert (bill.imported_by, bill.payments_count) == (town.owner, 1)
    assert "0 of 1 days are compared" in text_of(done)
    run_due_jobs(kinds=["reconcile_day"])
    progress = owner.get(url("provider_bill", town, bill_id=bill.pk), headers={"hx-request": "true"})
    assert progress["HX-Refresh"] == "true"
    assert "open" in text_of(progress)
    kept.refresh_from_db()
    assert (kept.bill_id, bytes(kept.content)) == (bill.pk, b"")
    assert "Exactly this was imported before" in text_of(upload(owner, town, content))


def test_bad_rows_are_named_and_nothing_can_be_imported(town: Town, owner: Client) -> None:
    preview = upload(owner, town, "reference,kind,amount,time\nP1,payment,x,2026-11-20 10:00\n")

    assert "1 row cannot be taken" in text_of(preview)
    assert "The amount is no sum in yuan" in text_of(preview)
    assert "Import and compare" not in text_of(preview)
    with scope(merchant=town.merchant.pk):
        kept = BillUpload.objects.get()
    answer = owner.post(url("bill_upload", town, upload_id=kept.pk), follow=True)
    assert "1 rows of the file cannot be taken" in text_of(answer)
    with scope(merchant=town.merchant.pk):
        assert ProviderBill.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [("name,city\nA,B\n", "A column is missing: reference"), ("", "The submitted file is empty")],
)
def test_a_file_that_is_no_bill_is_refused_at_once(
    town: Town, owner: Client, content: str, said: str
) -> None:
    answer = upload(owner, town, content)
    assert answer.status_code == 422
    assert said in text_of(answer)
    with scope(merchant=town.merchant.pk):
        assert BillUpload.objects.count() == 0


def test_a_corrected_bill_says_what_it_replaces(town: Town, owner: Client) -> None:
    found = lost(town)
    preview = upload(owner, town, as_file(town, rows_of_day(town, found.day)))
    assert "Other bills cover some of these days" in text_of(preview)
    with scope(merchant=town.merchant.pk):
        kept = BillUpload.objects.get()
    to = url("bill_upload", town, upload_id=kept.pk)
    assert "Another bill covers some of these days" in text_of(owner.post(to, follow=True))

    owner.post(to, {"replaces": "on"})
    run_due_jobs(kinds=["reconcile_day"])

    assert breaks_of(town) == []
    with scope(merchant=town.merchant.pk):
        old, new = ProviderBill.objects.order_by("id")
    assert old.replaced_by_id == new.pk
    assert "A corrected bill has replaced this one" in text_of(
        owner.get(url("provider_bill", town, bill_id=old.pk))
    )
