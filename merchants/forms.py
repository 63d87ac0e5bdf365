"""What people type about stores, staff and the shop; the domain and the database decide."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from phonenumber_field.formfields import PhoneNumberField

from identity.enums import Role
from identity.models import User
from merchants.access import MerchantAccess, access_stores
from merchants.domain.posts import BOUND_TO_STORES, MAY_APPOINT
from merchants.domain.stores import StoreDetails
from merchants.enums import Category, CoordinateSystem, StoreState
from merchants.models import Store

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~～至]\s*(\d{1,2}):(\d{2})")
STORES_AS_CHECKBOXES = 30  # more are picked from a list
MOST_MINUTES_TO_UNDO = 24 * 60


class StoreFilterForm(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name, number or address")}),
    )
    city = forms.ChoiceField(label=_("City"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *StoreState.choices])

    def __init__(self, *args: Any, cities: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"
        self.fields["city"].choices = [("", _("All")), *((city, city) for city in cities)]  # type: ignore[attr-defined]


class StoreForm(forms.Form):
    name = forms.CharField(label=_("Store name"), max_length=80)
    number = forms.CharField(
        label=_("Store number"),
        max_length=40,
        required=False,
        help_text=_("Your own number, if you have one"),
    )
    province = forms.CharField(label=_("Province"), max_length=40, required=False)
    city = forms.CharField(label=_("City"), max_length=40)
    district = forms.CharField(label=_("District"), max_length=40, required=False)
    address = forms.CharField(label=_("Address"), max_length=200, required=False)
    postcode = forms.CharField(label=_("Postcode"), max_length=12, required=False)
    phone = forms.CharField(
        label=_("Phone"), max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    place = forms.CharField(
        label=_("Coordinates"),
        max_length=60,
        required=False,
        help_text=_("Longitude, latitude, as copied from a map: 121.473701, 31.230416"),
    )
    coordinate_system = forms.ChoiceField(label=_("Coordinates from"), choices=CoordinateSystem.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, day in enumerate(DAYS):
            self.fields[day] = forms.CharField(
                label=WEEKDAYS[number],
                max_length=80,
                required=False,
                widget=forms.TextInput(attrs={"placeholder": "10:00-14:00, 17:00-22:00"}),
            )
        self.fields["mon"].help_text = _("Opening hours; leave empty what is not fixed")

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in DAYS]

    def hour_fields(self) -> list[forms.BoundField]:
        return [self[day] for day in DAYS]

    def clean_place(self) -> tuple[Decimal, Decimal] | None:
        text = self.cleaned_data["place"].strip()
        if not text:
            return None
        parts = re.split(r"[,，;\s]+", text)
        try:
            longitude, latitude = (round(Decimal(part), 6) for part in parts)
            is_on_earth = abs(longitude) <= 180 and abs(latitude) <= 90
        except (InvalidOperation, ValueError) as error:
            raise ValidationError(_("Write two numbers: longitude, latitude.")) from error
        if not is_on_earth:
            raise ValidationError(
                _("Longitude comes first, from −180 to 180; then latitude, from −90 to 90.")
            )
        return longitude, latitude

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        hours: dict[str, list[list[str]]] = {}
        for day in DAYS:
            spans = self._spans(day, cleaned.get(day) or "")
            if spans:
                hours[day] = spans
        cleaned["hours"] = hours
        return cleaned

    def _spans(self, day: str, text: str) -> list[list[str]]:
        spans = []
        for part in re.split(r"[,，;；]", text):
            if not part.strip():
                continue
            match = SPAN.fullmatch(part.strip())
            if not match or not (
                int(match[1]) < 24 and int(match[3]) <= 24 and int(match[2]) < 60 > int(match[4])
            ):
                self.add_error(day, _("Write hours like 10:00-22:00."))
                return []
            spans.append([f"{int(match[1]):02d}:{match[2]}", f"{int(match[3]):02d}:{match[4]}"])
        return spans

    def details(self, *, country: str = "CN") -> StoreDetails:
        """What was typed, for the domain."""
        data = self.cleaned_data
        longitude, latitude = data["place"] or (None, None)
        texts = ("name", "number", "province", "city", "district", "address", "postcode", "phone")
        return StoreDetails(
            **{name: data[name] for name in texts},
            country=country,
            longitude=longitude,
            latitude=latitude,
            coordinate_system=data["coordinate_system"],
            hours=data["hours"],
        )

    @staticmethod
    def initial_of(store: Store) -> dict[str, Any]:
        """What the form shows for a store."""
        names = ("name", "number", "province", "city", "district", "address", "postcode", "phone")
        place = "" if store.longitude is None else f"{store.longitude}, {store.latitude}"
        hours = {day: ", ".join("-".join(span) for span in spans) for day, spans in store.hours.items()}
        return {
            **{name: getattr(store, name) for name in names},
            "place": place,
            "coordinate_system": store.coordinate_system,
            **hours,
        }


class StoreFileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or Excel (.xlsx), at most 20 MB and 20,000 rows; the first row names the columns"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.gz"}),
    )


class _StoreChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Store) -> str:
        return f"{obj.name} · {obj.city}" if obj.city else obj.name


class PostForm(forms.Form):
    """A post and its stores; offers only what the asker may give."""

    role = forms.ChoiceField(label=_("Post"), widget=forms.RadioSelect)
    stores = _StoreChoices(
        label=_("Stores"),
        queryset=None,  # set per reader: stores are known only inside a shop
        required=False,
        help_text=_(
            "A clerk works in the stores chosen here; a manager without a choice is in charge of all."
        ),
    )

    def __init__(self, *args: Any, access: MerchantAccess, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        may_give = MAY_APPOINT[access.post]
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            (value, label) for value, label in Role.choices if value in may_give
        ]
        stores = access_stores(access=access)
        self.fields["stores"].queryset = stores  # type: ignore[attr-defined]
        self.fields["stores"].widget.attrs["size"] = 10
        if stores.count() <= STORES_AS_CHECKBOXES:
            self.fields["stores"].widget = forms.CheckboxSelectMultiple(choices=self.fields["stores"].choices)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") == Role.CLERK and not cleaned.get("stores"):
            self.add_error("stores", _("Choose the stores this clerk works in."))
        if cleaned.get("role") not in BOUND_TO_STORES:
            cleaned["stores"] = []
        return cleaned


class InvitationForm(PostForm):
    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=40)
    phone = PhoneNumberField(label=_("Phone"), region="CN")
    field_order = ("name", "phone", "role", "stores")


class NewAccountForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 10 characters, not only digits"),
    )
    again = forms.CharField(
        label=_("Password once more"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if password:
            try:
                password_validation.validate_password(password, user=User(name=cleaned.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
            if cleaned.get("again") and cleaned["again"] != password:
                self.add_error("again", _("The two passwords differ."))
        return cleaned


class MerchantForm(forms.Form):
    name = forms.CharField(label=_("Name of the shop"), max_length=80)
    category = forms.ChoiceField(
        label=_("Trade"),
        choices=Category.choices,
        help_text=_("Creators find your tasks by it, and territories are agreed in it."),
    )
    minutes_to_undo = forms.IntegerField(
        label=_("Minutes in which a redemption can be undone"),
        min_value=0,
        max_value=MOST_MINUTES_TO_UNDO,
        help_text=_("Money is settled only afterwards. 60 is usual; 0 means never."),
    )
