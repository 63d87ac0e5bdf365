"""manage.py import_stores FILE --merchant SLUG [--dry-run] [--json]"""

import argparse
import json
from typing import Any

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
from merchants.domain.merchants import create_merchant
from merchants.domain.store_imports import StoreImport, guess_store_mapping, import_stores
from merchants.domain.store_rows import STORE_FIELDS
from merchants.models import Merchant


class Command(BaseCommand):
    help = "Import a list of stores: every row is imported, imported with named warnings, or refused with a reason."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_import_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        slug = checked_slug(options["merchant"])
        table = load_table(options["file"])
        mapping = corrected_mapping(
            guess_store_mapping(table), options["map"], [field.name for field in STORE_FIELDS]
        )
        try:
            with transaction.atomic():
                merchant = Merchant.objects.filter(slug=slug).first()
                if merchant is None and not options["dry_run"]:
                    merchant = create_merchant(slug=slug, name=slug)
                result = import_stores(
                    merchant=merchant,
                    table=table,
                    mapping=mapping,
                    by=None,
                    dry_run=options["dry_run"],
                    progress=progress_bar,
                )
        except (ColumnMissing, ColumnUnknown, ColumnTwice) as error:
            stop(sentence_of(error))
        self.say(result, mapping, **options)
        if result.report.refused:
            raise SystemExit(NOT_ALL_DONE_STATUS)

    def say(self, result: StoreImport, mapping: dict[str, str], *, dry_run: bool, **options: Any) -> None:
        say_report(self.stdout.write, result.report, mapping, dry_run=dry_run)
        if options["json"]:
            self.stdout.write(json.dumps(result.as_json(), ensure_ascii=False))
