"""The platform as a party: who the platform fee is owed to."""

from identity.enums import PartyKind
from identity.models import Party


def get_platform_party() -> Party:
    """The one platform party, made on first use."""
    party, _ = Party.objects.get_or_create(kind=PartyKind.PLATFORM, defaults={"name": "Tongdao"})
    return party
