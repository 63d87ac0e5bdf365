"""manage.py purge_rehearsals --days N"""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.imports.command import answer_plainly, stop
from coupons.live.domain.shadow_remains import purge_rehearsals


class Command(BaseCommand):
    help = "Deletes what old rehearsals left; their orders, uses and books stay, because the ledger is append-only."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, metavar="N", help="since they ended (30)")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if days < 1:
            stop("--days must be 1 or more.")
        deleted = purge_rehearsals(days=days)
        said = ", ".join(f"{count} {what}" for what, count in deleted.items())
        self.stdout.write(f"Deleted: {said}.")
