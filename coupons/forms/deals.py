"""The deal editor's fields, the list's filters, and small edits of a deal on sale."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django_scopes.forms import SafeModelChoiceField, SafeModelMultipleChoiceField

from core.forms import FenField
from coupons.domain.deal_checks import Problem
from coupons.domain.deal_draft import DealDraft
from coupons.enums import DealKind, ValidityKind
from coupons.forms.deal_content import DealContent
from coupons.forms.deal_problems import describe_problem
from merchants.access import MerchantAccess, access_stores
from merchants.enums import StoreState
from merchants.models import Store

BEFORE_CONTENT = (
    "category", "price_fen", "list_price_fen", "face_value_fen", "uses_total", "stock", "description",
)  # fmt: skip
MANY_STORES = 60  # from here on a list box instead of boxes to tick
MAX_STOCK = 10_000_000
SPAN = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])\s*(?:-|–|—|~|至|to)\s*([01]?[0-9]|2[0-4]):([0-5][0-9])")
DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")


class HoursField(forms.CharField):
    """ "11:00-14:00, 17:00-21:30" -> (("11:00", "14:00"), ("17:00", "21:30")); empty means all day."""

    def to_python(self, value: Any) -> Any:
        text = unicodedata.normalize("NFKC", super().to_python(value)).strip()
        spans = [part.strip() for part in re.split(r"[,;、\n]", text) if part.strip()]
        found = []
        for part in spans:
            match = SPAN.fullmatch(part)
            if match is None:
                raise ValidationError(_("Write hours such as 11:00-14:00, 17:00-21:30."), code="hours")
            first, second = (f"{int(h):02d}:{m}" for h, m in (match.group(1, 2), match.group(3, 4)))
            if first == second or first >= "24:00" or second > "24:00":
                raise ValidationError(_("%(span)s is no span of time."), code="hours", params={"span": part})
            found.append((first, second))
        return tuple(found)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return ", ".join(f"{start}-{end}" for start, end in value)
        return value


class DatesField(forms.CharField):
    """ "2026-02-16, 2026-02-17" or one per line -> a sorted tuple of dates; a repeated one counts once."""

    def to_python(self, value: Any) -> Any:
        text = unicodedata.normalize("NFKC", super().to_python(value))
        found = set()
        for part in (part.strip() for part in re.split(r"[,;、\s]+", text)):
            if not part:
                continue
            match = DAY.fullmatch(part)
            try:
                if match is None:
                    raise ValueError  # noqa: TRY301 - one message for both
                found.add(date(*(int(number) for number in match.groups())))
            except ValueError as error:
                raise ValidationError(
                    _("%(day)s is no date; write 2026-02-16."), code="date", params={"day": part[:20]}
                ) from error
        if len(found) > 366:
            raise ValidationError(_("At most 366 dates."), code="too_many")
        return tuple(sorted(found))

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return ", ".join(day.isoformat() for day in value)
        return value


def _date_input(kind: str) -> forms.Widget:
    if kind == "date":
        return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


class StoresField(SafeModelMultipleChoiceField):
    def label_from_instance(self, obj: Store) -> str:
        label = f"{obj.name} · {obj.city}" if obj.city else obj.name
        if obj.state == StoreState.CLOSED:
            return _("%(store)s (closed down)") % {"store": label}
        return label


class DealForm(forms.Form):
    """Sections 1 and 3 of the editor; section 2 is `content`. Knows no database column it does not name."""

    title = forms.CharField(
        label=_("Name of the deal"), max_length=60, help_text=_("The first line a customer reads.")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=DealKind.choices)
    category = forms.CharField(label=_("Category"), max_length=40, required=False)
    price_fen = FenField(label=_("Price"), required=False)
    list_price_fen = FenField(label=_("List price"), required=False)
    face_value_fen = FenField(
        label=_("Face value"), required=False, help_text=_("What a cash voucher takes off the bill.")
    )
    uses_total = forms.IntegerField(
        label=_("Uses"),
        min_value=1,
        max_value=999,
        required=False,
        help_text=_("How often a times card is used."),
    )
    stock = forms.IntegerField(
        label=_("Stock"), min_value=0, max_value=MAX_STOCK, required=False, help_text=_("Empty: no end.")
    )
    description = forms.CharField(
        label=_("Notes for the customer"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    sale_from = forms.DateTimeField(label=_("On sale from"), required=False, widget=_date_input("moment"))
    sale_until = forms.DateTimeField(label=_("On sale until"), required=False, widget=_date_input("moment"))
    validity_kind = forms.ChoiceField(label=_("Valid"), choices=ValidityKind.choices)
    valid_days = forms.IntegerField(
        label=_("Days after purchase"), min_value=1, max_value=3650, required=False
    )
    valid_from_date = forms.DateField(label=_("Valid from"), required=False, widget=_date_input("date"))
    valid_until_date = forms.DateField(label=_("Valid until"), required=False, widget=_date_input("date"))
    usable_weekdays = forms.TypedMultipleChoiceField(
        label=_("Usable on"),
        coerce=int,
        choices=list(WEEKDAYS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    usable_hours = HoursField(
        label=_("Usable hours"),
        max_length=200,
        required=False,
        help_text=_("Such as 11:00-14:00, 17:00-21:30. Empty: all day."),
    )
    blackout_dates = DatesField(
        label=_("Not usable on"),
        max_length=6000,
        required=False,
        help_text=_("Dates such as 2026-02-16, 2026-02-17."),
    )
    all_stores = forms.BooleanField(label=_("All stores"), required=False)
    stores = StoresField(label=_("Stores"), queryset=Store.objects.none(), required=False)
    per_order_limit = forms.IntegerField(
        label=_("At most per order"), min_value=1, max_value=10, required=False
    )
    per_person_limit = forms.IntegerField(
        label=_("At most per person"),
        min_value=1,
        max_value=MAX_STOCK,
        required=False,
        help_text=_("Empty: no limit."),
    )
    refundable_before_use = forms.BooleanField(label=_("Refund any time before use"), required=False)
    refund_on_expiry = forms.BooleanField(label=_("Refunded by itself when expired"), required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        access: MerchantAccess,
        draft: DealDraft | None = None,
        version: int | None = None,
    ) -> None:
        draft = draft or DealDraft()
        self.shown_draft = draft  # what the preview shows; of a bound form its view sets what was typed
        super().__init__(data, initial={**_initial(draft), "version": version}, prefix=None)
        self.content = DealContent.from_post(data) if data is not None else DealContent.from_draft(draft)
        stores = access_stores(access=access)
        field = self.fields["stores"]
        field.queryset = stores
        self.store_count = stores.count()
        self.many_stores = self.store_count > MANY_STORES
        if self.many_stores:
            field.widget = forms.SelectMultiple(attrs={"size": 12})
        else:
            field.widget = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
        field.widget.choices = field.choices
        # A manager of some stores does not see, and so does not drop, the others.
        seen = set(stores.values_list("pk", flat=True)) if access.store_ids is not None else None
        self.kept_store_ids = () if seen is None else tuple(set(draft.store_ids) - seen)

    def is_valid(self) -> bool:
        """Both halves are looked at, so that all errors are shown at once."""
        content_is_valid = self.content.is_valid()
        return super().is_valid() and content_is_valid

    def list_problems(self, gaps: list[Problem]) -> list["ShownProblem"]:
        """Everything to correct, once per field, in the order of the page, each with the address of its field."""
        found: dict[str, ShownProblem] = {}
        for bound in self.visible_fields():
            for error in self.errors.get(bound.name, []) if self.is_bound else []:
                found.setdefault(
                    bound.name, ShownProblem(_address(self, bound.name), str(bound.label), str(error))
                )
        for key, label, error in self.content.list_errors() if self.is_bound else []:
            found.setdefault(key, ShownProblem(f"#id_{key}", label, error))
        for gap in gaps:
            field, _dot, index = gap.field.partition(".")
            sentence = describe_problem(gap)
            if field == "groups":
                key = self.content.key_of(int(index)) if index else "groups"
                label = _("Content")
                address = f"#id_{key}" if index else "#content-section"
            else:
                key, label, address = field, self.fields[field].label, _address(self, field)
            found.setdefault(key, ShownProblem(address, str(label), sentence))
        order = ["title", "kind", *BEFORE_CONTENT, "g", *self.fields]
        return sorted(found.values(), key=lambda problem: _place(problem.address, order))

    def to_draft(self) -> DealDraft:
        """The values typed, where they make sense; what does not is left at its default (see `errors`)."""
        values = {
            name: value
            for name, value in getattr(self, "cleaned_data", {}).items()
            if name in DealDraft.__dataclass_fields__ and value is not None
        }
        defaults = DealDraft()
        return DealDraft(
            **{
                **values,
                "title": values.get("title", ""),
                "kind": DealKind(values.get("kind") or defaults.kind),
                "validity_kind": ValidityKind(values.get("validity_kind") or defaults.validity_kind),
                "valid_days": values.get("valid_days"),
                "usable_weekdays": tuple(values.get("usable_weekdays", ())),
                "store_ids": tuple(
                    sorted(
                        {*(store.pk for store in self.cleaned_data.get("stores") or ()), *self.kept_store_ids}
                    )
                ),
                "groups": self.content.to_draft(),
            }
        )


@dataclass(frozen=True)
class ShownProblem:
    address: str
    label: str
    sentence: str


def _address(form: DealForm, name: str) -> str:
    widget = form.fields[name].widget
    return f"#id_{name}_0" if isinstance(widget, forms.CheckboxSelectMultiple) else f"#id_{name}"


def _place(address: str, order: list[str]) -> int:
    name = address.removeprefix("#id_").removesuffix("_0")
    if name not in order:  # a group, an item, or the whole content
        name = "g"
    return order.index(name)


def _initial(draft: DealDraft) -> dict[str, Any]:
    return {
        **{name: value for name, value in vars(draft).items() if name not in ("store_ids", "groups")},
        "stores": list(draft.store_ids),
        "usable_weekdays": [str(day) for day in draft.usable_weekdays],
    }


class OfferForm(forms.Form):
    """What of a deal on sale changes at once."""

    total = forms.IntegerField(
        label=_("Stock"), min_value=0, max_value=MAX_STOCK, required=False, help_text=_("Empty: no end.")
    )
    per_person_limit = forms.IntegerField(
        label=_("At most per person"),
        min_value=1,
        max_value=MAX_STOCK,
        required=False,
        help_text=_("Empty: no limit."),
    )
    sale_until = forms.DateTimeField(label=_("On sale until"), required=False, widget=_date_input("moment"))


class StockForm(forms.Form):
    total = forms.IntegerField(label=_("Stock"), min_value=0, max_value=MAX_STOCK, required=False)


class DealFilterForm(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"type": "search", "data-key-search": ""}),
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All kinds")), *DealKind.choices]
    )
    store = SafeModelChoiceField(
        label=_("Store"), queryset=Store.objects.none(), required=False, empty_label=_("All stores")
    )
    state = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, access: MerchantAccess) -> None:
        super().__init__(data)
        self.fields["store"].queryset = access_stores(access=access)
