"""manage.py replay_orders FILE [--json]"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.imports.command import NOT_ALL_DONE_STATUS, answer_plainly, stop
from coupons.settlement.domain.order_replay import OrderFileUnusable, read_order_file, replay_orders


def _say_step(step: str) -> None:
    sys.stderr.write(f"{step} ...\n")


class Command(BaseCommand):
    help = (
        "Replays a shop's list of orders (CSV or XLSX, times local to Asia/Shanghai, sums in yuan) into a fresh tenant: orders,"
        " payments, refunds, ledger, statements; then reconciles the list against them and proves the books."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            orders = read_order_file(file)
        except OrderFileUnusable as error:
            stop("{file}: {why}.".format(**error.facts))
        report = replay_orders(orders=orders, file_name=file.name, on_step=_say_step)
        self.stdout.write(
            f"{report.orders} orders: {report.paid} paid, {report.unpaid} unpaid; gross {report.gross_fen} fen,"
            f" refunded {report.refunded_fen}, net {report.net_fen}; differences: {report.breaks or 'none'};"
            f" proofs broken: {report.proofs_broken}"
        )
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
        if report.breaks or report.proofs_broken:
            raise SystemExit(NOT_ALL_DONE_STATUS)
