from django.urls import path

from providers.creators.views import exclusives
from providers.views import merchant_stations, provider_stations, scorecards, stations

OF_STATION = "stations/<id:station_id>/"
OF_PROVIDER = "p/<id:provider_id>/stations/"
ONE = f"{OF_PROVIDER}<id:station_id>/"
OF_MERCHANT = "m/<slug:slug>/stations/"
EXCLUSIVES = "m/<slug:slug>/exclusives/"

urlpatterns = [
    path("stations/", stations.stations, name="stations"),
    path(OF_STATION, stations.station, name="station"),
    path(f"{OF_STATION}training/<id:item_id>/", stations.station_training_done, name="station_training_done"),
    path(f"{OF_STATION}offer/", stations.station_offer, name="station_offer"),
    path(
        f"{OF_STATION}merchants/<id:link_id>/withdraw/",
        stations.station_offer_withdraw,
        name="station_offer_withdraw",
    ),
    path(
        f"{OF_STATION}merchants/<id:link_id>/end/", stations.station_merchant_end, name="station_merchant_end"
    ),
    path(f"{OF_STATION}staff/", stations.station_post_give, name="station_post_give"),
    path(f"{OF_STATION}staff/<id:membership_id>/end/", stations.station_post_end, name="station_post_end"),
    path(OF_PROVIDER, provider_stations.provider_stations, name="provider_stations"),
    path(f"{OF_PROVIDER}new/", provider_stations.provider_station_new, name="provider_station_new"),
    path(f"{OF_PROVIDER}training/", provider_stations.training_add, name="training_add"),
    path(
        f"{OF_PROVIDER}training/<id:item_id>/retire/",
        provider_stations.training_retire,
        name="training_retire",
    ),
    path(ONE, provider_stations.provider_station, name="provider_station"),
    path(f"{ONE}open/", provider_stations.provider_station_open, name="provider_station_open"),
    path(f"{ONE}close/", provider_stations.provider_station_close, name="provider_station_close"),
    path(f"{ONE}territory/", provider_stations.territory_give, name="territory_give"),
    path(f"{ONE}territory/<id:territory_id>/end/", provider_stations.territory_end, name="territory_end"),
    path(f"{ONE}training/<id:item_id>/pass/", provider_stations.training_pass, name="training_pass"),
    path(
        f"{ONE}training/<id:item_id>/send-back/",
        provider_stations.training_send_back,
        name="training_send_back",
    ),
    path(OF_MERCHANT, merchant_stations.merchant_stations, name="merchant_stations"),
    path(
        f"{OF_MERCHANT}<id:link_id>/agree/",
        merchant_stations.merchant_station_agree,
        name="merchant_station_agree",
    ),
    path(
        f"{OF_MERCHANT}<id:link_id>/refuse/",
        merchant_stations.merchant_station_refuse,
        name="merchant_station_refuse",
    ),
    path(
        f"{OF_MERCHANT}<id:link_id>/end/", merchant_stations.merchant_station_end, name="merchant_station_end"
    ),
    path(EXCLUSIVES, exclusives.exclusives, name="exclusives"),
    path(f"{EXCLUSIVES}new/", exclusives.exclusive_new, name="exclusive_new"),
    path(f"{EXCLUSIVES}<id:exclusivity_id>/agree/", exclusives.exclusive_agree, name="exclusive_agree"),
    path(f"{EXCLUSIVES}<id:exclusivity_id>/refuse/", exclusives.exclusive_refuse, name="exclusive_refuse"),
    path(f"{EXCLUSIVES}<id:exclusivity_id>/end/", exclusives.exclusive_end, name="exclusive_end"),
    path("providers/", scorecards.provider_list, name="provider_list"),
    path("providers/<id:provider_id>/", scorecards.provider_scorecard, name="provider_scorecard"),
]
