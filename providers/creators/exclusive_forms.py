"""What is typed about an exclusive right; the domain decides."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_scopes import scope

from coupons.enums import DealState
from coupons.models import Deal
from identity.models import Party
from merchants.access import MerchantAccess
from merchants.models import Store
from merchants.places.areas import Area, find_area, name_in_full
from providers.creators.domain.exclusivities import MOST_HOLDERS
from providers.creators.models import Exclusivity
from providers.domain.granting import IN_FORCE

DEALS_OFFERED = 200
ON_SHELF = (DealState.ONLINE, DealState.PAUSED, DealState.IN_REVIEW, DealState.DRAFT)


class _DealChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Deal) -> str:
        return obj.title


class _HolderChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Party) -> str:
        return f"{obj.name} · {obj.get_kind_display()}"


class ExclusivityForm(forms.Form):
    """Offered are the shop's deals, where it has stores, and whom it works with."""

    deal = _DealChoice(label=_("Deal"), queryset=None, required=False, empty_label=_("All deals of the shop"))
    area = forms.ChoiceField(label=pgettext_lazy("territory", "Area"), required=False)
    first_day = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(
        label=pgettext_lazy("exclusivity", "To (the whole day)"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    holders = _HolderChoices(
        label=_("Who alone may carry it"),
        queryset=None,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Creators you work with; of a provider: whoever takes a task that provider publishes."),
    )
    note = forms.CharField(
        label=pgettext_lazy("exclusivity", "Why"),
        max_length=Exclusivity._meta.get_field("note").max_length,
        required=False,
    )

    def __init__(self, *args: Any, access: MerchantAccess, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._zone = access.merchant.tzinfo
        with scope(merchant=access.merchant.pk):
            deals = Deal.objects.filter(state__in=ON_SHELF).order_by("-id")
        self.fields["deal"].queryset = deals  # type: ignore[attr-defined]
        self.fields["area"].choices = [  # type: ignore[attr-defined]
            ("", _("Everywhere")), *((area.code, name_in_full(area)) for area in _areas(access))
        ]  # fmt: skip
        self.fields["holders"].queryset = possible_holders(access=access)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day comes after the first."))
        if len(cleaned.get("holders") or ()) > MOST_HOLDERS:
            self.add_error("holders", _("At most 50."))
        return cleaned

    def period(self) -> tuple[datetime, datetime]:
        """From the first day's begin until the last day is over, in the shop's zone."""
        data = self.cleaned_data
        return (
            datetime.combine(data["first_day"], time.min, tzinfo=self._zone),
            datetime.combine(data["last_day"] + timedelta(days=1), time.min, tzinfo=self._zone),
        )


def possible_holders(*, access: MerchantAccess) -> "QuerySet[Party]":
    """Who may be named: providers that serve the shop and creators that took a place in one of its tasks; for who acts for
    a provider, that provider."""
    if access.for_party is not None:
        return Party.objects.filter(pk=access.for_party.pk)
    merchant = access.merchant.pk
    engaged = Party.objects.filter(
        provider__engagements__merchant=merchant, provider__engagements__state__in=IN_FORCE
    )
    carrying = Party.objects.filter(creator__claims__merchant=merchant)
    return Party.objects.filter(pk__in=engaged.union(carrying).values("pk")).order_by("kind", "name", "id")


def _areas(access: MerchantAccess) -> list[Area]:
    """The districts its stores are in, and their cities."""
    with scope(merchant=access.merchant.pk):
        places = set(Store.objects.values_list("city", "district"))
    found = {find_area(city=city, district=district) for city, district in places}
    found |= {find_area(city=city) for city, _district in places}
    return sorted((area for area in found if area), key=lambda area: (area.first, -area.end))
