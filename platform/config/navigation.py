"""The menus of merchants and providers, by URL names. An item whose page does not exist (yet) is not shown."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.navigation import Item

TRADE = _("Trade")
MONEY = _("Money")
SHOP = _("Shop")
GROWTH = _("Growth")

OWNER, MANAGER, FINANCE, CLERK = "owner", "manager", "finance", "clerk"
OFFICE = frozenset({OWNER, MANAGER, FINANCE})
TRADERS = frozenset({OWNER, MANAGER})
COUNTER = frozenset({OWNER, MANAGER, CLERK})
PURSE = frozenset({OWNER, FINANCE})

MERCHANT: list[Item] = [
    Item("merchant_home", _("Home"), "home", TRADE, OFFICE, scope="redemptions", tab=_("Home")),
    Item("clerk", _("Redeem coupons"), "qrcode", TRADE, COUNTER, tab=_("Redeem")),
    Item("coupons:deals", _("Deals"), "tag", TRADE, TRADERS, scope="deals", tab=_("Deals")),
    Item("coupons", _("Coupons and orders"), "ticket", TRADE, OFFICE, scope="redemptions"),
    Item("refunds", _("Refunds"), "arrow-back-up", TRADE, OFFICE, scope="refunds"),
    Item("redemptions", _("Redemption records"), "list-check", TRADE, OFFICE, scope="redemptions"),
    Item(
        "statements", _("Settlement"), "receipt", MONEY, PURSE | {MANAGER}, scope="settlement", tab=_("Bills")
    ),
    Item("reconciliation", _("Reconciliation"), "arrows-sort", MONEY, PURSE),
    Item("payouts", _("Payouts"), "wallet", MONEY, PURSE),
    Item("bank_account", _("Bank account"), "credit-card", MONEY, PURSE),
    Item("terms", pgettext_lazy("shares", "Terms"), "adjustments", MONEY, OFFICE),
    Item("stores", _("Stores"), "building-store", SHOP, OFFICE, scope="stores"),
    Item("staff", _("Staff"), "users", SHOP, TRADERS),
    Item("partners", _("Partners"), "friends", SHOP, frozenset({OWNER})),
    Item("merchant_stations", _("City stations"), "map-pin", SHOP, OFFICE),
    Item("settings", _("Settings"), "settings", SHOP, frozenset({OWNER})),
    Item("exclusives", _("Exclusive rights"), "lock", GROWTH, TRADERS, scope="deals"),
    Item("live_sessions", _("Live"), "broadcast", GROWTH, OFFICE, scope="deals"),
    Item("creator_tasks", _("Creators"), "video", GROWTH, TRADERS, scope="deals"),
]

PROVIDER: list[Item] = [
    Item("provider_clients", _("Clients"), "building-store", TRADE, OFFICE, tab=_("Clients")),
    Item("provider_figures", _("Sales figures"), "chart-bar", TRADE, TRADERS, tab=_("Sales figures")),
    Item("provider_engagements", _("Agreements"), "file-text", TRADE, OFFICE, tab=_("Agreements")),
    Item("provider_onboardings", _("New clients"), "flag", GROWTH, TRADERS, tab=_("New clients")),
    Item("provider_stations", _("City stations"), "map-pin", GROWTH, TRADERS),
    Item("payee_statements", _("Statements"), "receipt", MONEY, OFFICE),
    Item("provider_staff", _("Staff"), "users", SHOP, frozenset({OWNER})),
]
