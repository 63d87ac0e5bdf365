"""The operator's menu at /ops/, by URL names; a page that does not exist (yet) is left out."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

WAITING_BADGE = "coupons.admin.count_waiting"
DEAD_JOBS_BADGE = "core.admin.count_dead"
TO_APPROVE_BADGE = "coupons.settlement.payout_admin.count_to_approve"
BROKEN_BADGE = "core.admin.count_broken"

GROUPS: list[tuple[Any, list[tuple[Any, str, str, str, str]]]] = [
    # (title, [(title, icon, URL name, query, badge)])
    (
        _("To do"),
        [
            (_("Deals to review"), "rate_review", "coupons_deal", "?state__exact=in_review", WAITING_BADGE),
            (_("Dead jobs"), "error", "core_job", "?state__exact=dead", DEAD_JOBS_BADGE),
        ],
    ),
    (
        _("Trade"),
        [
            (_("Deals"), "sell", "coupons_deal", "", ""),
            (_("Orders"), "shopping_cart", "coupons_order", "", ""),
            (_("Coupons"), "confirmation_number", "coupons_coupon", "", ""),
            (_("Redemptions"), "qr_code_scanner", "coupons_redemption", "", ""),
            (_("Refused codes"), "block", "coupons_redemptionrefusal", "", ""),
        ],
    ),
    (
        _("Money"),
        [
            (_("Payments"), "payments", "coupons_payment", "", ""),
            (_("Payment notifications"), "notifications", "coupons_paymentnotification", "", ""),
            (_("Refunds"), "undo", "coupons_refund", "", ""),
            (_("Recalls"), "assignment_return", "coupons_recall", "", ""),
            (_("Statements"), "receipt_long", "settlement_statement", "", ""),
            (pgettext_lazy("settlement", "Objections"), "contact_support", "settlement_objection", "", ""),
            (_("Payouts"), "account_balance_wallet", "settlement_payoutbatch", "", TO_APPROVE_BADGE),
            (_("Payouts one by one"), "paid", "settlement_payout", "", ""),
            (_("Bank accounts"), "credit_card", "settlement_bankaccount", "", ""),
            (_("Settlement lines"), "list", "settlement_settlementline", "", ""),
            (_("Settlement runs"), "playlist_add_check", "settlement_settlementbatch", "", ""),
            (_("Ledger accounts"), "account_balance", "ledger_ledgeraccount", "", ""),
            (_("Balances"), "balance", "ledger_balance", "", ""),
            (_("Journals"), "menu_book", "ledger_journal", "", ""),
        ],
    ),
    (
        _("Who"),
        [
            (_("Merchants"), "storefront", "merchants_merchant", "", ""),
            (pgettext_lazy("shares", "Terms"), "handshake", "merchants_terms", "", ""),
            (_("Stores"), "location_on", "merchants_store", "", ""),
            (_("Posts"), "badge", "merchants_membership", "", ""),
            (_("Invitations"), "mail", "merchants_staffinvitation", "", ""),
            (_("Users"), "person", "identity_user", "", ""),
            (_("Customers"), "groups", "identity_customer", "", ""),
            (_("Grants"), "key", "identity_grant", "", ""),
            (_("What was done"), "history", "identity_auditevent", "", ""),
        ],
    ),
    (
        _("Works"),
        [
            (_("Fairness of the board"), "balance", "creators_impression", "", ""),
            (_("Self-check"), "fact_check", "core_invariantrun", "", BROKEN_BADGE),
            (_("Jobs"), "engineering", "core_job", "", ""),
        ],
    ),
]


FILTERS = {query[1:] for _title, items in GROUPS for *_rest, query, _badge in items if query}


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    groups = []
    for title, items in GROUPS:
        shown = [_item(request, *item) for item in items]
        groups.append({"title": title, "separator": True, "items": [item for item in shown if item]})
    return groups


def _item(
    request: HttpRequest, title: Any, icon: str, name: str, query: str, badge: str
) -> dict[str, Any] | None:
    try:
        address = reverse(f"admin:{name}_changelist")
    except NoReverseMatch:
        return None
    filtered = request.GET.urlencode() if request.path == address else None
    # One entry of the menu is current, the narrower one.
    is_wide = request.path.startswith(address) and filtered not in FILTERS
    active = filtered == query[1:] if query else is_wide
    item = {"title": title, "icon": icon, "link": address + query, "active": active}
    return item | ({"badge": badge} if badge else {})
