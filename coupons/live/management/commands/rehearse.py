"""manage.py rehearse SESSION --peak N --minutes M [--json]"""

import argparse
import json
import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import override
from django_scopes import scopes_disabled

from core.embedded import Servers, find_data_folder
from core.embedded.processes import say
from core.embedded.servers import MARK
from core.errors import DomainError
from core.imports.command import answer_plainly, stop
from core.refusals import describe
from coupons.live.domain.rehearsals import begin_rehearsal, request_rehearsal, rounds_in_time
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.rehearsal.processes import report_folder
from coupons.live.rehearsal.report import count_rounds, stable_json
from coupons.live.rehearsal.report_text import write_markdown
from coupons.live.rehearsal.runner import run_rehearsal

NOT_DONE_STATUS = 1


class Command(BaseCommand):
    help = "Rehearses a live session: shadow customers buy a shadow copy of its deals while things are broken on purpose."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        answer_plainly(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("session", type=int, metavar="SESSION", help="its number, shown on its page")
        parser.add_argument("--peak", type=int, metavar="N", help="orders a second at the peak")
        parser.add_argument(
            "--minutes", type=float, default=5, metavar="M", help="of load (5; less proves nothing)"
        )
        parser.add_argument("--overload", action="store_true", help="one more step, a third above the peak")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        parser.add_argument("--begin", type=int, help=argparse.SUPPRESS)  # the row a button on the page made

    def handle(self, *args: Any, session: int, begin: int | None, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        servers = Servers(find_data_folder(), with_valkey=False) if MARK in os.environ else None
        if servers:  # so that whoever started us may end without taking the database along
            servers.start()
        try:
            self._rehearse(session, begin, **options)
        finally:
            if servers:
                servers.stop()

    def _rehearse(
        self,
        session_id: int,
        rehearsal_id: int | None,
        *,
        peak: int | None,
        minutes: float,
        overload: bool,
        json: bool,
        **options: Any,
    ) -> None:
        if rehearsal_id is None:
            rehearsal_id = self._ask(session_id, peak, minutes, overload)
        rehearsal = begin_rehearsal(rehearsal_id=rehearsal_id)
        if rehearsal is None:
            stop(f"Rehearsal {rehearsal_id} does not wait for a process.")
        with scopes_disabled():
            is_finished = run_rehearsal(rehearsal)
            rehearsal = Rehearsal.objects.select_related("session__merchant").get(pk=rehearsal_id)
            if not is_finished:
                raise SystemExit(NOT_DONE_STATUS)
            self._say(rehearsal, as_json=json)

    def _ask(self, session_id: int, peak: int | None, minutes: float, overload: bool) -> int:
        if peak is None:
            stop("Say how many orders a second there are at the peak: --peak N.")
        with scopes_disabled():
            session = LiveSession.objects.select_related("merchant").filter(pk=session_id).first()
        if session is None:
            stop(f"There is no live session {session_id}.")
        try:
            return request_rehearsal(
                session=session,
                peak=peak,
                seconds=round(minutes * 60),
                has_overload=overload,
                by=None,
                by_job=False,
            ).pk
        except DomainError as refused:
            with override("en"):
                said = describe(refused)
            stop(f"{said.title} {said.next_step}")

    def _say(self, rehearsal: Rehearsal, *, as_json: bool) -> None:
        report = rehearsal.report or {}
        folder = report_folder(rehearsal.lane)
        rounds = count_rounds(rehearsal=rehearsal, in_time=rounds_in_time(session=rehearsal.session))
        with override("en"):
            text = write_markdown(rehearsal=rehearsal, rounds=rounds)
        (folder / "report.md").write_text(text)
        (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1))
        say(text if not as_json else f"The report: {folder / 'report.md'}")
        if as_json:
            self.stdout.write(json.dumps(stable_json(report)))
