"""/ops/ shows what a rehearsal made only to who asks for it."""

import pytest
from django.urls import reverse
from django_scopes import scopes_disabled

from coupons.tests.town import Town, make_town
from identity.models import User

pytestmark = pytest.mark.django_db

LISTS = {
    "merchants_merchant": ("山城老灶火锅", "影子店"),
    "merchants_store": ("山城老灶火锅(解放碑店)", "影子店(解放碑店)"),
    "coupons_deal": ("真套餐", "影子套餐"),
    "coupons_order": ("真套餐", "影子套餐"),
    "coupons_coupon": ("真套餐", "影子套餐"),
    "identity_customer": ("真小李", "影子小李"),
    "identity_user": ("真小李", "影子小李"),
}


@pytest.fixture
def towns() -> tuple[Town, Town]:
    with scopes_disabled():
        real, shadow = make_town(), make_town(slug="rehearsal-abc", name="影子店")
        shadow.merchant.shadow_of = real.merchant
        shadow.merchant.save(update_fields=["shadow_of"])
        for town, title, name in ((real, "真套餐", "真小李"), (shadow, "影子套餐", "影子小李")):
            town.customer.nickname = town.customer.user.name = name
            town.customer.is_shadow = town is shadow
            town.customer.save()
            town.customer.user.save()
            town.buy(deal=town.make_deal(title=title))
    return real, shadow


@pytest.mark.parametrize("name", LISTS)
def test_rehearsals_are_left_out_unless_asked_for(client, towns: tuple[Town, Town], name: str):
    client.force_login(User.objects.create_superuser(name="平台小陈", phone="+8613900000001"))
    client.cookies["django_language"] = "en"
    url = reverse(f"admin:{name}_changelist")
    real, shadow = LISTS[name]
    shown = {}
    for choice in ("", "with", "only"):
        page = client.get(url, {"rehearsals": choice} if choice else {}).content.decode()
        table = page[page.index('id="result_list"') :] if 'id="result_list"' in page else ""
        shown[choice] = (real in table, shadow in table)
    assert shown == {"": (True, False), "with": (True, True), "only": (False, True)}
    assert "Without rehearsals" in page
