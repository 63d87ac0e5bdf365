"""The pages of stores, staff and settings through HTTP: what they show, what they refuse, whom they do not let in."""

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes import scope, scopes_disabled

from identity.enums import Role
from identity.models import AuditEvent, User
from merchants.domain.import_drafts import start_draft
from merchants.domain.invitations import invite_staff
from merchants.domain.memberships import set_membership
from merchants.domain.stores import StoreDetails, add_store
from merchants.models import ImportDraft, Membership, StaffInvitation, Store

STORE = {"name": "West", "city": "上海市", "coordinate_system": "gcj02"}


def stores_of(shop):
    with scope(merchant=shop.merchant.pk):
        return list(Store.objects.order_by("id"))


# Stores


def test_store_is_added_with_hours_and_coordinates(shop, sign_in):
    client = sign_in(shop.owner)

    answer = client.post(
        "/m/hotpot/stores/new/",
        {**STORE, "place": "121.473701, 31.230416", "mon": "10:00-14:00, 17:00～22:00"},
    )

    store = stores_of(shop)[-1]
    assert answer.url == f"/m/hotpot/stores/{store.pk}/"
    assert (store.name, str(store.longitude), str(store.latitude)) == ("West", "121.473701", "31.230416")
    assert store.hours == {"mon": [["10:00", "14:00"], ["17:00", "22:00"]]}
    assert AuditEvent.objects.filter(verb="store.add", noun_id=store.pk, actor_id=shop.owner.pk).exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"place": "here"}, "Write two numbers"),
        ({"place": "NaN, NaN"}, "Write two numbers"),
        ({"place": "1e999, 2"}, "Write two numbers"),
        ({"place": "1, 2, 3"}, "Write two numbers"),
        ({"place": "31.2, 121.4"}, "Longitude comes first"),
        ({"tue": "from ten"}, "Write hours like 10:00-22:00."),
        ({"coordinate_system": "mars"}, "Select a valid choice"),
        ({"number": "N1"}, "Another store has the number N1."),
    ],
)
def test_store_with_a_wrong_value_is_refused_and_nothing_changes(shop, sign_in, wrong, sentence):
    add_store(merchant=shop.merchant, details=StoreDetails(name="Numbered", number="N1"), by=None)
    before = len(stores_of(shop))

    answer = sign_in(shop.owner).post("/m/hotpot/stores/new/", {**STORE, **wrong})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert len(stores_of(shop)) == before


def test_editing_settles_the_doubts_of_the_import(shop, sign_in):
    store = shop.stores[0]
    with scope(merchant=shop.merchant.pk):
        Store.objects.filter(pk=store.pk).update(import_warnings=["phone_missing"])
    client = sign_in(shop.manager)
    assert "No phone" in client.get(f"/m/hotpot/stores/{store.pk}/").content.decode()

    client.post(f"/m/hotpot/stores/{store.pk}/edit/", {**STORE, "name": "North", "phone": "023-1234567"})

    changed = stores_of(shop)[0]
    assert (changed.name, changed.phone, changed.import_warnings) == ("North", "023-1234567", [])


def test_store_is_closed_after_a_question_and_opened_again(shop, sign_in):
    client, store = sign_in(shop.owner), shop.stores[0]
    question = client.get(f"/m/hotpot/stores/{store.pk}/close/").content.decode()
    assert "Coupons valid only here stay with their customers" in question

    client.post(f"/m/hotpot/stores/{store.pk}/close/")
    assert [store.state for store in stores_of(shop)] == ["closed", "open"]
    again = client.post(f"/m/hotpot/stores/{store.pk}/close/", follow=True)
    assert "Somebody else closed or reopened this store." in again.content.decode()
    assert AuditEvent.objects.filter(verb="store.close").count() == 1

    client.post(f"/m/hotpot/stores/{store.pk}/reopen/")
    assert [store.state for store in stores_of(shop)] == ["open", "open"]


def test_store_page_names_the_people_bound_to_it(shop, sign_in):
    north, south = (
        sign_in(shop.owner).get(f"/m/hotpot/stores/{store.pk}/").content.decode() for store in shop.stores
    )

    assert "Clerk of hotpot" in north
    assert "Clerk of hotpot" not in south
    assert "Nobody yet." in south
    listed = sign_in(shop.owner).get("/m/hotpot/stores/").context["page"].object_list
    assert [store.clerks for store in listed] == [1, 0]


def test_list_is_searched_and_filtered(shop, sign_in):
    add_store(merchant=shop.merchant, details=StoreDetails(name="Bund", city="上海市"), by=None)
    client = sign_in(shop.owner)

    def names(query):
        page = client.get(f"/m/hotpot/stores/{query}").context["page"]
        return [store.name for store in page.object_list]

    assert names("") == ["Bund", "hotpot North", "hotpot South"]
    assert names("?q=nor") == ["hotpot North"]
    assert names("?city=上海市") == ["Bund"]
    assert names("?state=closed") == []
    for odd in ("?city=Atlantis", "?q=%00", "?state=x&page=x", f"?page={'9' * 30}", f"?q={'x' * 81}"):
        assert client.get(f"/m/hotpot/stores/{odd}").status_code == 200, odd
    assert client.get(f"/m/hotpot/stores/{'9' * 30}/").status_code == 404
    assert "No store matches" in client.get("/m/hotpot/stores/?q=nothing").content.decode()


@pytest.mark.parametrize("page", ["stores", "staff"])
def test_lists_cost_the_same_for_one_row_and_for_three(shop, sign_in, page):
    client = sign_in(shop.owner)
    url = f"/m/hotpot/{page}/"

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    client.get(url)
    few = cost()
    for number in range(3):
        add_store(merchant=shop.merchant, details=StoreDetails(name=f"S{number}", city=f"C{number}"), by=None)
        user = User.objects.create_user(name=f"U{number}", phone=f"+8613900000{number:03d}", password=None)
        set_membership(merchant=shop.merchant, user=user, role=Role.CLERK, stores=shop.stores, by=shop.owner)
        invite_staff(
            merchant=shop.merchant, name="New", phone=f"+8613700000{number:03d}", role=Role.CLERK,
            stores=shop.stores, by=shop.owner,
        )  # fmt: skip

    assert cost() == few if page == "stores" else cost() <= few + 1  # + the stores of the invitations


def test_poster_opens_the_shop_at_the_store(shop, sign_in):
    store = shop.stores[0]

    answer = sign_in(shop.owner).get(f"/m/hotpot/stores/{store.pk}/poster/")

    assert answer.context["url"] == f"http://testserver/h5/hotpot/?store={store.pk}"
    assert "<svg" in answer.content.decode()
    assert "style=" not in answer.content.decode()


# Who may come in


def test_second_merchant_finds_nothing_of_the_first(shop, other_shop, sign_in):
    client = sign_in(other_shop.owner)
    store = shop.stores[0]
    with scope(merchant=shop.merchant.pk):
        member = Membership.objects.get(user=shop.clerk)
        invitation, _secret = invite_staff(
            merchant=shop.merchant, name="New", phone="+8613700000001", role=Role.MANAGER, stores=[], by=shop.owner
        )  # fmt: skip
        draft = start_draft(
            merchant=shop.merchant, filename="a.csv", content=b"name,city\na,b\n", by=shop.owner
        )
    for own in ("hotpot", "noodles"):  # through the first shop's door and through one's own
        for path in (
            f"stores/{store.pk}/", f"stores/{store.pk}/edit/", f"stores/{store.pk}/close/",
            f"stores/{store.pk}/poster/", f"stores/import/{draft.pk}/", f"staff/{member.pk}/",
        ):  # fmt: skip
            assert client.get(f"/m/{own}/{path}").status_code == 404, path
        for path in (
            f"stores/{store.pk}/reopen/", f"stores/{store.pk}/close/", f"staff/{member.pk}/end/",
            f"staff/invitations/{invitation.pk}/withdraw/",
        ):  # fmt: skip
            assert client.post(f"/m/{own}/{path}").status_code == 404, path
    for path in ("stores/", "stores/new/", "stores/import/", "staff/", "staff/invite/", "settings/"):
        assert client.get(f"/m/hotpot/{path}").status_code == 404, path
    assert "hotpot" not in client.get("/m/noodles/stores/").content.decode()
    assert "hotpot" not in client.get("/m/noodles/staff/").content.decode()
    # a foreign store is no choice of a form
    answer = client.post(
        "/m/noodles/staff/invite/",
        {"name": "N", "phone": "13700000009", "role": "clerk", "stores": [store.pk]},
    )
    assert answer.status_code == 422
    with scopes_disabled():
        assert not StaffInvitation.objects.filter(merchant=other_shop.merchant).exists()


@pytest.mark.parametrize(
    "path", ["stores/", "stores/new/", "stores/import/", "staff/", "staff/invite/", "settings/"]
)
def test_clerk_opens_none_of_the_office(shop, sign_in, path):
    assert sign_in(shop.clerk).get(f"/m/hotpot/{path}").status_code == 404


def test_manager_bound_to_a_store_sees_that_store_only(shop, sign_in):
    set_membership(
        merchant=shop.merchant, user=shop.manager, role=Role.MANAGER, stores=shop.stores[:1], by=shop.owner
    )
    client = sign_in(shop.manager)

    assert [store.name for store in client.get("/m/hotpot/stores/").context["page"].object_list] == [
        "hotpot North"
    ]
    assert client.get(f"/m/hotpot/stores/{shop.stores[1].pk}/").status_code == 404
    assert client.get("/m/hotpot/stores/new/").status_code == 404
    assert client.get("/m/hotpot/stores/import/").status_code == 404
    people = client.get("/m/hotpot/staff/").context["page"].object_list
    assert {person.user for person in people} == {shop.manager, shop.clerk}


# Import


def upload(client, content, name="stores.csv"):
    return client.post("/m/hotpot/stores/import/", {"file": SimpleUploadedFile(name, content)})


def test_import_is_previewed_corrected_and_confirmed_once(shop, sign_in):
    client = sign_in(shop.owner)
    content = "Ort,Laden,Nr\nShanghai,Bund,7\n,Nowhere,8\n上海市,,9\n".encode("utf-16")

    url = upload(client, content).url
    preview = client.get(url)
    assert preview.context["missing"] == "Store name"
    client.post(url, {"column_name": "Laden", "column_city": "Ort", "column_number": "Nr"})
    preview = client.get(url)
    assert {key: preview.context["report"][key] for key in ("rows", "imported", "with_warnings", "refused")} == {
        "rows": 3, "imported": 2, "with_warnings": 2, "refused": 1,
    }  # fmt: skip
    assert len(stores_of(shop)) == 2

    client.post(url, {"confirm": "1"})
    result = client.get(url)
    assert "No name" in result.content.decode()
    assert result.context["cities"] == [("", 1), ("上海市", 1)]
    assert result.context["warnings"] == [
        ("No city", 1),
        ("City written otherwise; its official name was put in", 1),
    ]
    assert [(store.name, store.number, store.city) for store in stores_of(shop)[2:]] == [
        ("Bund", "7", "上海市"),
        ("Nowhere", "8", ""),
    ]
    again = client.post(url, {"confirm": "1"}, follow=True)
    assert "This file was imported before." in again.content.decode()
    assert len(stores_of(shop)) == 4
    with scope(merchant=shop.merchant.pk):
        assert bytes(ImportDraft.objects.get().content) == b""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 no archive", "neither a CSV file nor an Excel workbook"),
        (b"\xd0\xcf\x11\xe0 old", "old Excel file"),
        (b"a,a\n1,2\n", "Two columns have the same name."),
        (b"\n\n", "empty"),
    ],
)
def test_file_that_is_no_table_is_named_and_not_kept(shop, sign_in, content, sentence):
    answer = upload(sign_in(shop.owner), content)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    with scope(merchant=shop.merchant.pk):
        assert not ImportDraft.objects.exists()


def test_mapping_to_a_column_that_is_not_there_is_refused(shop, sign_in):
    client = sign_in(shop.owner)
    url = upload(client, b"name,city\na,b\n").url

    for wrong, sentence in (
        ({"column_name": "nothing", "column_city": "city"}, "The file has no column nothing."),
        ({"column_name": "city", "column_city": "city"}, "The column city is chosen twice."),
        ({"column_city": "city"}, "A column is missing: name."),
    ):
        assert sentence in client.post(url, wrong, follow=True).content.decode()
    with scope(merchant=shop.merchant.pk):
        assert ImportDraft.objects.get().mapping == {"name": "name", "city": "city"}


def test_colleague_does_not_see_the_draft_of_another(shop, sign_in):
    url = upload(sign_in(shop.owner), b"name,city\na,b\n").url

    assert sign_in(shop.manager).get(url).status_code == 404


def test_template_can_be_filled_in_and_imported(shop, sign_in):
    client = sign_in(shop.owner)
    csv_file = client.get("/m/hotpot/stores/import/template.csv").content
    book = client.get("/m/hotpot/stores/import/template.xlsx").content
    assert openpyxl.load_workbook(io.BytesIO(book)).active["B2"].value == "人民广场店"

    for content in (csv_file, book):
        report = client.get(upload(client, content).url).context["report"]
        assert (report["imported"], report["with_warnings"], report["refused"]) == (1, 0, 0)


# Settings


def test_owner_renames_the_shop_and_sets_the_time_to_undo(shop, sign_in):
    wanted = {"name": "New name", "category": "hotpot", "minutes_to_undo": "30"}
    sign_in(shop.owner).post("/m/hotpot/settings/", wanted)

    shop.merchant.refresh_from_db()
    kept = (shop.merchant.name, shop.merchant.category, shop.merchant.reversal_window_seconds)
    assert kept == ("New name", "hotpot", 1800)
    assert shop.merchant.party.name == "New name"


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"category": "ships"}, {"minutes_to_undo": "-1"}, {"minutes_to_undo": "1441"}]
)
def test_wrong_settings_change_nothing(shop, sign_in, wrong):
    answer = sign_in(shop.owner).post(
        "/m/hotpot/settings/", {"name": "New name", "category": "tea", "minutes_to_undo": "30", **wrong}
    )

    shop.merchant.refresh_from_db()
    assert answer.status_code == 422
    assert (shop.merchant.name, shop.merchant.reversal_window_seconds) == ("Hotpot", 3600)
    assert sign_in(shop.manager).get("/m/hotpot/settings/").status_code == 404
