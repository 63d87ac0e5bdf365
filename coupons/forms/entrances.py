"""Links by hand, and the pieces of an entrance."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.domain.entrances import LABEL_LENGTH, EntranceFigures
from coupons.enums import LINK_ENTRANCES, Entrance
from coupons.forms.deals import MAX_STOCK


class LinkForm(forms.Form):
    entrance = forms.TypedChoiceField(
        label=_("Entrance"),
        coerce=Entrance,
        choices=[
            ("", _("Choose where the link will stand")),
            *((one.value, one.label) for one in LINK_ENTRANCES),
        ],
    )
    label = forms.CharField(
        label=_("Name of the link"),
        max_length=LABEL_LENGTH,
        help_text=_("For your own people: the video, the list, the post it stands in."),
    )


class EntrancePiecesForm(forms.Form):
    """How many pieces an entrance has of its own; each entrance's field has a name of its own on the page."""

    pieces = forms.IntegerField(
        label=_("Pieces of its own"),
        min_value=1,
        max_value=MAX_STOCK,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "8"}),
    )

    def __init__(self, data: Any = None, *, figures: EntranceFigures) -> None:
        super().__init__(data, prefix=figures.entrance.value, initial={"pieces": figures.pieces})
        self.fields["pieces"].label = _("Pieces of its own: %(entrance)s") % {
            "entrance": figures.entrance.label
        }
