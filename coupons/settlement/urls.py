from django.urls import path

from coupons.settlement import bank_account_views, views

urlpatterns = [
    path("m/<slug:slug>/statements/", views.statements, name="statements"),
    path("m/<slug:slug>/statements/<int:statement_id>/", views.statement_detail, name="statement_detail"),
    path(
        "m/<slug:slug>/statements/<int:statement_id>/confirm/",
        views.statement_confirm,
        name="statement_confirm",
    ),
    path(
        "m/<slug:slug>/statements/<int:statement_id>/dispute/",
        views.statement_dispute,
        name="statement_dispute",
    ),
    path(
        "m/<slug:slug>/statements/<int:statement_id>/lines.<str:kind>",
        views.statement_export,
        name="statement_export",
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
]
