"""What the menu and the staff page promise is what the doors of the pages do."""

import pytest
from django.urls import URLPattern, get_resolver
from django.utils.translation import override

from config.navigation import MERCHANT
from identity.enums import Role
from merchants.domain.posts import MAY_APPOINT
from merchants.views.staff import NONE, PERMISSIONS

# The line of the permissions table -> the pages that do it. Redeeming is behind /clerk/, which asks for itself.
PAGES = {
    "See the figures of the shop": ["merchant_home", "redemptions"],
    "Make and change deals": ["deal_new", "deal_edit", "deal_submit", "deal_end"],
    "See statements and the ledger": ["statements", "statement_detail"],
    "Confirm statements": ["statement_confirm"],
    "Add, change and close stores": ["store_add", "store_edit", "store_close", "store_import"],
    "Invite clerks and managers, change their posts": ["staff_invite", "staff_edit", "staff_end"],
    "Change the shop's settings": ["settings"],
}


@pytest.fixture(autouse=True)
def english():
    with override("en"):
        yield


def doors(patterns=None) -> dict[str, frozenset[Role]]:
    """URL name -> the roles its page opens to, for every page inside a merchant."""
    found: dict[str, frozenset[Role]] = {}
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            roles = getattr(pattern.callback, "merchant_roles", None)
            if roles and pattern.name:
                found[pattern.name] = frozenset(roles)
        else:
            found |= doors(pattern.url_patterns)
    return found


@pytest.mark.parametrize("item", MERCHANT, ids=lambda item: item.url_name)
def test_menu_offers_a_page_to_exactly_those_it_opens_to(item):
    name = item.url_name.rpartition(":")[2]
    if name not in doors():
        pytest.skip(f"{item.url_name} is no page inside a merchant (yet)")

    assert (item.roles or frozenset(Role)) == doors()[name]


def test_permissions_table_says_what_the_doors_say():
    table = {str(permission.label): permission for permission in PERMISSIONS}
    for label, names in PAGES.items():
        reach = {Role(role) for role, reach in table[label].reaches() if reach != NONE}
        for name in names:
            assert doors()[name] == reach, (label, name)


def test_permissions_table_says_who_appoints_whom():
    table = {str(permission.label): permission for permission in PERMISSIONS}
    invite = table["Invite clerks and managers, change their posts"]
    appoint = table["Appoint owners and finance"]

    assert {Role(role) for role, reach in invite.reaches() if reach != NONE} == {
        role for role, may in MAY_APPOINT.items() if {Role.CLERK, Role.MANAGER} <= may
    }
    assert {Role(role) for role, reach in appoint.reaches() if reach != NONE} == {
        role for role, may in MAY_APPOINT.items() if {Role.OWNER, Role.FINANCE} <= may
    }
    assert len(PAGES) + 2 == len(PERMISSIONS)  # every line is proven; the counter's has its own tests
