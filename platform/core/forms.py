"""Forms are rendered by our own templates: label, control, help and error in one component; money is typed as yuan."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from core.templatetags.tongdao import fen, fen_input

PLAIN_AMOUNT = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]*))?")

LONGEST_AMOUNT = 40  # Python refuses to read numbers of thousands of digits


class FormRenderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class FenField(forms.Field):
    """An amount typed as yuan ("12.8", "¥1,234.50", full-width digits too), an exact integer of fen inside.

    More than two decimals are refused, never rounded. Bounds are fen.
    """

    widget = forms.TextInput
    default_error_messages = {  # noqa: RUF012 - Django's own way
        "invalid": _("Write an amount such as 12.80."),
        "too_precise": _("At most two decimals: the smallest unit is 0.01."),
        "min_fen": _("At least %(limit)s."),
        "max_fen": _("At most %(limit)s."),
    }

    def __init__(self, *, min_fen: int = 0, max_fen: int = 1_000_000_000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_fen, self.max_fen = min_fen, max_fen
        self.widget.attrs.setdefault("inputmode", "decimal")
        self.widget.attrs.setdefault("autocomplete", "off")

    def to_python(self, value: Any) -> int | None:
        text = unicodedata.normalize("NFKC", str(value or "")).strip().lstrip("¥").strip()
        if not text:
            return None
        match = PLAIN_AMOUNT.fullmatch(text) if len(text) <= LONGEST_AMOUNT else None
        if match is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        decimals = match.group(1) or ""
        if len(decimals) > 2:
            raise ValidationError(self.error_messages["too_precise"], code="too_precise")
        whole = text.split(".")[0].replace(",", "")
        return int(whole) * 100 + int(decimals.ljust(2, "0"))

    def run_validators(self, value: int | None) -> None:
        super().run_validators(value)
        if value is None:
            return
        if value < self.min_fen:
            raise ValidationError(
                self.error_messages["min_fen"], code="min_fen", params={"limit": fen(self.min_fen)}
            )
        if value > self.max_fen:
            raise ValidationError(
                self.error_messages["max_fen"], code="max_fen", params={"limit": fen(self.max_fen)}
            )

    def prepare_value(self, value: Any) -> Any:
        return fen_input(value) if isinstance(value, int) else value
