"""The report as a file to keep: Markdown, in the reader's language."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.invariants import load_catalogue
from coupons.live.models import Rehearsal
from coupons.live.rehearsal.report import Rounds, read_bottleneck, sustained_rate
from coupons.live.rehearsal.sentences import (
    answer_name,
    describe_bottleneck,
    describe_fault,
    describe_reason,
    fault_name,
    request_name,
)

NOTHING = "\N{EM DASH}"


def write_markdown(*, rehearsal: Rehearsal, rounds: Rounds) -> str:
    """The whole report of a finished rehearsal; times in the current time zone."""
    report: dict[str, Any] = rehearsal.report or {}
    verdict = report["verdict"]
    lines = [
        _heading(1, _("Rehearsal of %(title)s") % {"title": report["session"]["title"]}),
        "",
        f"**{go_words(verdict['go'])}**",
        "",
        *(f"- {describe_reason(reason)}" for reason in verdict["reasons"]),
        "",
        *_table(
            [_("Figure"), _("Value")],
            [
                [pgettext("rehearsal", "Ended"), _moment(report["at"])],
                [pgettext("rehearsal", "Session"), _moment(report["session"]["planned_from"])],
                [_("Orders a second at the peak, asked for"), report["asked"]["peak"]],
                [_("Orders a second, kept up for a whole step"), sustained_rate(report)],
                [_("Seconds of load"), report["asked"]["seconds"]],
                [pgettext("rehearsal", "Sold"), report["sold"]],
                [pgettext("rehearsal", "Stock"), report["stock"]],
                [_("Rounds finished a week ahead"), f"{rounds.done} / {rounds.wanted}"],
            ],
        ),
        _heading(2, _("First bottleneck")),
        "",
        describe_bottleneck(read_bottleneck(report)),
        "",
        _heading(2, _("Steps")),
        "",
        *_table(
            [
                pgettext("rehearsal", "Asked for"),
                _("Reached"),
                "p50 ms",
                "p95 ms",
                "p99 ms",
                pgettext("rehearsal", "Sold"),
            ],
            [
                [step["asked"], step["rate"], step["p50_ms"], step["p95_ms"], step["p99_ms"], step["sold"]]
                for step in report["steps"]
            ],
        ),
        _heading(2, _("What was broken on purpose")),
        "",
        *_table(
            [_("Second"), _("What"), _("How"), _("Seconds until all was well")],
            [
                [
                    fault["at"],
                    fault_name(fault["kind"]),
                    describe_fault(fault["kind"]),
                    fault["recovered_seconds"],
                ]
                for fault in report["faults"]
            ],
        ),
        _heading(2, _("Invariants")),
        "",
        *_table([_("What must never be false"), _("Broken by")], _invariants(report["invariants"])),
        _heading(2, _("Requests")),
        "",
        *_table(
            [_("Request"), pgettext("rehearsal", "Number"), "p50 ms", "p95 ms", "p99 ms"],
            [
                [request_name(name), one["count"], one["p50_ms"], one["p95_ms"], one["p99_ms"]]
                for name, one in report["requests"].items()
            ],
        ),
        _heading(2, _("Refusals and errors")),
        "",
        *_table(
            [_("Request"), _("Answer"), pgettext("rehearsal", "Number")],
            [
                [*answer_name(key), count]
                for key, count in [*report["answers"].items(), *report["errors"].items()]
            ],
        ),
    ]
    return "\n".join(lines)


def in_catalogue_order(figures: dict[str, int]) -> list[tuple[str, int]]:
    """Broken ones first, then as the catalogue has them."""
    places = {name: place for place, name in enumerate(load_catalogue())}
    return sorted(figures.items(), key=lambda item: (not item[1], places.get(item[0], len(places))))


def _invariants(figures: dict[str, int]) -> list[list[Any]]:
    catalogue = load_catalogue()
    return [
        [f"`{name}` {catalogue[name].sentence if name in catalogue else ''}", rows]
        for name, rows in in_catalogue_order(figures)
    ]


def go_words(go: bool) -> str:
    return pgettext("rehearsal", "Go") if go else pgettext("rehearsal", "No go")


def _heading(level: int, words: str) -> str:
    return f"{'#' * level} {words}"


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    if not rows:
        return [_("None."), ""]
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
        "",
    ]


def _cell(value: Any) -> str:
    return NOTHING if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def _moment(text: str) -> str:
    return timezone.localtime(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M %Z")
