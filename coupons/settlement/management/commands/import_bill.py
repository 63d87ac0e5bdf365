"""manage.py import_bill FILE --merchant SLUG [--provider NAME] [--from DAY --until DAY] [--replace] [--json]"""

import argparse
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import override

from core.errors import DomainError
from core.imports.command import NOT_ALL_DONE_STATUS, answer_plainly, load_table, stop
from core.imports.mapping import ColumnMissing
from core.imports.report import NamedRow
from core.refusals import describe
from coupons.payment_providers import get_provider
from coupons.settlement.domain.bill_rows import ReadBill, read_bill
from coupons.settlement.domain.bills import BillRefused, ImportedBill, import_bill
from coupons.settlement.domain.breaks import count_breaks
from coupons.settlement.domain.reconciliation import reconcile_day
from merchants.models import Merchant

ROWS_SAID = 20


class Command(BaseCommand):
    help = (
        "Imports a payment provider's bill (CSV or XLSX): columns reference, kind (payment or refund), amount in yuan, time, and"
        " refund_reference where there is one; or a shop's list of orders. All of it or nothing. Then its days are reconciled."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--merchant", required=True, metavar="SLUG")
        parser.add_argument("--provider", default=settings.PAYMENT_PROVIDER)
        parser.add_argument(
            "--from", dest="first", metavar="DAY", help="first day of the bill (default: of its rows)"
        )
        parser.add_argument(
            "--until", dest="last", metavar="DAY", help="last day of the bill (default: of its rows)"
        )
        parser.add_argument("--replace", action="store_true", help="it corrects the bills of its days")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = Merchant.objects.filter(slug=options["merchant"]).first()
        if merchant is None:
            stop(f"There is no merchant {options['merchant']}.")
        try:
            get_provider(options["provider"])
        except KeyError:
            stop(f"There is no payment provider {options['provider']}.")
        days = _read_days(options["first"], options["last"])
        table = load_table(options["file"])
        try:
            read = read_bill(table=table, zone=merchant.tzinfo)
        except ColumnMissing as error:
            stop(f"No column for {error.facts['field']!r} among: {', '.join(error.facts['columns'])}.")
        done: ImportedBill | None = None
        refused = read.refused
        if not read.refused:
            try:
                done = import_bill(
                    merchant=merchant,
                    provider=options["provider"],
                    rows=read.rows,
                    file_name=Path(options["file"]).name,
                    by=None,
                    days=days,
                    replaces=options["replace"],
                )
            except BillRefused as error:
                refused = error.facts["rows"]
            except DomainError as error:
                with override("en"):
                    stop(describe(error).title)
        breaks: dict[str, int] = {}
        if done is not None:
            for offset in range((done.bill.last_day - done.bill.first_day).days + 1):
                reconcile_day(merchant=merchant, day=done.bill.first_day + timedelta(days=offset))
            breaks = count_breaks(merchant=merchant)
        self.say(read, refused, done, breaks, as_json=options["json"])
        if done is None:
            raise SystemExit(NOT_ALL_DONE_STATUS)

    def say(
        self,
        read: ReadBill,
        refused: list[NamedRow],
        done: ImportedBill | None,
        breaks: dict[str, int],
        *,
        as_json: bool,
    ) -> None:
        if done is None:
            self.stdout.write(
                f"Nothing was imported: {max(len(refused), read.refused_count)} rows cannot be taken."
            )
            for row in refused[:ROWS_SAID]:
                self.stdout.write(f"  row {row.number}: {row.codes[0]} {row.value}".rstrip())
        else:
            bill = done.bill
            self.stdout.write(
                f"{bill.file_name}, {bill.first_day} to {bill.last_day}: {bill.payments_count} payments"
                f" ({bill.payments_fen} fen), {bill.refunds_count} refunds ({bill.refunds_fen} fen)"
                f"{'' if done.is_new else '; imported before, nothing was changed'}. Open differences: {breaks or 'none'}."
            )
        if as_json:
            told = {
                "rows": read.file_rows,
                "imported": len(read.rows) if done and done.is_new else 0,
                "unpaid": read.unpaid,
                "refusals": dict(Counter(row.codes[0] for row in refused)),
                "is_new": bool(done and done.is_new),
                "payments_fen": done.bill.payments_fen if done else 0,
                "refunds_fen": done.bill.refunds_fen if done else 0,
                "breaks": breaks,
            }
            self.stdout.write(json.dumps(told))


def _read_days(first: str | None, last: str | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    try:
        days = date.fromisoformat(first or last or ""), date.fromisoformat(last or first or "")
    except ValueError:
        stop("--from and --until are days such as 2026-02-01.")
    if days[0] > days[1]:
        stop("--from must not be after --until.")
    return days
