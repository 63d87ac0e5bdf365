"""The downloaded bundle: the script accepts it alone in an empty folder, for every kind of payee, and it names nobody."""

import io
import json
import subprocess
import sys
import zipfile

import pytest
from django_scopes import scopes_disabled

from coupons.models import Coupon
from coupons.settlement.domain import bundle
from coupons.settlement.domain.bundle import write_bundle
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import SettlementLine, Statement
from coupons.settlement.tests.payees import make_shared_town
from coupons.settlement.tests.test_statement_pages import make_statement
from coupons.settlement.verify_statement import FILES
from coupons.tests.town import make_town


def bundle_of(statement) -> bytes:
    file = io.BytesIO()
    with scopes_disabled():
        write_bundle(statement=statement, to=file)
    return file.getvalue()


def document_of(statement) -> dict:
    with zipfile.ZipFile(io.BytesIO(bundle_of(statement))) as opened:
        return json.loads(opened.read("statement.json"))


def check(folder, statements) -> subprocess.CompletedProcess[str]:
    """The script out of the first bundle, alone with the bundles in a folder."""
    names = []
    for statement in statements:
        names.append(f"{statement.number}.zip")
        (folder / names[-1]).write_bytes(bundle_of(statement))
    with zipfile.ZipFile(folder / names[0]) as opened:
        (folder / "verify_statement.py").write_bytes(opened.read("verify_statement.py"))
    hashes = [part for statement in statements for part in ("--expect", statement.hash)]
    command = [sys.executable, "-I", "verify_statement.py", *names, *hashes]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture
def shared(db):
    return make_shared_town()


def test_every_statement_of_every_kind_verifies(shared, tmp_path):
    result = check(tmp_path, shared.sealed)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("OK 核对无误") == len(shared.sealed)
    assert {kind: sum(one.kind == kind for one in shared.sealed) for kind in PayeeKind} == {
        PayeeKind.MERCHANT: 2, PayeeKind.PROVIDER: 2, PayeeKind.STATION: 2, PayeeKind.CREATOR: 2,
    }  # fmt: skip
    with scopes_disabled():
        backs = list(SettlementLine.objects.filter(refund__isnull=False).order_by("gross_fen"))
    assert [line.gross_fen for line in backs] == [-3_333, -1_001]
    assert all(
        line.commission_fen < 0 and line.service_fee_fen < 0 and line.station_share_fen < 0 for line in backs
    )


@pytest.mark.parametrize("kind", PayeeKind)
def test_an_altered_amount_in_a_real_bundle_is_refused(shared, tmp_path, kind):
    statement = shared.statements[kind]
    file = tmp_path / "s.zip"
    document = document_of(statement)
    document["lines"][0][document["columns"].index("commission_fen")] += 1
    with zipfile.ZipFile(file, "w") as opened:
        for name in FILES:
            opened.writestr(name, json.dumps(document) if name == "statement.json" else "")
    check(tmp_path, [statement])

    result = subprocess.run(
        [sys.executable, "-I", "verify_statement.py", "s.zip"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )  # fmt: skip

    assert result.returncode == 1
    assert f"{statement.number}, line {document['lines'][0][0]}, commission_fen" in result.stderr


@pytest.mark.parametrize("kind", [PayeeKind.PROVIDER, PayeeKind.STATION, PayeeKind.CREATOR])
def test_it_names_no_customer_no_code_and_no_other_payee(shared, kind):
    with zipfile.ZipFile(io.BytesIO(bundle_of(shared.statements[kind]))) as opened:
        text = "".join(opened.read(name).decode() for name in FILES)

    others = [party for other, party in shared.parties.items() if other != kind]
    with scopes_disabled():
        codes = list(Coupon.objects.values_list("code", flat=True))
    customer = shared.town.customer
    secrets = [
        *codes,
        *(code[-4:] for code in codes),
        customer.nickname,
        str(customer.pk),
        customer.user.name,
    ]
    secrets += [party.name for party in others] + [f'"{party.pk}"' for party in others]
    for secret in [*secrets, shared.town.store.name, shared.town.clerk.name, str(shared.town.clerk.pk)]:
        assert secret not in text
    assert str(shared.parties[kind].pk) in text


def test_the_same_statement_is_the_same_file(shared):
    statement = shared.statements[PayeeKind.MERCHANT]
    with scopes_disabled():
        again = Statement.objects.get(pk=statement.pk)
    assert bundle_of(statement) == bundle_of(again)


def test_the_chain_is_as_long_as_is_sensible(db, monkeypatch, tmp_path):
    with scopes_disabled():
        town = make_town(platform_fee_bps=250)
    statements = [make_statement(town, uses=2, day=day) for day in range(4)]

    assert [one["number"] for one in document_of(statements[3])["chain"]] == [
        one.number for one in statements[:3]
    ]
    monkeypatch.setattr(bundle, "CHAIN_STATEMENTS", 2)
    assert [one["number"] for one in document_of(statements[3])["chain"]] == [
        one.number for one in statements[1:3]
    ]
    assert statements[0].hash in check(tmp_path, [statements[3]]).stdout  # says how far back it looked
    monkeypatch.setattr(bundle, "CHAIN_LINES", 1)
    assert [one["number"] for one in document_of(statements[3])["chain"]] == [statements[2].number]
    assert document_of(statements[0])["chain"] == []
