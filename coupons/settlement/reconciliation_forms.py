"""What the merchant's finance gives and answers in reconciliation."""

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.settlement.models import Break


class DayFilter(forms.Form):
    """?state=open narrows to days with open differences; anything else shows all."""

    state = forms.ChoiceField(choices=[("", _("All")), ("open", _("To be answered"))], required=False)


class BillFileForm(forms.Form):
    file = forms.FileField(
        label=_("Bill of the payment provider"),
        help_text=_("CSV or Excel (.xlsx), at most 20 MB and 20,000 rows; the first row names the columns"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.gz"}),
    )


class ConfirmBillForm(forms.Form):
    replaces = forms.BooleanField(
        label=_("The provider has corrected its bill: this file replaces the earlier ones of these days"),
        required=False,
    )


class ExplainForm(forms.Form):
    prefix = "explain"
    explanation = forms.CharField(
        label=_("Why it is right as it is"),
        help_text=_("Who was asked, and what was answered. It cannot be changed afterwards."),
        max_length=Break._meta.get_field("explanation").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AdjustForm(forms.Form):
    prefix = "adjust"
    explanation = forms.CharField(
        label=_("Why the provider is right"),
        help_text=_("Who was asked, and what was answered. It cannot be changed afterwards."),
        max_length=Break._meta.get_field("explanation").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    agreed = forms.BooleanField(label=_("I have compared the provider's bill, and this entry is to be made"))
