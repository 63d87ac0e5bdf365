from django.urls import path, re_path

from merchants.views import home, invitations, settings, staff, store_imports, stores, terms

urlpatterns = [
    path("", home.home, name="home"),
    path("invitation/<str:secret>/", invitations.invitation_accept, name="invitation_accept"),
    path("m/<slug:slug>/stores/", stores.stores, name="stores"),
    path("m/<slug:slug>/stores/new/", stores.store_add, name="store_add"),
    path("m/<slug:slug>/stores/import/", store_imports.store_import, name="store_import"),
    re_path(
        r"^m/(?P<slug>[-\w]+)/stores/import/template\.(?P<kind>csv|xlsx)$",
        store_imports.store_import_template,
        name="store_import_template",
    ),
    path(
        "m/<slug:slug>/stores/import/<int:draft_id>/",
        store_imports.store_import_draft,
        name="store_import_draft",
    ),
    path("m/<slug:slug>/stores/<int:store_id>/", stores.store_detail, name="store_detail"),
    path("m/<slug:slug>/stores/<int:store_id>/edit/", stores.store_edit, name="store_edit"),
    path("m/<slug:slug>/stores/<int:store_id>/close/", stores.store_close, name="store_close"),
    path("m/<slug:slug>/stores/<int:store_id>/reopen/", stores.store_reopen, name="store_reopen"),
    path("m/<slug:slug>/stores/<int:store_id>/poster/", stores.store_poster, name="store_poster"),
    path("m/<slug:slug>/staff/", staff.staff, name="staff"),
    path("m/<slug:slug>/staff/invite/", staff.staff_invite, name="staff_invite"),
    path(
        "m/<slug:slug>/staff/invitations/<int:invitation_id>/withdraw/",
        staff.invitation_withdraw,
        name="invitation_withdraw",
    ),
    path("m/<slug:slug>/staff/<int:membership_id>/", staff.staff_edit, name="staff_edit"),
    path("m/<slug:slug>/staff/<int:membership_id>/end/", staff.staff_end, name="staff_end"),
    path("m/<slug:slug>/settings/", settings.settings, name="settings"),
    path("m/<slug:slug>/terms/", terms.terms, name="terms"),
    path("m/<slug:slug>/terms/<int:terms_id>/accept/", terms.terms_accept, name="terms_accept"),
    path("m/<slug:slug>/terms/<int:terms_id>/refuse/", terms.terms_refuse, name="terms_refuse"),
]
