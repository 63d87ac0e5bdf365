"""manage.py import_deals FILE --merchant SLUG [--dry-run] [--json]"""

import argparse
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from core.imports.command import (
    NOT_ALL_DONE_STATUS,
    add_import_arguments,
    answer_plainly,
    checked_slug,
    corrected_mapping,
    load_table,
    progress_bar,
    say_report,
    sentence_of,
    stop,
)
from core.imports.mapping import ColumnMissing, ColumnTwice, ColumnUnknown
from coupons.domain.deal_imports import (
    CurrencyDiffers,
    DealImport,
    file_kind,
    guess_deal_mapping,
    import_deals,
)
from coupons.domain.deal_rows import DEAL_FIELDS, FEN_PER_UNIT
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant


class Command(BaseCommand):
    help = "Import a list of deals: every row is imported, imported with named warnings, or refused with a reason."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_import_arguments(parser)
        parser.add_argument("--currency", help="of the prices (default: told by the columns, else CNY)")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = checked_slug(options["merchant"])
        table = load_table(options["file"])
        kind = file_kind(table)
        currency = options["currency"] or kind.currency
        if not re.fullmatch("[A-Z]{3}", currency):
            stop(f"{currency!r} is no currency code such as CNY or JPY.")
        mapping = corrected_mapping(
            guess_deal_mapping(table), options["map"], [field.name for field in DEAL_FIELDS]
        )
        try:
            with transaction.atomic():
                merchant = Merchant.objects.filter(slug=slug).first()
                zone = merchant.tzinfo if merchant else ZoneInfo(kind.zone)
                if merchant is None and not options["dry_run"]:
                    merchant = create_merchant(slug=slug, name=slug, currency=currency, zone=kind.zone)
                result = import_deals(
                    merchant=merchant,
                    table=table,
                    mapping=mapping,
                    currency=currency,
                    zone=zone,
                    by=None,
                    dry_run=options["dry_run"],
                    progress=progress_bar,
                )
        except (ColumnMissing, ColumnUnknown, ColumnTwice) as error:
            stop(sentence_of(error))
        except CurrencyDiffers as error:
            stop(
                f"{slug} sells in {error.facts['merchant']}, the file is in {error.facts['file']}: "
                "choose another merchant or give --currency."
            )
        self.say(result, mapping, **options)
        if result.report.refused:
            raise SystemExit(NOT_ALL_DONE_STATUS)

    def say(self, result: DealImport, mapping: dict[str, str], *, dry_run: bool, **options: Any) -> None:
        say_report(self.stdout.write, result.report, mapping, dry_run=dry_run)
        states = ", ".join(f"{count} as {state}" for state, count in result.by_state.items()) or "none new"
        self.stdout.write(f"  Sales that are over arrive as ended, all others as drafts: {states}.")
        if result.currency != "CNY":
            self.stdout.write(
                f"  Prices are in {result.currency}, not CNY: kept as fen of the file's unit, "
                f"1 {result.currency} = {FEN_PER_UNIT} fen."
            )
        if options["json"]:
            self.stdout.write(json.dumps(result.as_json(), ensure_ascii=False))
