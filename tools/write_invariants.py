"""Writes docs/invariants.md from every floor's invariants.sql: `python tools/write_invariants.py`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "invariants.md"
HEAD = """# What must never be false

{count} sentences, each with one query that returns the rows that break it: none is right. They stand in the `invariants.sql` of
each floor and are counted together, in one read-only snapshot:

- `manage.py check_invariants [--merchant SLUG] [--json]`: now; exit status 1 where one is broken
- every night at 03:40, and by the button on the page *Self-check* at `/ops/`, which keeps the history; what is broken is logged as an error.
  A query gets four minutes there: what takes longer is reported as not checked in time, and the others are checked all the same
- in the tests, after replays of real campaigns, and at the end of every rehearsal

Constraints, triggers and locks keep these things true; this is the second look, by other means. For each there is a test that
breaks it and sees it found, and it alone (`tests/invariants/`). Written by `python tools/write_invariants.py`; a test compares.
"""


def write_page() -> str:
    from core.invariants import by_area, load_catalogue

    catalogue = load_catalogue()
    parts = [HEAD.format(count=len(catalogue))]
    for area, invariants in by_area(catalogue):
        parts += [f"## {area.en} {area.zh}\n", "| name | always true | 始终成立 |", "|---|---|---|"]
        parts += [f"| `{one.name}` | {one.en} | {one.zh} |" for one in invariants]
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "not needed to read files")
    import django

    django.setup()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(write_page(), encoding="utf-8")
