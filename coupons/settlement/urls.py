from django.urls import URLPattern, path

from coupons.settlement import (
    bank_account_views,
    file_news,
    line_views,
    payee_views,
    payout_views,
    reconciliation_views,
    views,
)


def _statements(begin: str, prefix: str, module: object) -> list[URLPattern]:
    """The list, and everything of one statement, as each side has it."""
    tails = {
        "statements": "",
        "statement_detail": "<int:statement_id>/",
        "statement_confirm": "<int:statement_id>/confirm/",
        "statement_dispute": "<int:statement_id>/dispute/",
        "statement_export": "<int:statement_id>/lines.<str:kind>",
        "statement_files": "<int:statement_id>/files/",
        "statement_file": "<int:statement_id>/files/<int:file_id>/",
    }
    return [
        path(f"{begin}statements/{tail}", getattr(module, name), name=f"{prefix}{name}")
        for name, tail in tails.items()
    ]


urlpatterns = [
    *_statements("m/<slug:slug>/", "", views),
    path("m/<slug:slug>/settlement-lines/<int:line_id>/", line_views.line_why, name="line_why"),
    path("statement-files/news/", file_news.file_news, name="statement_file_news"),
    *_statements("payees/<id:party_id>/", "payee_", payee_views),
    path(
        "payees/<id:party_id>/settlement-lines/<int:line_id>/",
        line_views.payee_line_why,
        name="payee_line_why",
    ),
    path("m/<slug:slug>/bank-account/", bank_account_views.bank_account, name="bank_account"),
    path(
        "m/<slug:slug>/bank-account/change/",
        bank_account_views.bank_account_change,
        name="bank_account_change",
    ),
    path(
        "m/<slug:slug>/bank-account/<int:account_id>/cancel/",
        bank_account_views.bank_account_cancel,
        name="bank_account_cancel",
    ),
    path("m/<slug:slug>/reconciliation/", reconciliation_views.reconciliation, name="reconciliation"),
    path(
        "m/<slug:slug>/reconciliation/days/<int:run_id>/",
        reconciliation_views.reconciliation_day,
        name="reconciliation_day",
    ),
    path(
        "m/<slug:slug>/reconciliation/differences/<int:break_id>/",
        reconciliation_views.reconciliation_break,
        name="reconciliation_break",
    ),
    path(
        "m/<slug:slug>/reconciliation/differences/<int:break_id>/take/",
        reconciliation_views.break_take,
        name="break_take",
    ),
    path(
        "m/<slug:slug>/reconciliation/differences/<int:break_id>/explain/",
        reconciliation_views.break_explain,
        name="break_explain",
    ),
    path(
        "m/<slug:slug>/reconciliation/differences/<int:break_id>/adjust/",
        reconciliation_views.break_adjust,
        name="break_adjust",
    ),
    path(
        "m/<slug:slug>/reconciliation/upload/", reconciliation_views.bill_upload_new, name="bill_upload_new"
    ),
    path(
        "m/<slug:slug>/reconciliation/upload/<int:upload_id>/",
        reconciliation_views.bill_upload,
        name="bill_upload",
    ),
    path(
        "m/<slug:slug>/reconciliation/bills/<int:bill_id>/",
        reconciliation_views.provider_bill,
        name="provider_bill",
    ),
    path("m/<slug:slug>/payouts/", payout_views.payouts, name="payouts"),
    path("m/<slug:slug>/payouts/<int:payout_id>/", payout_views.payout_detail, name="payout_detail"),
]
