from django.urls import URLPattern, path

from coupons.settlement import bank_account_views, file_news, payee_views, views


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
    path("statement-files/news/", file_news.file_news, name="statement_file_news"),
    *_statements("payees/<id:party_id>/", "payee_", payee_views),
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
]
