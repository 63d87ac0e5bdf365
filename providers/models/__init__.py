from providers.models.engagement import Engagement, EngagementOffer
from providers.models.provider import Provider, ProviderMembership

__all__ = ["Engagement", "EngagementOffer", "Provider", "ProviderMembership"]
