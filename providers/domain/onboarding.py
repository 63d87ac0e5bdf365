"""Bring a new shop in: from the first contact to the first sale. Each step is a fact of the shop, looked up, never ticked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import TextChoices
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import pgettext_lazy
from phonenumber_field.phonenumber import PhoneNumber

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.models import User
from merchants.domain.invitations import invite_first_owner
from merchants.domain.merchants import create_merchant
from merchants.enums import Category
from merchants.models import StaffInvitation
from providers.models import Onboarding, Provider


class OnboardingClosed(DomainError):
    """The shop is open already, or nothing will come of it."""

    code = "onboarding_closed"


class Step(TextChoices):
    """In the order in which they are usually taken; which comes first is not forced."""

    CONTACT = "contact", pgettext_lazy("onboarding", "First contact")
    SHOP = "shop", pgettext_lazy("onboarding", "Shop opened, owner invited")
    OWNER = "owner", pgettext_lazy("onboarding", "Owner signed in")
    ENGAGED = "engaged", pgettext_lazy("onboarding", "Agreement made")
    STORES = "stores", pgettext_lazy("onboarding", "First store")
    DEALS = "deals", pgettext_lazy("onboarding", "First deal written")
    ON_SALE = "on_sale", pgettext_lazy("onboarding", "First deal on sale")
    FIRST_SALE = "first_sale", pgettext_lazy("onboarding", "First sale")


@dataclass(frozen=True)
class Taken:
    """One step: on which day it was taken, and how many days after the first contact; None: not yet."""

    step: Step
    day: date | None
    after_days: int | None


@dataclass(frozen=True)
class Progress:
    steps: list[Taken]

    @property
    def next_step(self) -> Step | None:
        """The first step not taken yet."""
        return next((one.step for one in self.steps if one.day is None), None)

    @property
    def taken(self) -> int:
        return sum(one.day is not None for one in self.steps)

    @property
    def days(self) -> int | None:
        """From the first contact to the first sale; None before it."""
        return self.steps[-1].after_days


_FACTS = """
SELECT o.id, m.created_at,
    (SELECT min(x.created_at) FROM merchants_membership x
     WHERE x.merchant_id = m.party_id AND x.role = 'owner' AND x.is_active),
    (SELECT min(x.active_at) FROM providers_engagement x
     WHERE x.merchant_id = m.party_id AND x.provider_id = o.provider_id),
    (SELECT min(x.created_at) FROM merchants_store x WHERE x.merchant_id = m.party_id),
    (SELECT min(x.created_at) FROM coupons_deal x WHERE x.merchant_id = m.party_id),
    (SELECT min(x.decided_at) FROM coupons_dealreview x WHERE x.merchant_id = m.party_id AND x.approved),
    (SELECT min(x.paid_at) FROM coupons_order x WHERE x.merchant_id = m.party_id AND x.paid_at IS NOT NULL)
FROM providers_onboarding o LEFT JOIN merchants_merchant m ON m.party_id = o.merchant_id
WHERE o.id = ANY(%s)
"""


def read_progress(*, onboardings: Collection[Onboarding]) -> dict[int, Progress]:
    """How far each has come, by its key; one statement however many they are."""
    if not onboardings:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [[one.pk for one in onboardings]])
        facts: dict[int, list[datetime | None]] = {key: moments for key, *moments in cursor.fetchall()}
    return {one.pk: _progress(one, facts[one.pk]) for one in onboardings}


@transaction.atomic
def begin_onboarding(
    *,
    provider: Provider,
    name: str,
    first_contact_date: date,
    by: User,
    contact: str = "",
    city: str = "",
    category: Category = Category.OTHER,
) -> Onboarding:
    """Note a shop somebody spoke to. Raises Invalid(field="first_contact_date") for a day to come."""
    if first_contact_date > timezone.localdate():
        raise Invalid(field="first_contact_date", why="in_future")
    onboarding = Onboarding.objects.create(
        provider=provider, name=name.strip(), contact=contact.strip(), city=city.strip(), category=category,
        first_contact_date=first_contact_date, created_by=by,
    )  # fmt: skip
    _record("onboarding.begin", onboarding, by)
    return onboarding


@transaction.atomic
def open_shop(
    *, onboarding: Onboarding, slug: str, owner_name: str, phone: PhoneNumber, by: User
) -> tuple[StaffInvitation, str]:
    """The shop, without an owner yet, and the link that makes this person its owner: nobody else can work there before.

    Raises OnboardingClosed, SlugTaken.
    """
    onboarding = _lock(onboarding)
    if onboarding.merchant_id is not None or onboarding.given_up_at is not None:
        raise OnboardingClosed
    merchant = create_merchant(slug=slug, name=onboarding.name, category=Category(onboarding.category))
    onboarding.merchant = merchant
    onboarding.save(update_fields=["merchant"])
    record_event(
        verb="shop.open", noun="merchant", noun_id=merchant.pk, by=by, merchant_id=merchant.pk,
        name=merchant.name,
    )  # fmt: skip
    return invite_first_owner(merchant=merchant, name=owner_name, phone=phone, by=by)


@transaction.atomic
def invite_owner_again(
    *, onboarding: Onboarding, owner_name: str, phone: PhoneNumber, by: User
) -> tuple[StaffInvitation, str]:
    """Another link for the owner, of an opened shop that has none yet. Raises OnboardingClosed, AboveOwnPost."""
    onboarding = _lock(onboarding)
    if onboarding.merchant is None:
        raise OnboardingClosed
    return invite_first_owner(merchant=onboarding.merchant, name=owner_name, phone=phone, by=by)


@transaction.atomic
def give_up_onboarding(*, onboarding: Onboarding, by: User) -> None:
    """Nothing will come of it. Raises OnboardingClosed where the shop is open or it was given up before."""
    if not Onboarding.objects.filter(
        pk=onboarding.pk, merchant__isnull=True, given_up_at__isnull=True
    ).update(given_up_at=Now()):
        raise OnboardingClosed
    _record("onboarding.give_up", onboarding, by)


def _progress(onboarding: Onboarding, moments: list[datetime | None]) -> Progress:
    first = onboarding.first_contact_date
    days = [first, *(timezone.localdate(moment) if moment else None for moment in moments)]
    return Progress(
        steps=[
            Taken(step=step, day=day, after_days=(day - first).days if day else None)
            for step, day in zip(Step, days, strict=True)
        ]
    )


def _lock(onboarding: Onboarding) -> Onboarding:
    return (
        Onboarding.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "provider")
        .get(pk=onboarding.pk)
    )


def _record(verb: str, onboarding: Onboarding, by: User) -> None:
    record_event(
        verb=verb, noun="onboarding", noun_id=onboarding.pk, by=by,
        provider=onboarding.provider_id, name=onboarding.name,
    )  # fmt: skip
