"""What people type about being paid."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.errors import Invalid
from coupons.settlement.domain.bank_accounts import clean_number
from coupons.settlement.models import BankAccount


class BankAccountForm(forms.Form):
    """The number is typed twice: what is sent to a wrong account does not come back by itself."""

    holder = forms.CharField(
        label=_("Account holder"),
        help_text=_("As the bank has it: the company's full name, or the person's"),
        max_length=BankAccount._meta.get_field("holder").max_length,
    )
    bank = forms.CharField(
        label=_("Bank and branch"), max_length=BankAccount._meta.get_field("bank").max_length
    )
    number = forms.CharField(
        label=_("Account number"),
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    number_again = forms.CharField(
        label=_("Account number once more"),
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_number(self) -> str:
        try:
            return clean_number(self.cleaned_data["number"])
        except Invalid as error:
            raise ValidationError(
                _("Write the 8 to 34 digits of the account; blanks do not matter."), code="number"
            ) from error

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        number, again = values.get("number"), values.get("number_again")
        if number and again:
            try:
                same = clean_number(again) == number
            except Invalid:
                same = False
            if not same:
                self.add_error("number_again", _("The two numbers differ."))
        return values
