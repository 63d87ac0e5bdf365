"""What people at providers, and merchants about them, type; the domain and the database decide."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from phonenumber_field.formfields import PhoneNumberField

from identity.enums import Role, Scope
from merchants.enums import Category
from merchants.models import Store
from providers.domain.clients import Client
from providers.domain.engagements import BY_STORE, MOST_SERVICE_FEE_BPS
from providers.models import EngagementOffer, Provider

MOST_STORES_TO_TICK = 200


class ClientFilterForm(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name of the shop")}),
    )
    show = forms.ChoiceField(
        label=pgettext_lazy("clients", "Show"),
        required=False,
        choices=[
            ("", _("All clients")),
            ("todo", _("With something to do")),
            ("alert", _("With an alert")),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"

    def choose(self, clients: Sequence[Client]) -> list[Client]:
        """Those the reader asked for; nonsense asks for all."""
        asked = self.cleaned_data if self.is_valid() else {}
        words = asked.get("q", "").strip().lower()
        chosen = [one for one in clients if words in one.engagement.merchant.name.lower()]
        if asked.get("show") == "todo":
            return [one for one in chosen if one.todos]
        if asked.get("show") == "alert":
            return [one for one in chosen if one.alerts]
        return chosen


class OfferForm(forms.Form):
    """What is offered: what may be done, where, for which fee, at least how long."""

    scopes = forms.MultipleChoiceField(
        label=_("What the provider may do"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    stores = forms.TypedMultipleChoiceField(
        label=_("Stores"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "None ticked: the whole shop. Only stores, orders and redemptions, refunds and phone numbers can be "
            "granted for some stores."
        ),
    )
    percent = forms.DecimalField(
        label=_("Service fee, percent of what is redeemed"),
        min_value=0,
        max_value=Decimal(MOST_SERVICE_FEE_BPS) / 100,
        decimal_places=2,
        max_digits=5,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )
    at_least_until = forms.DateField(
        label=_("At least until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_(
            "If the merchant ends it earlier, the fee runs on until that day. Empty: no length is agreed."
        ),
    )
    note = forms.CharField(
        label=_("A word to the other side"),
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, stores: Sequence[Store], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (store.pk, f"{store.name} · {store.city}" if store.city else store.name) for store in stores
        ]
        self.fields["stores"].choices = choices  # type: ignore[attr-defined]

    def clean_at_least_until(self) -> Any:
        day = self.cleaned_data["at_least_until"]
        if day and day < timezone.localdate():
            raise forms.ValidationError(_("Choose a day that is still to come."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("stores") and not {Scope(one) for one in cleaned.get("scopes", [])} <= BY_STORE:
            self.add_error(
                "stores",
                _("For some stores only, grant nothing but stores, redemptions, refunds and phones."),
            )
        return cleaned

    def offered(self) -> dict[str, Any]:
        """What was typed, as the domain takes it."""
        data = self.cleaned_data
        return {
            "scopes": [Scope(one) for one in data["scopes"]],
            "store_ids": data["stores"] or None,
            "service_fee_bps": int(data["percent"] * 100),
            "at_least_until": data["at_least_until"],
            "note": data["note"].strip(),
        }

    @staticmethod
    def initial_of(offer: EngagementOffer) -> dict[str, Any]:
        """What the form shows of an offer made before."""
        return {
            "scopes": offer.scopes,
            "stores": offer.store_ids or [],
            "percent": (Decimal(offer.service_fee_bps) / 100).normalize().__format__("f"),
            "at_least_until": offer.at_least_until,
        }


class _ProviderChoices(forms.ModelChoiceField):
    def label_from_instance(self, obj: Provider) -> str:
        return f"{obj.name} · {obj.city}" if obj.city else obj.name


class PartnerForm(OfferForm):
    """The same to a provider of the merchant's choice."""

    provider = _ProviderChoices(label=_("Service provider"), queryset=Provider.objects.order_by("name", "pk"))
    field_order = ("provider",)


class NarrowForm(forms.Form):
    """What stays granted; offers only what is granted now."""

    scopes = forms.MultipleChoiceField(
        label=_("Stays granted"), required=False, widget=forms.CheckboxSelectMultiple
    )
    stores = forms.TypedMultipleChoiceField(
        label=_("Stores"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: as now."),
    )

    def __init__(self, *args: Any, scopes: Sequence[str], stores: Sequence[Store], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(one, Scope(one).label) for one in Scope if one in scopes]  # type: ignore[attr-defined]
        self.fields["stores"].choices = [(store.pk, store.name) for store in stores]  # type: ignore[attr-defined]


class ShopSearchForm(forms.Form):
    """The shop a provider wants to serve, by the short name of its address."""

    shop = forms.SlugField(
        label=_("Short name of the shop"),
        max_length=60,
        help_text=_("As in the address of its pages: /h5/short-name/"),
    )


class ProviderInvitationForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=40)
    phone = PhoneNumberField(label=_("Phone"), region="CN")
    role = forms.ChoiceField(
        label=_("Post"),
        widget=forms.RadioSelect,
        choices=[(one.value, one.label) for one in (Role.OWNER, Role.MANAGER, Role.FINANCE)],
    )


class ProviderPostForm(forms.Form):
    role = forms.ChoiceField(
        label=_("Post"),
        widget=forms.RadioSelect,
        choices=[(one.value, one.label) for one in (Role.OWNER, Role.MANAGER, Role.FINANCE)],
    )


class ProspectForm(forms.Form):
    """Somebody who may become a client."""

    name = forms.CharField(label=_("Name of the shop"), max_length=80)
    contact = forms.CharField(
        label=_("Who we speak to"), max_length=80, required=False, help_text=_("Name and how to reach him")
    )
    city = forms.CharField(label=_("City"), max_length=40, required=False)
    category = forms.ChoiceField(label=_("Trade"), choices=Category.choices)
    first_contact_date = forms.DateField(
        label=_("First contact"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean_first_contact_date(self) -> Any:
        day = self.cleaned_data["first_contact_date"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("The first contact was today at the latest."))
        return day


class OwnerLinkForm(forms.Form):
    """The first owner of a new shop."""

    owner_name = forms.CharField(label=_("Name of the owner"), max_length=40)
    phone = PhoneNumberField(label=_("Phone of the owner"), region="CN")


class OpenShopForm(OwnerLinkForm):
    """The shop of a new client and its first owner."""

    slug = forms.SlugField(
        label=_("Short name in addresses"),
        max_length=60,
        help_text=_("Small letters, digits and hyphens; it cannot be changed later."),
    )
    field_order = ("slug", "owner_name", "phone")

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower().replace("_", "-")
