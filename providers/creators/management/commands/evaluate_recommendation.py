"""manage.py evaluate_recommendation --data DIR [--seed N] [--json]"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.imports.command import answer_plainly, stop
from providers.creators.recommendation.evaluation.diners import RatingsUnusable, read_diners
from providers.creators.recommendation.evaluation.protocol import Outcome, hide_a_fifth, leave_one_out

SPLIT = (
    "leave-one-out over every rating of 2, ranked among all places the diner is not known to have been to; weights and settings"
    " learned from the diners of the other four of five groups alone, the groups drawn by the seed"
)
HELD_OUT = "a fifth of the ratings of 2 hidden at once from ranking and learning, five times, the parts drawn by the seed"


class Command(BaseCommand):
    help = (
        "Measures the recommendation on ratings of real diners (a folder with rating_final.csv, geoplaces2.csv, usercuisine.csv"
        " and chefmozcuisine.csv): how often, and how high, what somebody liked stands among the first ten. Touches no database."
    )
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the folder")
        parser.add_argument("--seed", type=int, default=1, help="what the split is drawn by (default: 1)")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, data: Path, seed: int, **options: Any) -> None:
        if not data.is_dir():
            stop(f"There is no folder {data}.")
        try:
            diners = read_diners(data)
        except RatingsUnusable as error:
            stop("{file}: {why}.".format(**error.facts))
        sys.stderr.write("leaving one out ...\n")
        outcome = leave_one_out(diners, seed=seed)
        sys.stderr.write("hiding a fifth ...\n")
        held_out = hide_a_fifth(diners, seed=seed)
        for name, one in ((SPLIT, outcome), (HELD_OUT, held_out)):
            self._show(name, one)
        if options["json"]:
            report = {
                **_figures(outcome),
                "seed": seed,
                "questions": outcome.questions,
                "split": SPLIT,
                "held_out": {**_figures(held_out), "split": HELD_OUT},
            }
            self.stdout.write(json.dumps(report))

    def _show(self, split: str, outcome: Outcome) -> None:
        self.stdout.write(f"{split} ({outcome.questions} questions):")
        for name, quality in (*outcome.baselines.items(), ("recommendation", outcome.quality)):
            self.stdout.write(
                f"  {name:<24} recall@10 {quality.recall_at_10:.3f}  NDCG@10 {quality.ndcg_at_10:.3f}"
            )
        for model in outcome.models:
            weights = ", ".join(f"{weight:.2f}" for weight in model.weights)
            self.stdout.write(
                f"    learned: nearness, familiarity, taste {weights}; reach {model.reach_km} km, damping {model.damping}"
            )


def _figures(outcome: Outcome) -> dict[str, Any]:
    return {
        **outcome.quality.as_json(),
        "baselines": {name: quality.as_json() for name, quality in outcome.baselines.items()},
    }
