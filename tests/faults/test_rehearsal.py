"""A short rehearsal with every fault, beside an installation in a folder of its own: nothing is broken by it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from core.tests.test_embedded import folder, manage, servers  # noqa: F401 - fixtures
from tests.faults.product import environment

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="a valid measure needs /proc"),
]

TOWN = """
import json
from datetime import timedelta
from django.utils import timezone
from django_scopes import scopes_disabled
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.domain.sealing import seal_statements
from coupons.tests.town import make_town
with scopes_disabled():
    town = make_town()
    more = town.make_deal(title="四人餐", price_fen=25_800, list_price_fen=39_900, per_person_limit=4)
    long_ago = timezone.now() - timedelta(days=3)
    (coupon,) = town.buy(at=long_ago)
    town.redeem(coupon.code, at=long_ago + timedelta(hours=1))
    settle_merchant(merchant_id=town.merchant.pk)
    seal_statements(merchant=town.merchant)
    session = plan_session(merchant=town.merchant, plan=SessionPlan(
        title="周六夜场", host_name="小敏", planned_from=timezone.now() + timedelta(days=9),
        planned_until=timezone.now() + timedelta(days=9, hours=2),
        deals=(Allotment(town.deal.pk, 50), Allotment(more.pk, 30))), by=town.owner)
print(json.dumps({"session": session.pk, "merchant": town.merchant.pk}))
"""
FIGURES = """
import json, sys
from django.db import connection
merchant = {merchant}
found = {{}}
with connection.cursor() as cursor:
    cursor.execute("SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_name)"
        " WHERE c.column_name = 'merchant_id' AND c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        " AND c.table_name NOT IN ('live_rehearsal', 'identity_auditevent')")
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {{table}} t WHERE merchant_id = %s", [merchant])
        found[table] = cursor.fetchone()
    facts = {{}}
    for name, query in {{
        "unsealed": "SELECT count(*) FROM settlement_statement s JOIN merchants_merchant m ON m.party_id = s.merchant_id WHERE m.shadow_of_id IS NOT NULL",
        "orders": "SELECT count(*) FROM coupons_order o JOIN merchants_merchant m ON m.party_id = o.merchant_id WHERE m.shadow_of_id IS NOT NULL AND o.state IN ('paid', 'completed')",
        "lines": "SELECT count(*) FROM settlement_settlementline l JOIN merchants_merchant m ON m.party_id = l.merchant_id WHERE m.shadow_of_id IS NOT NULL",
        "jobs_left": "SELECT count(*) FROM core_job WHERE lane <> '' AND state <> 'done'",
        "tokens": "SELECT count(*) FROM knox_authtoken",
    }}.items():
        cursor.execute(query)
        facts[name] = cursor.fetchone()[0]
print(json.dumps({{"real": found, "facts": facts}}))
"""


def ask(script: str, servers: Any) -> dict[str, Any]:  # noqa: F811
    said = manage("shell", "--verbosity", "0", "-c", script, folder=servers.folder)
    return json.loads(said.stdout.splitlines()[-1])


def test_a_short_rehearsal_with_every_fault(servers):  # noqa: F811
    manage("migrate", folder=servers.folder)
    made = ask(TOWN, servers)
    figures = FIGURES.format(merchant=made["merchant"])
    before = ask(figures, servers)["real"]
    said = subprocess.run(
        [
            sys.executable,
            "manage.py",
            "rehearse",
            str(made["session"]),
            "--peak",
            "5",
            "--minutes",
            "0.4",
            "--json",
        ],
        cwd=settings.ROOT,
        env=environment(servers.folder),
        capture_output=True,
        text=True,
        timeout=float(os.environ.get("TONGDAO_FAULT_SECONDS", "420")),
        check=False,
    )
    print(said.stderr[-3000:])
    assert said.returncode == 0
    result = json.loads(said.stdout.splitlines()[-1])
    assert set(result) == {"steps", "sold", "stock", "broken", "go"}
    assert all(set(step) == {"rate", "p50_ms", "p95_ms", "p99_ms", "sold"} for step in result["steps"])
    assert len(result["steps"]) == 3
    assert result["broken"] == {}
    assert result["sold"] == result["stock"] > 20
    assert result["go"] is False  # shorter than five minutes
    (report,) = (servers.folder.path / "rehearsals").glob("*/report.json")
    seen = json.loads(report.read_text())
    assert [fault["kind"] for fault in seen["faults"]] == [
        "worker_killed",
        "slow_provider",
        "disorder",
        "redis_restarted",
    ]
    assert seen["verdict"]["reasons"][0]["code"] == "too_short"
    assert (seen["is_drained"], seen["dead_jobs"]) == (True, 0)
    after = ask(figures, servers)
    assert after["real"] == before, "the real shop was touched"
    assert after["facts"].pop("orders") > 10
    assert after["facts"].pop("lines") > 0, "uses were settled in the shadow shop's own book"
    assert after["facts"] == {"unsealed": 0, "jobs_left": 0, "tokens": 0}


def test_an_unknown_session_is_one_sentence(servers):  # noqa: F811
    manage("migrate", folder=servers.folder)
    for arguments, sentence in (
        (["123", "--peak", "5"], "There is no live session 123."),
        (["abc", "--peak", "5"], "invalid int value"),
        (["123"], "--peak N"),
    ):
        said = subprocess.run(
            [sys.executable, "manage.py", "rehearse", *arguments, "--json"],
            cwd=settings.ROOT,
            env=environment(servers.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 2
        assert sentence in said.stderr.splitlines()[-1]
        assert said.stdout == ""
