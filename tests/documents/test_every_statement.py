"""verify_statement.py, alone in an empty folder, accepts every statement of the demonstration town and of replays."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django_scopes import scopes_disabled

from coupons.settlement import verify_statement
from coupons.settlement.domain.bundle import write_bundle
from coupons.settlement.ledger import list_ledger
from coupons.settlement.models import Statement

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


def test_of_the_demonstration_town(tmp_path: Path) -> None:
    call_command("demo", json=True)
    assert check_all(tmp_path) > 50


def test_of_a_replay(tmp_path: Path) -> None:
    call_command("replay_redemptions", settings.ROOT / "samples" / "redemptions", json=True)
    assert check_all(tmp_path) > 20
