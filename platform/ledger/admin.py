"""The books, to look at: the database itself refuses to change them."""

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.operator_admin import ReadOnlyAdmin, ReadOnlyRows
from core.templatetags.tongdao import fen
from ledger.models import Balance, Journal, LedgerAccount, Transfer


class TransferRows(ReadOnlyRows):
    model = Transfer
    hidden_columns = ("id", "merchant_id")
    ordering = ("line",)


@admin.register(Journal)
class JournalAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "source", "merchant_id", "happened_at", "created_at")
    list_filter = ("kind",)
    search_fields = ("=source", "=merchant_id")
    ordering = ("-id",)
    inlines = (TransferRows,)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "owner", "merchant_id", "currency", "bound")
    list_filter = ("kind", "currency")
    list_select_related = ("owner",)
    search_fields = ("=merchant_id", "owner__name")
    ordering = ("merchant_id", "kind")


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    list_display = ("account_name", "merchant_id", "debits_fen", "credits_fen", "net")
    list_filter = ("account__kind",)
    list_select_related = ("account",)
    search_fields = ("=merchant_id",)
    ordering = ("merchant_id", "account__kind")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Balance]:
        return super().get_queryset(request).annotate(currency=F("account__currency"))

    @admin.display(description=_("Ledger account"), ordering="account__kind")
    def account_name(self, balance: Balance) -> str:
        return f"{balance.account.get_kind_display()} {balance.account.owner_id}"

    @admin.display(description=_("Credits less debits"))
    def net(self, balance: Balance) -> str:
        return fen(balance.credits_fen - balance.debits_fen, balance.account.currency)
