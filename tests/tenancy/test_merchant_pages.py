"""Every page under /m/<slug>/, generated from the URLconf: other shops' people, other posts and nobody find nothing.

A new page fails `test_every_url_has_its_place` until it is entered here with those who may open it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from tests.tenancy.forms import read_forms
from tests.tenancy.urlconf import URLS
from tests.tenancy.worlds import World, fingerprint, leaks

EVERYBODY = {"owner", "manager", "branch manager", "finance", "clerk"}
OFFICE = EVERYBODY - {"clerk"}
MANAGERS = OFFICE - {"finance"}
WHOLE_SHOP = {"owner", "manager"}  # a manager of some stores may not bring in others
MONEY = {"owner", "finance"}

# URL name -> who may open it; of arguments not named like an id of worlds.py, which value.
PAGES: dict[str, set[str]] = {
    "merchant_home": OFFICE,
    "stores": OFFICE,
    "store_add": WHOLE_SHOP,
    "store_import": WHOLE_SHOP,
    "store_import_template": WHOLE_SHOP,
    "store_import_draft": {"owner"},  # an upload belongs to who made it
    "store_detail": WHOLE_SHOP | {"finance"},
    "store_edit": WHOLE_SHOP,
    "store_close": WHOLE_SHOP,
    "store_reopen": WHOLE_SHOP,
    "store_poster": WHOLE_SHOP | {"finance"},
    "store_coupons": WHOLE_SHOP,
    "staff": MANAGERS,
    "staff_invite": MANAGERS,
    "staff_edit": WHOLE_SHOP,
    "staff_end": WHOLE_SHOP,
    "invitation_withdraw": WHOLE_SHOP,
    "settings": {"owner"},
    "terms": OFFICE,
    "terms_accept": {"owner"},
    "terms_refuse": {"owner"},
    "coupons:deals": MANAGERS,
    "coupons:deal_new": MANAGERS,
    "coupons:deal_preview": MANAGERS,
    "coupons:deal_edit": MANAGERS,
    "coupons:deal_offer": MANAGERS,
    "coupons:deal_stock": MANAGERS,
    "coupons:deal_submit": MANAGERS,
    "coupons:deal_withdraw": MANAGERS,
    "coupons:deal_reopen": MANAGERS,
    "coupons:deal_pause": MANAGERS,
    "coupons:deal_resume": MANAGERS,
    "coupons:deal_end": MANAGERS,
    "coupons:deal_copy": MANAGERS,
    "coupons:deal_entrances": MANAGERS,
    "coupons:deal_link_add": MANAGERS,
    "coupons:deal_link": MANAGERS,
    "coupons:deal_link_close": MANAGERS,
    "coupons:deal_entrance_pieces": MANAGERS,
    "coupons:deal_entrance_take_back": MANAGERS,
    "redemptions": OFFICE,
    "redemptions_export": OFFICE,
    "redemption_detail": WHOLE_SHOP | {"finance"},
    "redemption_undo": WHOLE_SHOP,
    "redemption_refund": WHOLE_SHOP,
    "refunds": OFFICE,
    "refund_detail": WHOLE_SHOP | {"finance"},
    "refund_approve": WHOLE_SHOP,
    "refund_reject": WHOLE_SHOP,
    "refund_retry": WHOLE_SHOP,
    "recalls": WHOLE_SHOP,
    "recall_new": WHOLE_SHOP,
    "recall_detail": WHOLE_SHOP,
    "coupon_refund": MANAGERS,
    "coupons": OFFICE,
    "coupon_detail": OFFICE,
    "live_sessions": OFFICE,
    "live_new": MANAGERS,
    "live_session": OFFICE,
    "live_edit": MANAGERS,
    "live_start": MANAGERS,
    "live_end": MANAGERS,
    "live_cancel": MANAGERS,
    "live_deal_add": MANAGERS,
    "live_deal_pieces": MANAGERS,
    "live_note_add": MANAGERS,
    "live_note_tick": MANAGERS,
    "live_card": OFFICE,
    "live_deal_card": OFFICE,
    "rehearsals": MANAGERS,
    "rehearsal": MANAGERS,
    "rehearsal_cancel": MANAGERS,
    "rehearsal_file": MANAGERS,
    "live_wall": OFFICE,
    "live_wall_figures": OFFICE,
    "creator_tasks": MANAGERS,
    "creator_task_new": MANAGERS,
    "creator_task_detail": MANAGERS,
    "creator_task_edit": MANAGERS,
    "creator_task_open": MANAGERS,
    "creator_task_extend": MANAGERS,
    "creator_task_end": MANAGERS,
    "creator_claim_answer": MANAGERS,
    "order_attribution": OFFICE,
    "statements": OFFICE,
    "statement_detail": OFFICE,
    "line_why": OFFICE,
    "statement_export": OFFICE,
    "payouts": MONEY,
    "payout_detail": MONEY,
    "bank_account": MONEY,
    "bank_account_change": MONEY,
    "bank_account_cancel": {"owner"},
    "statement_files": OFFICE,
    "statement_file": {"owner"},  # a file belongs to who had it made
    "statement_confirm": MONEY,
    "statement_dispute": MONEY,
    "reconciliation": MONEY,
    "reconciliation_day": MONEY,
    "reconciliation_break": MONEY,
    "break_take": MONEY,
    "break_explain": MONEY,
    "break_adjust": MONEY,
    "bill_upload_new": MONEY,
    "bill_upload": MONEY,
    "provider_bill": MONEY,
    "partners": {"owner"},
    "partner_new": {"owner"},
    "partner": {"owner"},
    "partner_change": {"owner"},
    "partner_narrow": {"owner"},
    "partner_agree": {"owner"},
    "partner_refuse": {"owner"},
    "partner_withdraw": {"owner"},
    "partner_end": {"owner"},
    "merchant_stations": OFFICE,
    "merchant_station_agree": {"owner"},
    "merchant_station_refuse": {"owner"},
    "merchant_station_end": {"owner"},
    "exclusives": MANAGERS,
    "exclusive_new": {"owner"},
    "exclusive_agree": {"owner"},
    "exclusive_refuse": {"owner"},
    "exclusive_end": {"owner"},
}
ARGUMENTS = {"kind": "csv", "suffix": "json", "entrance": "short_video", "step": "approve"}
NOUNS = {"store": "store_id", "clerk": "clerk", "deal": "deal_id"}  # what lists are filtered by
NOTHING_THERE = {404, 405}  # 405: this page does not know the method; the other one must answer 404


def of_merchants() -> set[str]:
    return {name for name, url in URLS.items() if url.route.startswith(("m/", "^m/"))}


def test_every_url_has_its_place() -> None:
    assert of_merchants() == set(PAGES)


def address(name: str, shop: World, *, ids_of: World | None = None) -> str:
    """The page of this shop, with the ids of another one where that is asked for."""
    given: dict[str, Any] = {"slug": shop.slug}
    for argument in URLS[name].arguments:
        if argument != "slug":
            given[argument] = ARGUMENTS.get(argument) or (ids_of or shop).ids[argument]
    return reverse(name, kwargs=given)


def signed_in(shop: World, who: str) -> Client:
    client = Client(headers={"accept-language": "en"}, raise_request_exception=True)
    client.force_login(shop.users[who])
    return client


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside leaves no trace."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def both(client: Client, url: str) -> set[int]:
    """The answers to looking and to posting."""
    statuses = set()
    for method in (client.get, client.post):
        with undone():
            statuses.add(method(url).status_code)
    return statuses


def assert_nothing_there(statuses: set[int]) -> None:
    assert 404 in statuses
    assert statuses <= NOTHING_THERE


@pytest.mark.parametrize("name", sorted(PAGES))
class TestDoors:
    def test_nobody_is_sent_to_sign_in(self, ours: World, name: str) -> None:
        url = address(name, ours)
        for method in (Client().get, Client().post):
            answer = method(url)
            assert answer.status_code in (302, 405)
            assert answer.status_code == 405 or answer.url.startswith("/accounts/login/?next=")
        assert both(Client(), url) & {302}

    def test_each_post_opens_its_pages_only(self, ours: World, name: str) -> None:
        for who in EVERYBODY:
            statuses = both(signed_in(ours, who), address(name, ours))
            if who in PAGES[name]:
                assert statuses.isdisjoint({403, 404, 500}), who
                assert statuses & {200, 302, 303, 422}, who
            else:
                assert_nothing_there(statuses)

    def test_people_of_another_shop_find_nothing(self, ours: World, theirs: World, name: str) -> None:
        before = fingerprint()
        for who in EVERYBODY:
            assert_nothing_there(both_for_good(signed_in(theirs, who), address(name, ours)))
        assert fingerprint() == before

    def test_ids_of_another_shop_lead_nowhere(self, ours: World, theirs: World, name: str) -> None:
        if set(URLS[name].arguments) <= {"slug", *ARGUMENTS}:
            pytest.skip("no id in this address")
        before = fingerprint()
        for who in PAGES[name]:
            client, url = signed_in(theirs, who), address(name, theirs, ids_of=ours)
            assert_nothing_there(both_for_good(client, url))
        assert fingerprint() == before

    def test_no_trace_of_another_shop_on_the_page(self, ours: World, theirs: World, name: str) -> None:
        answer = signed_in(theirs, "owner").get(address(name, theirs))
        body = read(answer)
        assert leaks(body, ours) == []
        if answer.status_code == 200 and name != "store_import_template":
            assert leaks(body, theirs)  # the search itself finds what is there

    def test_no_filter_reaches_into_another_shop(self, ours: World, theirs: World, name: str) -> None:
        client = signed_in(theirs, "owner")
        url = address(name, theirs)
        foreign = counterparts(ours, theirs)
        tried = {"q": {ours.codes[0], ours.mark}} | {
            noun: {foreign[str(theirs.ids[key])]} for noun, key in NOUNS.items()
        }
        for form in read_forms(read(client.get(url))):
            for field, offered in form.choices.items() if form.method == "get" else ():
                tried.setdefault(field, set()).update(foreign[own] for own in offered & foreign.keys())
        for field, values in tried.items():
            for value in values:
                body = read(client.get(url, {field: value})).replace(value, "").replace(quote(value), "")
                assert leaks(body, ours) == [], (field, value)

    def test_no_field_takes_an_id_of_another_shop(self, ours: World, theirs: World, name: str) -> None:
        client = signed_in(theirs, "owner")
        url = address(name, theirs)
        foreign = counterparts(ours, theirs)
        for form in read_forms(read(client.get(url))):
            for field, offered in form.choices.items():
                for own in offered & foreign.keys():
                    values = {**form.values, field: [foreign[own]]}
                    before = fingerprint()
                    with undone():
                        send: Callable[..., Any] = client.post if form.method == "post" else client.get
                        answer = send(form.action or url, values)
                        assert answer.status_code < 500
                        assert linked_across_shops() == 0
                        if form.method == "post":
                            assert fingerprint() == before, (field, answer.status_code)


def counterparts(ours: World, theirs: World) -> dict[str, str]:
    """For each id of theirs the one of ours that is the same noun."""
    return {str(pk): str(ours.ids[noun]) for noun, pk in theirs.ids.items()}


def both_for_good(client: Client, url: str) -> set[int]:
    """As `both`, but what it did stays, so that it can be seen."""
    return {client.get(url).status_code, client.post(url).status_code}


def read(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8", "replace")


def linked_across_shops() -> int:
    """Rows that tie an object of one shop to another shop's."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM coupons_deal_stores l JOIN coupons_deal d ON d.id = l.deal_id
                    JOIN merchants_store s ON s.id = l.store_id WHERE s.merchant_id <> d.merchant_id)
                 + (SELECT count(*) FROM merchants_membership_stores l JOIN merchants_membership m ON m.id = l.membership_id
                    JOIN merchants_store s ON s.id = l.store_id WHERE s.merchant_id <> m.merchant_id)
                 + (SELECT count(*) FROM merchants_staffinvitation_stores l
                    JOIN merchants_staffinvitation i ON i.id = l.staffinvitation_id
                    JOIN merchants_store s ON s.id = l.store_id WHERE s.merchant_id <> i.merchant_id)
            """
        )
        return cursor.fetchone()[0]
