"""Staff and stores at the same moment: one invitation, one file, the last two owners, one store number."""

from functools import partial

import pytest
from django_scopes import scopes_disabled

from core.imports.table import read_table
from identity.domain.grants import live_grants
from identity.enums import Role
from merchants.domain.import_drafts import finish_draft, start_draft
from merchants.domain.invitations import accept_as_new_user, invite_staff
from merchants.domain.memberships import set_membership
from merchants.domain.staff import end_post
from merchants.domain.store_imports import guess_store_mapping, import_stores
from merchants.domain.stores import StoreDetails, add_store, close_store
from merchants.models import Membership, Store
from merchants.tests.conftest import Shop, make_shop
from tests.races.racing import count_codes, race_once

pytestmark = pytest.mark.concurrency
FILE = "编号,店名,城市\n" + "".join(f"N{number},店 {number},上海市\n" for number in range(50))


@pytest.fixture
def shop(transactional_db) -> Shop:
    return make_shop("hotpot", "10")


def test_an_invitation_is_accepted_once(shop):
    _invitation, secret = invite_staff(
        merchant=shop.merchant, name="N", phone="+8613911112222", role=Role.MANAGER, stores=[], by=shop.owner
    )

    answers = race_once(
        *[partial(accept_as_new_user, secret=secret, name="N", password="a long sentence")] * 4  # noqa: S106
    )

    assert count_codes(answers) == {"done": 1, "invitation_gone": 3}


def test_two_shops_invite_one_phone_and_one_account_comes_of_it(shop):
    other = make_shop("noodles", "20")
    secrets = [
        invite_staff(
            merchant=each.merchant,
            name="N",
            phone="+8613911112222",
            role=Role.MANAGER,
            stores=[],
            by=each.owner,
        )[1]
        for each in (shop, other)
    ]

    answers = race_once(
        *(
            partial(accept_as_new_user, secret=secret, name="N", password="a long sentence")
            for secret in secrets
        )  # noqa: S106
    )

    assert count_codes(answers) == {"done": 1, "invitation_gone": 1}


def test_the_last_two_owners_cannot_both_leave(shop):
    with scopes_disabled():
        set_membership(merchant=shop.merchant, user=shop.manager, role=Role.OWNER, stores=[], by=shop.owner)
        posts = [Membership.objects.get(user=user) for user in (shop.owner, shop.manager)]

    answers = race_once(*(partial(end_post, membership=post, by=post.user) for post in posts))

    assert count_codes(answers) == {"done": 1, "last_owner": 1}
    assert sum(live_grants(user=post.user).exists() for post in posts) == 1


def test_one_file_confirmed_twice_is_imported_once(shop):
    draft = start_draft(merchant=shop.merchant, filename="a.csv", content=FILE.encode(), by=shop.owner)

    answers = race_once(*[partial(finish_draft, draft=draft, by=shop.owner)] * 3)

    assert count_codes(answers) == {"done": 1, "import_finished": 2}
    with scopes_disabled():
        assert Store.objects.filter(merchant=shop.merchant).count() == 52


def test_two_imports_of_one_list_make_each_store_once(shop):
    table = read_table(content=FILE.encode())
    call = partial(
        import_stores, merchant=shop.merchant, table=table, mapping=guess_store_mapping(table), by=None
    )

    answers = race_once(*[call] * 3)

    assert sorted(answer.report.created for answer in answers) == [0, 0, 50]
    with scopes_disabled():
        assert Store.objects.filter(merchant=shop.merchant).count() == 52


def test_a_store_number_is_given_once_and_a_store_closed_once(shop):
    details = StoreDetails(name="New", number="N1", city="上海市")
    answers = race_once(*[partial(add_store, merchant=shop.merchant, details=details, by=shop.owner)] * 4)
    assert count_codes(answers) == {"done": 1, "store_number_taken": 3}

    answers = race_once(*[partial(close_store, store=shop.stores[0], by=shop.owner)] * 4)
    assert count_codes(answers) == {"done": 1, "store_state_changed": 3}
