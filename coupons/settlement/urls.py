from django.urls import path

from coupons.settlement import views

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
]
