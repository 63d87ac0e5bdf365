"""/m/<slug>/bank-account/: where the shop is paid, what change waits, and changing it behind a fresh second factor."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.clock import database_now
from core.errors import DomainError, NotFound
from core.refusals import describe
from core.templatetags.tongdao import local_time
from coupons.settlement.domain.bank_accounts import (
    BankAccountWaiting,
    cancel_bank_account,
    read_bank_accounts,
    request_bank_account,
)
from coupons.settlement.models import BankAccount
from coupons.settlement.payout_forms import BankAccountForm
from identity.domain.second_factor import SecondFactorMissing, SecondFactorStale, check_second_factor
from identity.enums import Role
from identity.second_factor import ask_for_second_factor, second_factor_shown_at
from merchants.decorators import MerchantRequest, merchant_page

PURSE = (Role.OWNER, Role.FINANCE)


@merchant_page(*PURSE)
@require_safe
def bank_account(request: MerchantRequest) -> HttpResponse:
    """The account in use, the one that waits, and those before; of each number the tail alone."""
    accounts = read_bank_accounts(payee_id=request.merchant.pk)
    shown = {account.pk for account in (accounts.in_use, accounts.waiting) if account}
    context = {
        "accounts": accounts,
        "earlier": [account for account in accounts.all if account.pk not in shown],
        "can_cancel": request.merchant_role == Role.OWNER,
        "hours": settings.BANK_ACCOUNT_WAIT_HOURS,
    }
    return render(request, "merchant/payouts/bank_account.html", context)


@merchant_page(*PURSE)
@require_http_methods(["GET", "HEAD", "POST"])
def bank_account_change(request: MerchantRequest) -> HttpResponse:
    """Ask for another account: first the second factor, then the form. What was typed is never kept in a session."""
    shown_at = second_factor_shown_at(request)
    try:
        check_second_factor(user=request.user, shown_at=shown_at, at=database_now())
    except SecondFactorMissing:
        return render(request, "merchant/payouts/second_factor_missing.html")
    except SecondFactorStale as error:
        if request.method == "POST":
            _tell(request, error)
        return ask_for_second_factor(then=request.path)
    form = BankAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in ("holder", "bank", "number")}
        try:
            account = request_bank_account(
                payee=request.merchant.party, by=request.user, second_factor_at=shown_at, **values
            )
        except BankAccountWaiting as error:
            _tell(request, error)
        else:
            messages.success(
                request,
                _("From %(moment)s on you are paid to the account ending in %(tail)s.")
                % {
                    "moment": local_time(timezone.localtime(account.active_from)),
                    "tail": account.number_tail,
                },
            )
        return redirect("bank_account", slug=request.merchant.slug)
    context = {"form": form, "hours": settings.BANK_ACCOUNT_WAIT_HOURS}
    return render(
        request, "merchant/payouts/bank_account_change.html", context, status=422 if form.errors else 200
    )


@merchant_page(Role.OWNER)
@require_POST
def bank_account_cancel(request: MerchantRequest, account_id: int) -> HttpResponse:
    """An owner stops a change that waits; no second factor, since stopping moves no money."""
    account = BankAccount.objects.filter(pk=account_id, payee_id=request.merchant.pk).first()
    if account is None:
        raise NotFound
    try:
        cancel_bank_account(account=account, by=request.user)
    except DomainError as error:
        _tell(request, error)
    else:
        messages.success(
            request,
            _("The change to the account ending in %(tail)s is cancelled.") % {"tail": account.number_tail},
        )
    return redirect("bank_account", slug=request.merchant.slug)


def _tell(request: MerchantRequest, error: DomainError) -> None:
    described = describe(error, zone=request.merchant.tzinfo)
    messages.error(request, f"{described.title} {described.next_step}")
