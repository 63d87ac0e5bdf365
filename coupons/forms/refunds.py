"""What the merchant says when he decides about a refund, gives money back himself, or recalls a deal."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.forms import FenField
from coupons.enums import RefundCause
from coupons.models import Refund

OWN_WORDS = ""
AGREE_SENTENCES = [
    _("We are sorry; part of it was not as it should be."),
    _("We agreed on this amount at the counter."),
]
REJECT_SENTENCES = [
    _("It was served in full, and nothing was said at the counter."),
    _("We made up for it at once, and you agreed."),
    _("Our records show another visit than you describe."),
]
GIVE_SENTENCES = [
    _("We are sorry for what went wrong."),
    _("Something was missing from what you paid for."),
    _("We agreed on this amount at the counter."),
]


class _Reasoned(forms.Form):
    """A sentence chosen, or own words; both are read by the customer. `reason` is what was said."""

    sentences: tuple[Any, ...] = ()
    is_reason_required = True

    sentence = forms.ChoiceField(label=_("Reason"), required=False)
    words = forms.CharField(
        label=_("Or in your own words"),
        required=False,
        max_length=200,
        help_text=_("The customer reads it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(OWN_WORDS, _("Choose a sentence")), *((str(text), text) for text in self.sentences)]
        self.fields["sentence"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        words = values.get("words", "").strip()
        values["reason"] = words or values.get("sentence", "")
        if self.is_reason_required and "words" not in self.errors and len(values["reason"]) < 2:
            self.add_error("words", ValidationError(_("Say why, in at least two characters."), code="reason"))
        return values


class ApproveForm(_Reasoned):
    """All of what was asked for, or less with a reason."""

    sentences = tuple(AGREE_SENTENCES)
    is_reason_required = False

    def __init__(self, *args: Any, refund: Refund, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most_fen = refund.asked_fen or 0
        self.fields["amount"] = FenField(
            label=_("Amount to give back"),
            min_fen=1,
            max_fen=self.most_fen,
            initial=self.most_fen,
            help_text=_("Less than was asked for needs a reason."),
        )
        self.order_fields(["amount", "sentence", "words"])

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        amount = values.get("amount")
        if amount is not None and amount < self.most_fen and len(values["reason"]) < 2:
            self.add_error("words", ValidationError(_("Say why it is only a part."), code="reason"))
        return values


class RejectForm(_Reasoned):
    sentences = tuple(REJECT_SENTENCES)


class GiveForm(_Reasoned):
    """Money back without a request."""

    sentences = tuple(GIVE_SENTENCES)

    cause = forms.ChoiceField(label=_("What was wrong"), choices=RefundCause.choices)

    def __init__(self, *args: Any, gross_fen: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = FenField(
            label=_("Amount to give back"), min_fen=1, max_fen=max(1, gross_fen), initial=gross_fen
        )
        self.order_fields(["amount", "cause", "sentence", "words"])


class RecallForm(forms.Form):
    """`at` and `shown` are what the page counted; `typed` is the same number, typed by hand."""

    at = forms.DateTimeField(widget=forms.HiddenInput, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z"])
    shown = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    words = forms.CharField(
        label=_("What customers read"),
        min_length=2,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Say why, and that they need do nothing: the money goes back by itself."),
    )
    typed = forms.IntegerField(
        label=_("Type the number of coupons"),
        min_value=0,
        max_value=2_000_000_000,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )
