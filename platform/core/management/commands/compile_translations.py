"""manage.py compile_translations [--force] [--missing]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.translations import catalogues, compile_all, find_missing


class Command(BaseCommand):
    help = (
        "Compiles the translation catalogues that changed; --missing prints what still wants a Chinese text."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="compile all of them")
        parser.add_argument(
            "--missing", action="store_true", help="print untranslated texts as po entries and fail"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        written = compile_all(force=options["force"])
        self.stderr.write(
            f"{len(written)} of {len(catalogues())} catalogues compiled", str
        )  # progress, not in red
        if options["missing"]:
            missing = find_missing()
            for entry in missing:
                self.stdout.write(f"\n# {entry.place}")
                if entry.context:
                    self.stdout.write(f"msgctxt {json.dumps(entry.context, ensure_ascii=False)}")
                self.stdout.write(f"msgid {json.dumps(entry.msgid, ensure_ascii=False)}")
                if entry.plural:
                    self.stdout.write(
                        f'msgid_plural {json.dumps(entry.plural, ensure_ascii=False)}\nmsgstr[0] ""'
                    )
                else:
                    self.stdout.write('msgstr ""')
            if missing:
                raise CommandError(f"{len(missing)} texts have no Chinese translation")
