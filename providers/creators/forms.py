"""What creators type about themselves and their work, and merchants about their tasks."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.access import access_deals
from coupons.domain.entrances import SELLING
from coupons.models import Deal
from merchants.access import MerchantAccess, access_stores
from merchants.domain.coordinates import to_gcj02
from merchants.enums import Category
from providers.creators.domain.claims import REASON_LENGTH
from providers.creators.domain.creators import ChannelOf, CreatorProfile
from providers.creators.domain.tasks import MOST_PLACES, TaskPlan
from providers.creators.enums import Channel, TaskKind
from providers.creators.models import Creator, CreatorTask

CHANNEL_ROWS = 3
RADII_KM = (1, 3, 5, 10, 20, 50, 100)
OFFERED = 200
NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
MOMENT = "%Y-%m-%dT%H:%M"


class PlaceForm(forms.Form):
    """Where somebody is, from his device or typed; what a GPS says is put on the map all others are on."""

    longitude = forms.DecimalField(label=_("Longitude"), required=False, min_value=-180, max_value=180)
    latitude = forms.DecimalField(label=_("Latitude"), required=False, min_value=-90, max_value=90)
    gps = forms.BooleanField(required=False, widget=forms.HiddenInput)

    @property
    def place(self) -> tuple[Decimal, Decimal] | None:
        """GCJ-02, to about a hundred metres; None where none was given."""
        longitude, latitude = self.cleaned_data.get("longitude"), self.cleaned_data.get("latitude")
        if longitude is None or latitude is None:
            return None
        if self.cleaned_data.get("gps"):
            longitude, latitude = to_gcj02(longitude=longitude, latitude=latitude)
        thousandth = Decimal("0.001")
        return longitude.quantize(thousandth), latitude.quantize(thousandth)


class ProfileForm(PlaceForm):
    name = forms.CharField(label=_("Name"), max_length=40, help_text=_("As your followers know you."))
    city = forms.CharField(label=_("City"), max_length=40)
    district = forms.CharField(label=_("District"), max_length=40, required=False)
    radius_km = forms.TypedChoiceField(
        label=_("As far as"),
        coerce=int,
        initial=5,
        choices=[(km, format_lazy("{} {}", km, pgettext_lazy("unit", "km"))) for km in RADII_KM],
    )
    categories = forms.MultipleChoiceField(
        label=_("What you like to show"),
        choices=Category.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Any = None, *, creator: Creator | None = None, name: str = "") -> None:
        super().__init__(data, initial=_initial_profile(creator) if creator else {"name": name})
        for row in range(CHANNEL_ROWS):
            self.fields[f"channel_{row}"] = forms.ChoiceField(
                label=_("Channel"), required=False, choices=[("", "—"), *Channel.choices]
            )
            self.fields[f"handle_{row}"] = forms.CharField(label=_("Account"), required=False, max_length=60)
            self.fields[f"followers_{row}"] = forms.IntegerField(
                label=_("Followers"), required=False, min_value=0, max_value=1_000_000_000
            )

    @property
    def channel_rows(self) -> list[tuple[Any, Any, Any]]:
        return [
            (self[f"channel_{row}"], self[f"handle_{row}"], self[f"followers_{row}"])
            for row in range(CHANNEL_ROWS)
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for row in range(CHANNEL_ROWS):
            if values.get(f"channel_{row}") and not (values.get(f"handle_{row}") or "").strip():
                self.add_error(f"handle_{row}", _("Which account there?"))
        if (values.get("longitude") is None) != (values.get("latitude") is None):
            self.add_error("latitude", _("Write both numbers or none."))
        return values

    def profile(self) -> CreatorProfile:
        values = self.cleaned_data
        longitude, latitude = self.place or (None, None)
        return CreatorProfile(
            name=values["name"],
            city=values["city"],
            district=values["district"],
            longitude=longitude,
            latitude=latitude,
            radius_km=values["radius_km"],
            categories=[Category(one) for one in values["categories"]],
            channels=[
                ChannelOf(
                    Channel(values[f"channel_{row}"]),
                    values[f"handle_{row}"],
                    values[f"followers_{row}"] or 0,
                )
                for row in range(CHANNEL_ROWS)
                if values[f"channel_{row}"]
            ],
        )


class BoardForm(PlaceForm):
    """How the board is narrowed; what makes no sense narrows nothing."""

    sort = forms.ChoiceField(
        required=False,
        choices=[
            ("suits", _("For you")),
            ("near", _("Nearest")),
            ("commission", _("Highest commission")),
            ("closing", _("Closing soon")),
        ],
    )
    kind = forms.ChoiceField(required=False, choices=[("", _("All")), *TaskKind.choices])
    category = forms.ChoiceField(required=False, choices=[("", _("All")), *Category.choices])
    radius = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, choices=[("", ""), *((km, km) for km in RADII_KM)]
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=pgettext_lazy("claim", "Why"),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The creator reads it."),
    )


class ProofForm(forms.Form):
    proof_url = forms.CharField(
        label=_("Address of the video or stream"),
        max_length=400,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )


class TaskForm(forms.Form):
    """A task as its publisher types it; the commission in per cent."""

    deal_id = forms.TypedChoiceField(label=_("Deal"), coerce=int)
    store_id = forms.TypedChoiceField(
        label=_("Store to visit"), coerce=int, help_text=_("Creators near this store see the task first.")
    )
    title = forms.CharField(label=pgettext_lazy("task", "What to do"), max_length=60)
    brief = forms.CharField(
        label=pgettext_lazy("task", "What matters"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What has to be seen or said, how long, until when."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=TaskKind.choices)
    commission = forms.DecimalField(
        label=_("Commission (%)"),
        min_value=0,
        max_value=50,
        decimal_places=2,
        initial=8,
        help_text=_("Of what customers who came by the creator's link really use."),
    )
    quota = forms.IntegerField(
        label=pgettext_lazy("task", "Places"), min_value=1, max_value=MOST_PLACES, initial=5
    )
    min_followers = forms.IntegerField(
        label=_("Followers at least"), min_value=0, max_value=100_000_000, initial=0, required=False
    )
    sample = forms.BooleanField(label=_("The visit is free for the creator"), required=False)
    opens_at = forms.DateTimeField(
        label=_("Open from"), widget=forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"})
    )
    closes_at = forms.DateTimeField(
        label=_("Open until"), widget=forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"})
    )
    targeted = forms.CharField(
        label=_("Only for"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Creator numbers, as they stand in the creators' profiles. Empty: open to everybody."),
    )

    def __init__(self, data: Any = None, *, access: MerchantAccess, task: CreatorTask | None = None) -> None:
        super().__init__(data, initial=_initial_task(task))
        deals = access_deals(access=access).filter(audience__isnull=True)
        offered = deals.filter(state__in=SELLING) | deals.filter(pk=task.deal_id if task else 0)
        self._deals: list[Deal] = list(offered.order_by("-id")[:OFFERED])
        self.fields["deal_id"].choices = [(deal.pk, deal.title) for deal in self._deals]  # type: ignore[attr-defined]
        self.fields["store_id"].choices = [  # type: ignore[attr-defined]
            (store.pk, store.name) for store in access_stores(access=access, only_open=True)[:OFFERED]
        ]

    @property
    def has_deals(self) -> bool:
        return bool(self._deals)

    def clean_targeted(self) -> list[int]:
        words = re.split(r"[\s,，、;；]+", self.cleaned_data["targeted"].strip())
        wrong = [word for word in words if word and not NUMBER.fullmatch(word)]
        keys = {int(word) for word in words if word and not wrong}
        known = set(Creator.objects.filter(pk__in=keys).values_list("pk", flat=True))
        wrong += [str(key) for key in keys - known]
        if wrong:
            raise ValidationError(_("No creator has the number %(number)s.") % {"number": wrong[0]})
        return sorted(known)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if (begin := values.get("opens_at")) and (end := values.get("closes_at")) and end <= begin:
            self.add_error("closes_at", _("The end must be after the beginning."))
        return values

    def plan(self) -> TaskPlan:
        values = self.cleaned_data
        return TaskPlan(
            **{
                name: values[name]
                for name in (
                    "deal_id",
                    "store_id",
                    "title",
                    "brief",
                    "quota",
                    "sample",
                    "opens_at",
                    "closes_at",
                )
            },
            kind=TaskKind(values["kind"]),
            commission_bps=int(values["commission"] * 100),
            min_followers=values["min_followers"] or 0,
            targeted=values["targeted"],
        )


class ExtendForm(forms.Form):
    """More places or more time for a task that is open."""

    quota = forms.IntegerField(label=pgettext_lazy("task", "Places"), min_value=1, max_value=MOST_PLACES)
    closes_at = forms.DateTimeField(
        label=_("Open until"), widget=forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"})
    )


def _initial_profile(creator: Creator) -> dict[str, Any]:
    names = ("name", "city", "district", "radius_km", "categories", "longitude", "latitude")
    values = {name: getattr(creator, name) for name in names}
    for row, one in enumerate(creator.channels[:CHANNEL_ROWS]):
        values |= {f"{key}_{row}": one[key] for key in ("channel", "handle", "followers")}
    return values


def _initial_task(task: CreatorTask | None) -> dict[str, Any]:
    if task is None:
        now = timezone.localtime().replace(minute=0, second=0, microsecond=0)
        return {"opens_at": now, "closes_at": (now + timedelta(days=14)).replace(hour=22)}
    names = (
        "deal_id", "store_id", "title", "brief", "kind", "quota", "min_followers", "sample", "opens_at", "closes_at"
    )  # fmt: skip
    values = {name: getattr(task, name) for name in names}
    return values | {
        "commission": Decimal(task.commission_bps) / 100,
        "targeted": "\n".join(str(key) for key in task.targeted.values_list("pk", flat=True)),
    }
