"""Everything that must never be false, checked now: the whole installation or one merchant."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from core.domain.invariant_runs import record_run
from core.enums import RunTrigger
from core.imports.command import answer_plainly
from core.invariants import by_area, load_catalogue
from core.models import InvariantRun
from merchants.models import Merchant

SAMPLES_SHOWN = 3


class Command(BaseCommand):
    help = (
        "Counts the rows that break each invariant of the catalogue (docs/invariants.md), all in one snapshot, and keeps"
        " the result for the page at /ops/. Exit status 1 where something is broken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        answer_plainly(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        parser.add_argument("--merchant", metavar="SLUG", help="one merchant only")

    def handle(self, *args: Any, merchant: str | None, **options: Any) -> None:
        merchant_id = _find_merchant(merchant) if merchant else None
        catalogue = load_catalogue()
        with tqdm(total=len(catalogue), unit="invariant", file=sys.stderr, disable=None) as bar:
            run = record_run(
                trigger=RunTrigger.COMMAND,
                merchant_id=merchant_id,
                on_counted=lambda name, rows: bar.update(),
            )
        broken = {name: rows for name, rows in run.figures.items() if rows}
        if options["json"]:
            self.stdout.write(json.dumps({"invariants": len(run.figures), "broken": broken}))
        else:
            self._print(run, broken)
        if broken:
            sys.exit(1)

    def _print(self, run: InvariantRun, broken: dict[str, int]) -> None:
        for area, invariants in by_area(load_catalogue()):
            self.stdout.write(f"\n{area.title}")
            for invariant in invariants:
                rows = run.figures[invariant.name]
                self.stdout.write(f"  {rows or 'ok':>6}  {invariant.name}\n          {invariant.sentence}")
                for sample in run.samples.get(invariant.name, [])[:SAMPLES_SHOWN]:
                    said = ", ".join(f"{column} {value}" for column, value in sample)
                    self.stdout.write(f"            {said}")
        self.stdout.write(f"\n{len(run.figures)} invariants, {len(broken)} broken.")


def _find_merchant(slug: str) -> int:
    merchant_id = Merchant.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if merchant_id is None:
        raise CommandError(f"There is no merchant {slug}.", returncode=2)
    return merchant_id
