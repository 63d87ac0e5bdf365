"""manage.py fairness_report [--month YYYY-MM] [--json]"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandParser

from core.imports.command import answer_plainly, stop
from providers.creators.domain.fairness import FairnessReport, Group, report_fairness
from providers.creators.domain.impressions import ZONE


class Command(BaseCommand):
    help = (
        "Says of a month who was shown what on the creators' board: exposure by new, small and large creators and by new"
        " merchants, its Gini coefficient and its relation to merit, and what the places kept for newcomers earned."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", metavar="YYYY-MM", help="default: the last month that is over")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, month: str | None, **options: Any) -> None:
        report = report_fairness(month=_read(month))
        self._show(report)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))

    def _show(self, report: FairnessReport) -> None:
        self.stdout.write(
            f"{report.month}: {report.impressions} impressions, log {report.log_fingerprint[:16]}"
        )
        for title, groups, gini in (
            ("creators", report.creators, report.gini_creators),
            ("merchants", report.merchants, report.gini_merchants),
        ):
            self.stdout.write(f"{title}, Gini {gini:.3f}:")
            for name, group in groups.items():
                self.stdout.write(f"  {name:<12} {_line(group)}")
        for slot, earned in report.slots.items():
            self.stdout.write(
                f"kept for {slot}: {earned.impressions} impressions, {earned.claims} claims, {earned.accepted} accepted,"
                f" {earned.uses} uses of {earned.redeemed_fen} fen, earned {earned.earned_fen} fen"
            )


def _line(group: Group) -> str:
    to_merit = "-" if group.to_merit is None else f"{group.to_merit:.2f}"
    return (
        f"{group.members} members, {group.impressions} impressions, {group.exposure_share:.1%} of exposure,"
        f" {group.merit_share:.1%} of merit, ratio {to_merit}"
    )


def _read(month: str | None) -> date:
    if month is None:
        return datetime.now(ZoneInfo(ZONE)).date().replace(day=1) - timedelta(days=1)
    try:
        return datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(ZONE)).date()
    except ValueError:
        stop(f"{month} is no month: write YYYY-MM.")
