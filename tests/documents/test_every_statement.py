"""verify_statement.py, alone in an empty folder, accepts every statement of the demonstration town and of replays.

The largest of each is forged in more than forty ways, and refused each time with the place named.
"""

import copy
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django_scopes import scopes_disabled

from coupons.settlement import verify_statement
from coupons.settlement.domain.bundle import write_bundle
from coupons.settlement.ledger import list_ledger
from coupons.settlement.models import Statement
from coupons.settlement.tests.bundles import Document, as_zip, sha256
from coupons.settlement.verify_statement import Refused, verify

pytestmark = pytest.mark.django_db(transaction=True)


def check_all(folder: Path) -> int:
    """Write and check every statement's bundle with the hash its page shows; the number of them."""
    (folder / "verify_statement.py").write_bytes(Path(verify_statement.__file__).read_bytes())
    with scopes_disabled():
        statements = list(Statement.objects.select_related("merchant", "previous").order_by("id"))
        for statement in statements:
            with (folder / f"{statement.pk}.zip").open("wb") as file:
                write_bundle(statement=statement, to=file)
            assert sum(row.fen for row in list_ledger(statement=statement)) == statement.amount_fen
    command = [sys.executable, "-I", "verify_statement.py", *(f"{one.pk}.zip" for one in statements)]
    command += [part for one in statements for part in ("--expect", one.hash)]
    result = subprocess.run(command, cwd=folder, env={}, capture_output=True, encoding="utf-8", check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("OK 核对无误") == len(statements)
    return len(statements)


def forge_all() -> int:
    """Forge the statement with most lines that follows another in many ways, each of which must be refused; how many."""
    with scopes_disabled():
        statement = Statement.objects.filter(previous__isnull=False).order_by("-lines_count").first()
        file = io.BytesIO()
        write_bundle(statement=statement, to=file)
    with zipfile.ZipFile(file) as opened:
        right = json.loads(opened.read("statement.json"))
    assert verify(as_zip(right))["hash"] == statement.hash
    forgeries = list(forge(right))
    for name, forged, place in forgeries:
        assert forged != right, name
        with pytest.raises(Refused) as refused:
            verify(as_zip(forged))
        assert str(refused.value).startswith(f"{statement.number}, {place}"), name
    return len(forgeries)


def forge(right: Document) -> Iterator[tuple[str, Document, str]]:
    """(what was done, the forged document, the place that must be named)."""
    columns, middle = right["columns"], len(right["lines"]) // 2
    line = f"line {right['lines'][middle][0]}"
    for column in range(len(columns) - 1):
        name, value = columns[column], right["lines"][middle][column]
        if value is None or name == "line_id":
            continue
        other = (
            value + 1
            if isinstance(value, int)
            else {"business_date": "1999-12-31", "kind": "gift"}.get(name, "77")
        )
        for rehashed in (False, True):
            forged = copy.deepcopy(right)
            row = forged["lines"][middle]
            row[column] = other
            if rehashed:
                row[-1] = sha256(row[:-1])
            is_id = name.endswith("_id")  # ids are held by the hashes alone
            place = "hash" if is_id and rehashed else line
            yield f"{name} changed{', line hash recomputed' * rehashed}", forged, place
    for name, value in right["statement"].items():
        if isinstance(value, int):
            forged = copy.deepcopy(right)
            forged["statement"][name] += 1
            yield f"the statement's {name} changed", forged, name
    for name, change, place in [
        ("a line left out", lambda lines: lines.pop(middle), "lines_count"),
        ("a line twice", lambda lines: lines.insert(middle, lines[middle]), line),
        ("two lines swapped", lambda lines: lines.insert(middle - 1, lines.pop(middle)), "line "),
    ]:
        forged = copy.deepcopy(right)
        change(forged["lines"])
        yield name, forged, place
    forged = copy.deepcopy(right)
    forged["chain"].clear()
    yield "the statements before left out", forged, "previous"
    forged = copy.deepcopy(right)
    forged["statement"]["previous"] = "0" * 64
    yield "another link", forged, "hash"


def test_of_the_demonstration_town(tmp_path: Path) -> None:
    call_command("demo", json=True)
    assert check_all(tmp_path) > 50
    assert forge_all() > 40


def test_of_a_replay(tmp_path: Path) -> None:
    call_command("replay_redemptions", settings.ROOT / "samples" / "redemptions", json=True)
    assert check_all(tmp_path) > 20
    assert forge_all() > 40
