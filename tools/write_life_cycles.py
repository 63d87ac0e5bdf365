"""Writes docs/life-cycles.md from the transition tables in the enums: `python tools/write_life_cycles.py`."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "life-cycles.md"
ENUMS = (
    "coupons.enums",
    "coupons.settlement.enums",
    "coupons.live.enums",
    "providers.creators.enums",
    "providers.enums",
    "merchants.enums",
    "core.enums",
)
HEAD = """# Life cycles

Every state of the product is changed in one place, by a conditional update, and only as these tables say. They are the
tables of the code (`*_TRANSITIONS` in the `enums.py` of each app), written by `python tools/write_life_cycles.py`; a test
compares them. A row is the state before, a column the state after, ● an allowed step.
"""


def find_tables() -> Iterator[tuple[str, dict[Any, set[Any]]]]:
    """(name such as "Coupon", transitions), in the order of the modules."""
    for module in map(importlib.import_module, ENUMS):
        for name, table in vars(module).items():
            if name.endswith("_TRANSITIONS"):
                yield name.removesuffix("_TRANSITIONS").replace("_", " ").capitalize(), table


def write_page() -> str:
    from django.utils import translation

    parts = [HEAD]
    with translation.override("en"):
        for name, table in find_tables():
            states = list(next(iter(table)).__class__)
            parts += [
                f"## {name}\n",
                "| from ↓ to → | " + " | ".join(f"`{state}`" for state in states) + " |",
            ]
            parts += ["|---|" + ":-:|" * len(states)]
            for state in states:
                marks = ("●" if after in table[state] else "" for after in states)
                parts.append(f"| `{state}` {state.label} | " + " | ".join(marks) + " |")
            parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "not needed to read enums")
    import django

    django.setup()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(write_page(), encoding="utf-8")
