"""Pages of deals, under /m/<slug>/deals/."""

from django.urls import path

from coupons.views import deal_editor, deal_steps, deals, entrances

urlpatterns = [
    path("", deals.show_deals, name="deals"),
    path("new/", deal_editor.new_deal, name="deal_new"),
    path("preview/", deal_editor.preview_deal, name="deal_preview"),
    path("<int:deal_id>/", deal_editor.edit_deal, name="deal_edit"),
    path("<int:deal_id>/offer/", deal_steps.change_deal_offer, name="deal_offer"),
    path("<int:deal_id>/stock/", deals.change_stock, name="deal_stock"),
    path("<int:deal_id>/submit/", deal_steps.submit, name="deal_submit"),
    path("<int:deal_id>/withdraw/", deal_steps.withdraw, name="deal_withdraw"),
    path("<int:deal_id>/reopen/", deal_steps.reopen, name="deal_reopen"),
    path("<int:deal_id>/pause/", deal_steps.pause, name="deal_pause"),
    path("<int:deal_id>/resume/", deal_steps.resume, name="deal_resume"),
    path("<int:deal_id>/end/", deal_steps.end, name="deal_end"),
    path("<int:deal_id>/copy/", deal_steps.copy, name="deal_copy"),
    path("<int:deal_id>/entrances/", entrances.show_entrances, name="deal_entrances"),
    path("<int:deal_id>/entrances/links/", entrances.add_deal_link, name="deal_link_add"),
    path("<int:deal_id>/entrances/links/<int:placement_id>/", entrances.show_link, name="deal_link"),
    path(
        "<int:deal_id>/entrances/links/<int:placement_id>/close/",
        entrances.close_deal_link,
        name="deal_link_close",
    ),
    path(
        "<int:deal_id>/entrances/<slug:entrance>/pieces/",
        entrances.change_pieces,
        name="deal_entrance_pieces",
    ),
    path(
        "<int:deal_id>/entrances/<slug:entrance>/take-back/",
        entrances.take_back,
        name="deal_entrance_take_back",
    ),
]
