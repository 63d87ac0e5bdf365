"""The operator's payouts: who is payable and who withheld, batches by two people, the bank's file and its answers."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.operator_admin import ReadOnlyAdmin
from core.refusals import describe
from coupons.settlement.domain.payout_approvals import approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import (
    list_currencies,
    preview_payouts,
    propose_batch,
    withdraw_batch,
)
from coupons.settlement.domain.payout_results import (
    RowEffect,
    apply_results,
    judge_results,
    upload_results,
)
from coupons.settlement.enums import BankFileKind, PayoutBatchState, PayoutState
from coupons.settlement.models import BankAccount, Payout, PayoutBatch, PayoutResults
from identity.models import User

BATCHES_SHOWN = 50
CONTENT_TYPES = {
    BankFileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    BankFileKind.CSV: "text/csv; charset=utf-8",
}


class ResultsForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("The bank's answers"),
        help_text=gettext_lazy("XLSX or CSV with the columns payout_id and result (paid or failed); amount, reference and reason where there are any."),
    )  # fmt: skip


@admin.register(PayoutBatch)
class PayoutBatchAdmin(ReadOnlyAdmin):
    """One page with what can be paid and the batches so far, one page per batch."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("propose/", view(self.propose), name="payouts_propose"),
            path("<int:batch_id>/approve/", view(self.approve), name="payouts_approve"),
            path("<int:batch_id>/withdraw/", view(self.withdraw), name="payouts_withdraw"),
            path("<int:batch_id>/file/", view(self.export), name="payouts_file"),
            path("<int:batch_id>/results/", view(self.upload), name="payouts_results"),
            path("<int:batch_id>/results/<int:results_id>/", view(self.look), name="payouts_results_look"),
            path("<int:batch_id>/results/<int:results_id>/apply/", view(self.apply), name="payouts_results_apply"),
            *super().get_urls(),
        ]  # fmt: skip

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        currencies = list_currencies()
        chosen = request.GET.get("currency", "")
        currency = chosen if chosen in currencies else (currencies or ["CNY"])[0]
        context = {
            "title": _("Payouts"),
            "currency": currency,
            "currencies": currencies if len(currencies) > 1 else [],
            "proposals": preview_payouts(currency=currency),
            "batches": PayoutBatch.objects.select_related("proposed_by", "approved_by").order_by("-id")[
                :BATCHES_SHOWN
            ],
            "can_pay": self.has_pay_permission(request),
        }
        return self._page(request, "ops/payouts.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        batch = self.get_object(request, object_id)
        if batch is None:
            raise Http404
        payouts = list(
            batch.payouts.select_related("merchant", "payee", "account").order_by("merchant_id", "id")
        )
        standing = [payout for payout in payouts if payout.state != PayoutState.DROPPED]
        state, may = PayoutBatchState(batch.state), self.has_pay_permission(request)
        context = {
            "title": batch.number,
            "batch": batch,
            "payouts": payouts,
            "count": len(standing),
            "total_fen": sum(payout.amount_fen for payout in standing),
            "is_proposed": may and state == PayoutBatchState.PROPOSED,
            "is_own": batch.proposed_by_id == request.user.pk,
            "can_export": may and state == PayoutBatchState.APPROVED,
            "has_file": may and state in (PayoutBatchState.EXPORTED, PayoutBatchState.FINISHED),
            "results_form": ResultsForm() if may and state == PayoutBatchState.EXPORTED else None,
            "results": batch.results.select_related("uploaded_by").order_by("-id")[:BATCHES_SHOWN],
        }
        return self._page(request, "ops/payout_batch.html", context)

    @method_decorator(require_POST)
    def propose(self, request: HttpRequest) -> HttpResponse:
        self._check_may_pay(request)
        try:
            batch = propose_batch(by=_operator(request), currency=request.POST.get("currency", "CNY"))
        except DomainError as refused:
            return self._tell(request, refused)
        messages.success(request, _("Batch %(number)s waits for a second person.") % {"number": batch.number})
        return redirect(_address(batch.pk))

    @method_decorator(require_POST)
    def approve(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        batch = self._batch(request, batch_id)
        try:
            approval = approve_batch(batch=batch, by=_operator(request))
        except DomainError as refused:
            return self._tell(request, refused, batch)
        if approval.held:
            messages.success(request, _("Batch %(number)s is approved.") % {"number": batch.number})
        if approval.dropped:
            messages.warning(
                request,
                ngettext(
                    "%(count)s payout was dropped: its payee's balance or account changed meanwhile.",
                    "%(count)s payouts were dropped: their payees' balances or accounts changed meanwhile.",
                    len(approval.dropped),
                )
                % {"count": len(approval.dropped)},
            )
        return redirect(_address(batch.pk))

    @method_decorator(require_POST)
    def withdraw(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        batch = self._batch(request, batch_id)
        try:
            withdraw_batch(batch=batch, by=_operator(request))
        except DomainError as refused:
            return self._tell(request, refused, batch)
        messages.success(request, _("Batch %(number)s is withdrawn.") % {"number": batch.number})
        return redirect(_address(batch.pk))

    @method_decorator(require_POST)
    def export(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """Written the first time, the same bytes each time after."""
        batch = self._batch(request, batch_id)
        asked = request.POST.get("kind", "")
        kind = BankFileKind(asked) if asked in BankFileKind.values else BankFileKind.XLSX
        try:
            content = export_batch(batch=batch, kind=kind, by=_operator(request))
        except DomainError as refused:
            return self._tell(request, refused, batch)
        response = HttpResponse(content, content_type=CONTENT_TYPES[BankFileKind(batch.file_kind)])
        response["Content-Disposition"] = f'attachment; filename="{batch.number}.{batch.file_kind}"'
        response["Cache-Control"] = "no-store"
        return response

    @method_decorator(require_POST)
    def upload(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """Nothing is booked yet: the rows are shown first."""
        batch = self._batch(request, batch_id)
        form = ResultsForm(request.POST, request.FILES)
        if not form.is_valid():
            messages.error(request, _("Choose the bank's file first."))
            return redirect(_address(batch.pk))
        file = form.cleaned_data["file"]
        try:
            results = upload_results(
                batch=batch, file_name=file.name, content=file.read(), by=_operator(request)
            )
        except DomainError as refused:
            return self._tell(request, refused, batch)
        return redirect("admin:payouts_results_look", batch.pk, results.pk)

    def look(self, request: HttpRequest, batch_id: int, results_id: int) -> HttpResponse:
        results = self._results(request, batch_id, results_id)
        judged = judge_results(results=results)
        context = {
            "title": results.file_name,
            "batch": results.batch,
            "results": results,
            "judged": judged,
            "bad": sum(one.fault is not None for one in judged),
            "to_pay": sum(one.effect == RowEffect.PAY for one in judged),
            "to_fail": sum(one.effect == RowEffect.FAIL for one in judged),
        }
        return self._page(request, "ops/payout_results.html", context)

    @method_decorator(require_POST)
    def apply(self, request: HttpRequest, batch_id: int, results_id: int) -> HttpResponse:
        results = self._results(request, batch_id, results_id)
        try:
            apply_results(results=results, by=_operator(request))
        except DomainError as refused:
            messages.error(request, describe(refused).title)
            return redirect("admin:payouts_results_look", batch_id, results_id)
        messages.success(request, _("The bank's answers are booked."))
        return redirect(_address(batch_id))

    def has_pay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("settlement.change_payoutbatch")

    def _check_may_pay(self, request: HttpRequest) -> None:
        if not self.has_pay_permission(request):
            raise PermissionDenied

    def _batch(self, request: HttpRequest, batch_id: int) -> PayoutBatch:
        self._check_may_pay(request)
        batch = PayoutBatch.objects.filter(pk=batch_id).first()
        if batch is None:
            raise Http404
        return batch

    def _results(self, request: HttpRequest, batch_id: int, results_id: int) -> PayoutResults:
        batch = self._batch(request, batch_id)
        results = PayoutResults.objects.filter(pk=results_id, batch=batch).select_related("batch").first()
        if results is None:
            raise Http404
        return results

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **context})

    def _tell(
        self, request: HttpRequest, refused: DomainError, batch: PayoutBatch | None = None
    ) -> HttpResponse:
        said = describe(refused)
        messages.error(request, f"{said.title} {said.next_step}")
        return redirect(_address(batch.pk) if batch else reverse("admin:settlement_payoutbatch_changelist"))


def _operator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the site lets nobody else in
    return request.user


def _address(batch_id: int) -> str:
    return reverse("admin:settlement_payoutbatch_change", args=[batch_id])


def count_to_approve(request: HttpRequest) -> int:
    """Batches that wait for a second person, for the menu."""
    return PayoutBatch.objects.filter(state=PayoutBatchState.PROPOSED).count()


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "merchant",
        "payee",
        "kind",
        "amount_fen",
        "state",
        "batch",
        "account",
        "created_at",
    )
    list_filter = ("state", "kind")
    list_select_related = ("merchant", "payee", "batch", "account")
    search_fields = ("=id", "merchant__name", "payee__name", "=bank_reference")
    ordering = ("-id",)
    hidden_columns = ("batch",)  # that name means settlement runs elsewhere

    @admin.display(description=gettext_lazy("Batch"), ordering="batch")
    def of_batch(self, payout: Payout) -> str:
        return payout.batch.number


@admin.register(BankAccount)
class BankAccountAdmin(ReadOnlyAdmin):
    list_display = ("payee", "holder", "bank", "number_tail", "requested_by", "active_from", "cancelled_at")
    list_select_related = ("payee", "requested_by")
    search_fields = ("payee__name", "holder", "=number_tail")
    ordering = ("-id",)
    hidden_columns = ("number_encrypted",)
