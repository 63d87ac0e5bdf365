"""What the operator's pages at /ops/ share: nothing is edited there, money is shown as money, codes are masked."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_field
from django.db.models import BooleanField, Field, JSONField, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from core.operator_labels import label_of
from core.templatetags.tongdao import NOTHING, bps, coupon_code_masked, fen, local_time

SHOWN = "_shown"
MASKED = {"coupons.coupon.code"}


def _currency(row: Model) -> str:
    own = getattr(row, "currency", None)
    return own or getattr(getattr(row, "merchant", None), "currency", None) or "CNY"


def _text(row: Model, column: Field) -> Any:
    value = getattr(row, column.name)
    if column.name.endswith("_fen"):
        return fen(value, _currency(row))
    if column.name.endswith("bps"):
        return bps(value)
    if f"{row._meta.label_lower}.{column.name}" in MASKED:
        return coupon_code_masked(value)
    if isinstance(value, dt.datetime):
        return local_time(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Model):
        return _link(value)
    if isinstance(value, list) and not isinstance(column, JSONField):
        return ", ".join(str(one) for one in value) or NOTHING
    if isinstance(value, int) and not isinstance(value, bool) and not column.choices:
        return str(value)  # a number of a row is no quantity: without thousands separators
    return display_for_field(value, column, NOTHING)


def _link(row: Model) -> Any:
    try:
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return str(row)
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, row)


def _shown(column: Field) -> Callable[[Model], Any]:
    is_boolean = isinstance(column, BooleanField)

    def show(row: Model) -> Any:
        return getattr(row, column.name) if is_boolean else _text(row, column)

    show.short_description = label_of(column.name, column.verbose_name)  # type: ignore[attr-defined]
    show.admin_order_field = column.name  # type: ignore[attr-defined]
    if is_boolean:
        show.boolean = True  # type: ignore[attr-defined]
    return show


class _Columns:
    """`<column>_shown` for every column of the model, labelled; `list_display` names plain columns."""

    model: type[Model]
    hidden_columns: tuple[str, ...] = ()

    def add_columns(self) -> None:
        for column in self.model._meta.concrete_fields:
            setattr(self, column.name + SHOWN, _shown(column))

    def columns(self) -> list[str]:
        return [
            column.name + SHOWN
            for column in self.model._meta.concrete_fields
            if column.name not in self.hidden_columns
        ]


def _labelled(base: type[admin.FieldListFilter]) -> type[admin.FieldListFilter]:
    class Labelled(base):  # type: ignore[misc, valid-type]
        def __init__(self, field: Field, *args: Any, **kwargs: Any) -> None:
            super().__init__(field, *args, **kwargs)
            self.title = label_of(field.name, field.verbose_name)

    return Labelled


CHOICES, BOOLEANS, VALUES = (
    _labelled(admin.ChoicesFieldListFilter),
    _labelled(admin.BooleanFieldListFilter),
    _labelled(admin.AllValuesFieldListFilter),
)


class RehearsalFilter(admin.SimpleListFilter):
    """Rows that a rehearsal of a live session made are no business: left out unless they are asked for."""

    title = _("Rehearsals")
    parameter_name = "rehearsals"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("with", _("With rehearsals")), ("only", _("Only rehearsals"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Without rehearsals")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        made = rehearsed_rows(queryset.model)
        if made is None or self.value() == "with":
            return queryset
        return queryset.filter(made) if self.value() == "only" else queryset.exclude(made)


def rehearsed_rows(model: type[Model]) -> Q | None:
    """Which rows of a table belong to shadow shops; None where none can be told apart."""
    names = {column.name for column in model._meta.get_fields()}
    if "is_shadow" in names:
        return Q(is_shadow=True)
    if "shadow_of" in names:
        return Q(shadow_of__isnull=False)
    if "merchant" in names and model._meta.get_field("merchant").is_relation:
        return Q(merchant__shadow_of__isnull=False)
    if "customer" in names and model._meta.get_field("customer").one_to_one:
        return Q(customer__is_shadow=True)
    return None


class ReadOnlyAdmin(_Columns, ModelAdmin):  # type: ignore[misc]
    """Rows to look at. What changes them are functions of the domain, called by named actions."""

    list_per_page = 50
    show_full_result_count = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_columns()

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return [name + SHOWN if hasattr(self, name + SHOWN) else name for name in self.list_display]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        found: list[Any] = []
        for name in self.list_filter:
            if (
                not isinstance(name, str) or "__" in name
            ):  # brings its own filter, or reaches into another table
                found.append(name)
                continue
            column = self.model._meta.get_field(name)
            kind = (
                CHOICES
                if getattr(column, "choices", None)
                else BOOLEANS
                if isinstance(column, BooleanField)
                else VALUES
            )
            found.append((name, kind))
        if rehearsed_rows(self.model) is not None:
            found.append(RehearsalFilter)
        return found

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.columns()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.columns()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyRows(_Columns, TabularInline):  # type: ignore[misc]
    """Rows of a row, to look at."""

    extra = 0
    hide_title = True
    can_delete = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_columns()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.columns()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.columns()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
