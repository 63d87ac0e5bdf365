from django.urls import include, path

from providers.views import clients, engagements, figures, onboarding, partners, staff

urlpatterns = [
    path("", include("providers.station_urls")),
    path("p/", clients.provider_home, name="provider_home"),
    path("p/<int:provider_id>/", clients.provider_clients, name="provider_clients"),
    path("p/<int:provider_id>/engagements/", engagements.provider_engagements, name="provider_engagements"),
    path(
        "p/<int:provider_id>/engagements/new/",
        engagements.provider_engagement_new,
        name="provider_engagement_new",
    ),
    path(
        "p/<int:provider_id>/engagements/<int:engagement_id>/",
        engagements.provider_engagement,
        name="provider_engagement",
    ),
    path(
        "p/<int:provider_id>/engagements/<int:engagement_id>/change/",
        engagements.provider_engagement_change,
        name="provider_engagement_change",
    ),
    path(
        "p/<int:provider_id>/engagements/<int:engagement_id>/end/",
        engagements.provider_engagement_end,
        name="provider_engagement_end",
    ),
    path(
        "p/<int:provider_id>/engagements/<int:engagement_id>/offers/<int:offer_id>/agree/",
        engagements.provider_engagement_agree,
        name="provider_engagement_agree",
    ),
    path(
        "p/<int:provider_id>/engagements/<int:engagement_id>/offers/<int:offer_id>/refuse/",
        engagements.provider_engagement_refuse,
        name="provider_engagement_refuse",
    ),
    path(
        "p/<int:provider_id>/engagements/<int:engagement_id>/offers/<int:offer_id>/withdraw/",
        engagements.provider_engagement_withdraw,
        name="provider_engagement_withdraw",
    ),
    path("p/invitation/<str:secret>/", staff.provider_invitation, name="provider_invitation"),
    path("p/<int:provider_id>/figures/", figures.provider_figures, name="provider_figures"),
    path("p/<int:provider_id>/staff/", staff.provider_staff, name="provider_staff"),
    path("p/<int:provider_id>/staff/invite/", staff.provider_staff_invite, name="provider_staff_invite"),
    path(
        "p/<int:provider_id>/staff/invitations/<int:invitation_id>/withdraw/",
        staff.provider_invitation_withdraw,
        name="provider_invitation_withdraw",
    ),
    path(
        "p/<int:provider_id>/staff/<int:membership_id>/",
        staff.provider_staff_edit,
        name="provider_staff_edit",
    ),
    path(
        "p/<int:provider_id>/staff/<int:membership_id>/end/",
        staff.provider_staff_end,
        name="provider_staff_end",
    ),
    path("p/<int:provider_id>/onboarding/", onboarding.provider_onboardings, name="provider_onboardings"),
    path(
        "p/<int:provider_id>/onboarding/new/",
        onboarding.provider_onboarding_new,
        name="provider_onboarding_new",
    ),
    path(
        "p/<int:provider_id>/onboarding/<int:onboarding_id>/",
        onboarding.provider_onboarding,
        name="provider_onboarding",
    ),
    path(
        "p/<int:provider_id>/onboarding/<int:onboarding_id>/open/",
        onboarding.provider_onboarding_open,
        name="provider_onboarding_open",
    ),
    path(
        "p/<int:provider_id>/onboarding/<int:onboarding_id>/invite/",
        onboarding.provider_onboarding_invite,
        name="provider_onboarding_invite",
    ),
    path(
        "p/<int:provider_id>/onboarding/<int:onboarding_id>/give-up/",
        onboarding.provider_onboarding_give_up,
        name="provider_onboarding_give_up",
    ),
    path("m/<slug:slug>/partners/", partners.partners, name="partners"),
    path("m/<slug:slug>/partners/new/", partners.partner_new, name="partner_new"),
    path("m/<slug:slug>/partners/<int:engagement_id>/", partners.partner, name="partner"),
    path(
        "m/<slug:slug>/partners/<int:engagement_id>/change/", partners.partner_change, name="partner_change"
    ),
    path(
        "m/<slug:slug>/partners/<int:engagement_id>/narrow/", partners.partner_narrow, name="partner_narrow"
    ),
    path("m/<slug:slug>/partners/<int:engagement_id>/end/", partners.partner_end, name="partner_end"),
    path(
        "m/<slug:slug>/partners/<int:engagement_id>/offers/<int:offer_id>/agree/",
        partners.partner_agree,
        name="partner_agree",
    ),
    path(
        "m/<slug:slug>/partners/<int:engagement_id>/offers/<int:offer_id>/refuse/",
        partners.partner_refuse,
        name="partner_refuse",
    ),
    path(
        "m/<slug:slug>/partners/<int:engagement_id>/offers/<int:offer_id>/withdraw/",
        partners.partner_withdraw,
        name="partner_withdraw",
    ),
]
