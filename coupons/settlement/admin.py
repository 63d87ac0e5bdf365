"""What was settled and sealed, to look at; objections to it, to answer."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.operator_admin import ReadOnlyAdmin
from core.refusals import describe
from coupons.settlement import payout_admin  # noqa: F401 - its pages register
from coupons.settlement.domain.objections import LONGEST, answer_objection
from coupons.settlement.enums import ObjectionState
from coupons.settlement.models import Objection, SettlementBatch, SettlementLine, Statement
from identity.models import User


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


@admin.register(Objection)
class ObjectionAdmin(ReadOnlyAdmin):
    """Objections to lines of statements; an operator answers each once, with words."""

    list_display = ("statement", "merchant", "reason", "state", "raised_at")
    list_filter = ("state",)
    list_select_related = ("statement", "merchant")
    search_fields = ("=statement__number", "merchant__name")
    ordering = ("-id",)
    change_form_outer_before_template = "ops/objection.html"

    def get_urls(self) -> list[URLPattern]:
        answer = path(
            "<int:objection_id>/answer/", self.admin_site.admin_view(self.answer), name="objection_answer"
        )
        return [answer, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        objection = self.get_object(request, object_id)
        if objection is not None:
            may = self._may_answer(request) and objection.state == ObjectionState.OPEN
            kwargs["extra_context"] = {"objection": objection, "can_answer": may, "longest": LONGEST}
        return super().change_view(request, object_id, *args, **kwargs)

    @method_decorator(require_POST)
    def answer(self, request: HttpRequest, objection_id: int) -> HttpResponse:
        if not self._may_answer(request):
            raise PermissionDenied
        objection = Objection.objects.filter(pk=objection_id).first()
        if objection is None:
            raise Http404
        try:
            answer_objection(
                objection=objection,
                is_upheld=request.POST.get("verdict") == ObjectionState.UPHELD,
                answer=request.POST.get("answer", ""),
                by=cast("User", request.user),
            )
        except DomainError as refused:
            described = describe(refused)
            messages.error(request, f"{described.title} {described.next_step}")
        else:
            messages.success(request, _("The payee reads your answer on the statement."))
        return redirect("admin:settlement_objection_change", objection_id)

    def _may_answer(self, request: HttpRequest) -> bool:
        return request.user.has_perm("settlement.change_objection")
