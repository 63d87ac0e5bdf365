"""Model instances out of hand-written statements."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import DEFERRED, Model

M = TypeVar("M", bound=Model)


class ModelColumns(Generic[M]):
    """The columns of a model under an alias, as `text` for a SELECT list, and how to make an instance of them.

    `only` names the fields wanted (by attribute, `merchant_id`), `without` those that are not; a field left out is loaded
    when it is asked for. Make it when models are ready, not on import. Raises TypeError for a field whose column is not
    its value (JSON, a phone number).
    """

    def __init__(
        self, model: type[M], alias: str, *, only: Sequence[str] | None = None, without: Sequence[str] = ()
    ) -> None:
        fields = [
            field
            for field in model._meta.concrete_fields
            if (only is None or field.attname in only) and field.attname not in without
        ]
        for field in fields:
            if field.get_db_converters(connection):
                raise TypeError(f"{field} must be converted: leave it out")
        self.model = model
        self.count = len(fields)
        every = list(model._meta.concrete_fields)
        self._names = [field.attname for field in every]
        self._none: list[Any] = [DEFERRED] * len(every)
        self._places = [every.index(field) for field in fields]
        self.text = ", ".join(f"{alias}.{field.column}" for field in fields)

    def make(self, values: Sequence[Any]) -> M:
        """The instance of these `count` values."""
        if self.count == len(self._names):
            return self.model.from_db("default", self._names, values)
        complete = self._none.copy()  # Django would look for every field's name among ours, row by row
        for place, value in zip(self._places, values, strict=True):
            complete[place] = value
        return self.model.from_db("default", self._names, complete)
