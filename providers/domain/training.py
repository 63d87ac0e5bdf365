"""What stations learn before they open: the provider's list, done by the station, passed by somebody else of the provider."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.models import User
from providers.models import Provider, Station, TrainingCompletion, TrainingItem


class NotDone(DomainError):
    """The station has not said that it is done, or it was passed before."""

    code = "training_not_done"


class PassedByHimself(DomainError):
    """Who did it does not pass it."""

    code = "training_by_oneself"


@dataclass(frozen=True)
class Point:
    """One item as a station stands with it."""

    item: TrainingItem
    completion: TrainingCompletion | None

    @property
    def is_passed(self) -> bool:
        return self.completion is not None and self.completion.passed_at is not None


@transaction.atomic
def add_training_item(*, provider: Provider, title: str, how: str = "", by: User) -> TrainingItem:
    """Asked of every station that has not opened yet. Raises Invalid(field="title")."""
    title = title.strip()
    if not title or len(title) > 80:
        raise Invalid(field="title", why="length")
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=provider.pk)
    item = TrainingItem.objects.create(provider=provider, title=title, how=how.strip())
    record_event(verb="training.add", noun="provider", noun_id=provider.pk, by=by, title=title)
    return item


@transaction.atomic
def retire_training_item(*, item: TrainingItem, by: User) -> None:
    """Asked of nobody any more; what was passed stays known."""
    if TrainingItem.objects.filter(pk=item.pk, retired_at__isnull=True).update(retired_at=Now()):
        record_event(
            verb="training.retire", noun="provider", noun_id=item.provider_id, by=by, title=item.title
        )


@transaction.atomic
def report_done(*, station: Station, item: TrainingItem, by: User) -> TrainingCompletion:
    """The station says it has learned this; saying so again changes nothing. Raises Invalid(field="item")."""
    if item.provider_id != station.provider_id or item.retired_at is not None:
        raise Invalid(field="item", why="not_asked")
    completion, is_new = TrainingCompletion.objects.get_or_create(
        station=station, item=item, defaults={"done_by": by}
    )
    if is_new:
        _record("training.done", station, item, by)
    return completion


@transaction.atomic
def pass_training(*, station: Station, item: TrainingItem, by: User) -> None:
    """Somebody of the provider found it learned. Raises NotDone, PassedByHimself."""
    completion = TrainingCompletion.objects.filter(station=station, item=item, passed_at__isnull=True).first()
    if completion is None:
        raise NotDone
    if completion.done_by_id == by.pk:
        raise PassedByHimself
    if not TrainingCompletion.objects.filter(pk=completion.pk, passed_at__isnull=True).update(
        passed_by=by, passed_at=Now()
    ):
        raise NotDone
    _record("training.pass", station, item, by)


@transaction.atomic
def send_back_training(*, station: Station, item: TrainingItem, by: User) -> None:
    """Not learned yet: the station does it again. Raises NotDone, also for what was passed."""
    done = TrainingCompletion.objects.filter(station=station, item=item, passed_at__isnull=True)
    if not done.delete()[0]:
        raise NotDone
    _record("training.send_back", station, item, by)


def list_points(*, station: Station) -> list[Point]:
    """What is asked, and what of that is done; after a station opened, what it had passed."""
    completions = {one.item_id: one for one in station.completions.select_related("done_by", "passed_by")}
    items = TrainingItem.objects.filter(provider=station.provider_id).filter(
        Q(retired_at__isnull=True) | Q(pk__in=list(completions))
    )
    if station.opened_at is not None:
        items = items.filter(created_at__lte=station.opened_at)
    return [Point(item, completions.get(item.pk)) for item in items.order_by("id")]


def count_unpassed(*, station: Station) -> int:
    """How many items asked now are not passed."""
    return (
        TrainingItem.objects.filter(provider=station.provider_id, retired_at__isnull=True)
        .exclude(completions__in=station.completions.filter(passed_at__isnull=False))
        .count()
    )


def _record(verb: str, station: Station, item: TrainingItem, by: User) -> None:
    record_event(
        verb=verb, noun="station", noun_id=station.pk, by=by, provider=station.provider_id, title=item.title
    )
