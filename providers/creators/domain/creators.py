"""Becoming a creator, and saying about oneself what the board goes by."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.domain.grants import give_grant
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.enums import Category
from providers.creators.enums import Channel
from providers.creators.models import Creator

REASON = "creator"
MOST_RADIUS_KM = 500
MOST_CHANNELS = 6


class AlreadyCreator(DomainError):
    """This user is a creator already."""

    code = "already_creator"


@dataclass(frozen=True)
class ChannelOf:
    """One account of his on a platform and how many follow it."""

    channel: Channel
    handle: str
    followers: int


@dataclass(frozen=True)
class CreatorProfile:
    """What a creator states of himself; coordinates are GCJ-02, as rough as he likes, or not given at all."""

    name: str
    city: str
    district: str = ""
    longitude: Decimal | None = None
    latitude: Decimal | None = None
    radius_km: int = 5
    categories: Collection[Category] = ()
    channels: Collection[ChannelOf] = ()

    def values(self) -> dict[str, Any]:
        """The columns of Creator. Raises Invalid(field)."""
        name, city = self.name.strip(), self.city.strip()
        for field, text in (("name", name), ("city", city)):
            if not text or len(text) > 40:
                raise Invalid(field=field, why="length")
        if not 1 <= self.radius_km <= MOST_RADIUS_KM:
            raise Invalid(field="radius_km", why="out_of_range")
        if (self.longitude is None) != (self.latitude is None):
            raise Invalid(field="latitude", why="half")
        if len(self.channels) > MOST_CHANNELS or any(
            not one.handle.strip() or one.followers < 0 for one in self.channels
        ):
            raise Invalid(field="channels", why="unusable")
        return {
            "name": name,
            "city": city,
            "district": self.district.strip(),
            "longitude": self.longitude,
            "latitude": self.latitude,
            "radius_km": self.radius_km,
            "categories": sorted(Category(one) for one in set(self.categories)),
            "channels": [
                {"channel": one.channel, "handle": one.handle.strip(), "followers": one.followers}
                for one in self.channels
            ],
            "followers": max((one.followers for one in self.channels), default=0),
        }


@transaction.atomic
def join_as_creator(*, user: User, profile: CreatorProfile) -> Creator:
    """The user becomes a creator: a party that can be owed commission, whose statements and payouts are his to see.

    Raises Invalid(field), AlreadyCreator.
    """
    values = profile.values()
    party = Party.objects.create(kind=PartyKind.CREATOR, name=values["name"])
    try:
        with transaction.atomic():
            creator = Creator.objects.create(party=party, user=user, **values)
    except IntegrityError as error:
        raise AlreadyCreator from error
    give_grant(user=user, party_id=party.pk, role=Role.OWNER, store_ids=None, why=REASON)
    record_event(verb="creator.join", noun="creator", noun_id=creator.pk, by=user, name=creator.name)
    return creator


@transaction.atomic
def change_profile(*, creator: Creator, profile: CreatorProfile, by: User) -> Creator:
    """What he states from now on; the board goes by it with the next page. Raises Invalid(field)."""
    values = profile.values()
    for field, value in values.items():
        setattr(creator, field, value)
    creator.save(update_fields=list(values))
    Party.objects.filter(pk=creator.pk).update(name=creator.name)
    record_event(verb="creator.change", noun="creator", noun_id=creator.pk, by=by, name=creator.name)
    return creator
