"""What was settled and sealed, to look at."""

from django.contrib import admin

from core.operator_admin import ReadOnlyAdmin
from coupons.settlement import payout_admin  # noqa: F401 - its pages register
from coupons.settlement.models import SettlementBatch, SettlementLine, Statement


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = (
        "number", "merchant", "payee", "kind", "period_start", "period_end", "lines_count", "gross_fen", "amount_fen",
        "state",
    )  # fmt: skip
    list_filter = ("kind", "state")
    list_select_related = ("merchant", "payee")
    search_fields = ("=number", "merchant__name")
    ordering = ("-id",)


@admin.register(SettlementLine)
class SettlementLineAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "merchant", "business_date", "store", "gross_fen", "platform_fee_fen", "merchant_fen", "statement",
    )  # fmt: skip
    list_filter = (("refund", admin.EmptyFieldListFilter), ("statement", admin.EmptyFieldListFilter))
    list_select_related = ("merchant", "store", "statement")
    search_fields = ("=redemption__id", "merchant__name")
    ordering = ("-id",)


@admin.register(SettlementBatch)
class SettlementBatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "merchant", "lines", "gross_fen", "created_at")
    list_select_related = ("merchant",)
    search_fields = ("merchant__name",)
    ordering = ("-id",)
