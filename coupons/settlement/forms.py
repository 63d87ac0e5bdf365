"""What a merchant answers to a statement."""

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.settlement.enums import StatementState
from coupons.settlement.models import Statement


class DisputeForm(forms.Form):
    reason = forms.CharField(
        label=_("What is wrong"),
        help_text=_(
            "Mark the lines it is about under “By coupon”, or name the store and the day. The platform's operator reads it."
        ),
        max_length=Statement._meta.get_field("dispute_reason").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class StatementFilter(forms.Form):
    """?state=; anything else shows all."""

    state = forms.ChoiceField(choices=[("", _("All")), *StatementState.choices], required=False)
