"""Live sessions under /m/<slug>/live/, the live card in the shop under /h5/<slug>/live/."""

from django.urls import path

from coupons.live.views import cards, rehearsals, sessions, shop, steps, wall

LIVE = "m/<slug:slug>/live/"
ONE = f"{LIVE}<int:session_id>/"

urlpatterns = [
    path(LIVE, sessions.live_sessions, name="live_sessions"),
    path(f"{LIVE}new/", sessions.live_new, name="live_new"),
    path(ONE, sessions.live_session, name="live_session"),
    path(f"{ONE}edit/", sessions.live_edit, name="live_edit"),
    path(f"{ONE}start/", steps.live_start, name="live_start"),
    path(f"{ONE}end/", steps.live_end, name="live_end"),
    path(f"{ONE}cancel/", steps.live_cancel, name="live_cancel"),
    path(f"{ONE}deals/", steps.live_deal_add, name="live_deal_add"),
    path(f"{ONE}deals/<int:live_deal_id>/pieces/", steps.live_deal_pieces, name="live_deal_pieces"),
    path(f"{ONE}notes/", steps.live_note_add, name="live_note_add"),
    path(f"{ONE}notes/<int:note_id>/", steps.live_note_tick, name="live_note_tick"),
    path(f"{ONE}card/", cards.live_card, name="live_card"),
    path(f"{ONE}deals/<int:live_deal_id>/card/", cards.live_deal_card, name="live_deal_card"),
    path(f"{ONE}wall/", wall.live_wall, name="live_wall"),
    path(f"{ONE}wall/figures/", wall.live_wall_figures, name="live_wall_figures"),
    path(f"{ONE}rehearsals/", rehearsals.rehearsals, name="rehearsals"),
    path(f"{ONE}rehearsals/<int:rehearsal_id>/", rehearsals.rehearsal, name="rehearsal"),
    path(f"{ONE}rehearsals/<int:rehearsal_id>/cancel/", rehearsals.rehearsal_cancel, name="rehearsal_cancel"),
    path(
        f"{ONE}rehearsals/<int:rehearsal_id>/report.<str:suffix>",
        rehearsals.rehearsal_file,
        name="rehearsal_file",
    ),
    path("h5/<slug:slug>/live/<slug:token>/", shop.shop_live, name="shop_live"),
    path("h5/<slug:slug>/live/<slug:token>/<id:deal_id>/", shop.shop_live_deal, name="shop_live_deal"),
]
