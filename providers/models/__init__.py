from providers.models.engagement import Engagement, EngagementOffer
from providers.models.onboarding import Onboarding
from providers.models.provider import Provider, ProviderInvitation, ProviderMembership
from providers.models.station import Station, StationMembership, StationTerritory
from providers.models.station_merchant import StationMerchant
from providers.models.training import TrainingCompletion, TrainingItem

__all__ = [
    "Engagement",
    "EngagementOffer",
    "Onboarding",
    "Provider",
    "ProviderInvitation",
    "ProviderMembership",
    "Station",
    "StationMembership",
    "StationMerchant",
    "StationTerritory",
    "TrainingCompletion",
    "TrainingItem",
]
