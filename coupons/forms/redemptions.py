"""Filters of the redemption records, the reason of an undo, the search over coupons."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from coupons.access import access_deals
from coupons.enums import CouponState
from identity.models import User
from merchants.access import MerchantAccess, access_stores
from merchants.models import Membership

DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31))]
MANY = 200  # beyond this a select is no help


class RedemptionFilter(forms.Form):
    """`from_date` to `until_date` are business days, both included."""

    from_date = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        validators=DAYS,
    )
    until_date = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        validators=DAYS,
    )
    clerk = forms.ModelChoiceField(
        label=_("Clerk"), queryset=User.objects.none(), required=False, empty_label=_("Everybody")
    )

    state = forms.CharField(
        required=False, max_length=10, widget=forms.HiddenInput
    )  # the tab; kept when filtering

    def __init__(self, *args: Any, access: MerchantAccess, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["store"] = _choice(
            access_stores(access=access), _("Store"), _("All stores"), _("Store name or number")
        )
        self.fields["clerk"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            pk__in=Membership.objects.values("user_id")
        ).order_by("name", "pk")
        self.order_fields(["from_date", "until_date", "store", "clerk"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("from_date"), values.get("until_date")
        if first and last and last < first:
            self.add_error(
                "until_date", ValidationError(_("This day is before the first one."), code="order")
            )
        return values


class UndoForm(forms.Form):
    """An undo from the office says why; the owner reads it in the timeline."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=2,
        max_length=200,
        help_text=_("Kept in the timeline, such as: scanned by mistake, the customer ate nothing."),
    )


class CouponSearch(forms.Form):
    """One box for a code, an order number or the last four digits of a phone."""

    q = forms.CharField(
        label=_("Code, order number or last four digits of the phone"),
        required=False,
        max_length=60,
        widget=forms.TextInput({"type": "search", "inputmode": "numeric", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All states")), *CouponState.choices]
    )

    def __init__(self, *args: Any, access: MerchantAccess, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["deal"] = _choice(
            access_deals(access=access), _("Deal"), _("All deals"), _("Deal's name")
        )


def _choice(
    objects: "QuerySet[Any]", label: str | Promise, everything: str | Promise, text_label: str | Promise
) -> forms.Field:
    """A select, or for a merchant with very many of them a field for a part of the name."""
    if len(objects.values_list("pk")[: MANY + 1]) > MANY:
        return forms.CharField(label=text_label, required=False, max_length=60)
    return forms.ModelChoiceField(label=label, queryset=objects, required=False, empty_label=everything)
