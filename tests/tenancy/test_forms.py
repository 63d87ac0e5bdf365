"""Forms that are right in everything but a store of another shop: refused at that field, nothing written."""

from typing import Any

import pytest
from django.urls import reverse
from django_scopes import scopes_disabled

from coupons.tests.test_deal_pages import form_values
from tests.tenancy.test_merchant_pages import linked_across_shops, read, signed_in
from tests.tenancy.worlds import World, fingerprint

FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "staff_invite": ({"name": "新人", "phone": "13712345678", "role": "clerk"}, "stores"),
    "staff_edit": ({"role": "clerk"}, "stores"),
    "coupons:deal_new": ({**form_values(), "all_stores": ""}, "stores"),
    "coupons:deal_edit": ({**form_values(version="1"), "all_stores": ""}, "stores"),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("own_too", [False, True])
def test_a_store_of_another_shop_is_no_choice(ours: World, theirs: World, name: str, own_too: bool) -> None:
    values, field = FORMS[name]
    ids = theirs.ids | {"deal_id": theirs.ids["draft_deal_id"]}
    url = reverse(
        name,
        kwargs={"slug": theirs.slug}
        | {
            "staff_edit": {"membership_id": ids["membership_id"]},
            "coupons:deal_edit": {"deal_id": ids["deal_id"]},
        }.get(name, {}),
    )
    client = signed_in(theirs, "owner")
    own, foreign = str(theirs.ids["store_id"]), str(ours.ids["store_id"])
    before = fingerprint()
    answer = client.post(url, {**values, field: [own, foreign] if own_too else [foreign]})
    assert answer.status_code == 422, read(answer)[:2000]
    assert fingerprint() == before
    assert linked_across_shops() == 0
    # The same form with a store of one's own goes through.
    answer = client.post(url, {**values, field: [own]})
    assert answer.status_code in (200, 302), read(answer)[:2000]
    with scopes_disabled():
        assert fingerprint() != before
