"""What the page of the self-check at /ops/ shows of a run: each invariant with its figure, broken ones with some rows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from core.domain.invariant_runs import standing_since
from core.invariants import Area, Invariant, Sample, by_area, load_catalogue
from core.models import InvariantRun
from core.operator_labels import label_of


@dataclass(frozen=True)
class Cell:
    """A value of a sample row; `link` is the page of that row where there is one."""

    label: str | Promise
    value: str
    link: str


@dataclass(frozen=True)
class CheckedInvariant:
    """`rows` is None where the run has no answer (not yet, or `is_late`: none in time); `since` is the first run of the stretch it has been as now."""

    invariant: Invariant
    rows: int | None
    since: datetime | None
    samples: list[list[Cell]] = field(default_factory=list)
    is_late: bool = False


@dataclass(frozen=True)
class CheckedArea:
    area: Area
    invariants: list[CheckedInvariant]

    @property
    def broken(self) -> int:
        return sum(1 for one in self.invariants if one.rows)

    @property
    def late(self) -> int:
        return sum(1 for one in self.invariants if one.is_late)


def describe_run(run: InvariantRun) -> list[CheckedArea]:
    """The catalogue with the figures of a run, under its headings."""
    since = standing_since(run=run)
    return [
        CheckedArea(
            area=area,
            invariants=[
                CheckedInvariant(
                    invariant=invariant,
                    rows=run.figures.get(invariant.name),
                    since=since.get(invariant.name),
                    samples=[_cells(row) for row in run.samples.get(invariant.name, [])],
                    is_late=invariant.name in run.not_checked,
                )
                for invariant in invariants
            ],
        )
        for area, invariants in by_area(load_catalogue())
    ]


def took(run: InvariantRun) -> timedelta | None:
    return run.finished_at - run.started_at if run.finished_at else None


def _cells(row: Sample) -> list[Cell]:
    return [
        Cell(label=label_of(column.removesuffix("_id"), column), value=value, link=_link(column, value))
        for column, value in row
    ]


def _link(column: str, value: str) -> str:
    """`order_id` leads to the page of the only model called order that the operator's site has."""
    name = column.removesuffix("_id")
    models = [model for model in admin.site._registry if model._meta.model_name == name]
    if name == column or len(models) != 1:
        return ""
    try:
        return reverse(f"admin:{models[0]._meta.app_label}_{name}_change", args=[value])
    except NoReverseMatch:
        return ""
