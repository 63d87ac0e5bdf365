"""What is typed about stations; the domain decides."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from phonenumber_field.formfields import PhoneNumberField

from identity.enums import Role
from identity.models import User
from merchants.enums import Category
from merchants.models import Merchant
from merchants.places.areas import list_cities, list_districts
from providers.domain.station_merchants import MOST_SHARE_BPS
from providers.models import Station, StationMerchant, TrainingItem


class _PersonField(PhoneNumberField):  # type: ignore[misc]
    """The phone of somebody who signs in here; gives the user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(region="CN", **kwargs)

    def clean(self, value: Any) -> User | None:
        phone = super().clean(value)
        if not phone:
            return None
        user = User.objects.filter(phone=phone, is_active=True).first()
        if user is None:
            raise ValidationError(_("Nobody signs in here with this phone yet."))
        return user


class StationForm(forms.Form):
    name = forms.CharField(label=_("Name of the station"), max_length=80)
    city = forms.ChoiceField(label=_("City"))
    owner = _PersonField(label=_("Phone of who leads it"), help_text=_("Somebody who signs in here already."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].choices = [  # type: ignore[attr-defined]
            ("", "—"), *((city.code, city.name) for city in list_cities())
        ]  # fmt: skip


class TerritoryForm(forms.Form):
    categories = forms.MultipleChoiceField(
        label=_("Trades"), choices=Category.choices, widget=forms.CheckboxSelectMultiple
    )
    districts = forms.MultipleChoiceField(
        label=_("Districts"), required=False, help_text=_("None chosen: the whole city.")
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._city = station.city_code
        self.fields["districts"].choices = [  # type: ignore[attr-defined]
            (area.code, area.name) for area in list_districts(station.city_code)
        ]
        self.fields["districts"].widget.attrs["size"] = 8

    def areas(self) -> list[str]:
        """The codes chosen."""
        return self.cleaned_data["districts"] or [self._city]


class TrainingItemForm(forms.Form):
    title = forms.CharField(
        label=pgettext_lazy("training", "What has to be learned"),
        max_length=TrainingItem._meta.get_field("title").max_length,
    )
    how = forms.CharField(
        label=pgettext_lazy("training", "How it is shown"),
        max_length=TrainingItem._meta.get_field("how").max_length,
        required=False,
    )


class OfferForm(forms.Form):
    """The shop is named by its short name, as it stands in its addresses."""

    shop = forms.SlugField(
        label=_("Short name of the shop"), max_length=60, help_text=_("As in its addresses: /s/name/")
    )
    share = forms.DecimalField(
        label=_("Station share, %"), min_value=0, max_value=MOST_SHARE_BPS // 100, decimal_places=2
    )
    note = forms.CharField(
        label=pgettext_lazy("station", "What the station does"),
        max_length=StationMerchant._meta.get_field("note").max_length,
        required=False,
    )

    def clean_shop(self) -> Merchant:
        merchant = (
            Merchant.objects.filter(slug=self.cleaned_data["shop"], shadow_of__isnull=True)
            .select_related("party")
            .first()
        )
        if merchant is None:
            raise ValidationError(_("There is no shop with this short name."))
        return merchant

    def share_bps(self) -> int:
        return int(self.cleaned_data["share"] * 100)


class StationPostForm(forms.Form):
    person = _PersonField(label=_("Phone"), help_text=_("Somebody who signs in here already."))
    role = forms.ChoiceField(
        label=pgettext_lazy("staff", "Post"),
        choices=[(role.value, role.label) for role in Role if role != Role.CLERK],
    )
