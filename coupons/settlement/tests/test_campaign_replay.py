"""Replays: our own sample always; the real campaigns where the shared data lie beside the project."""

import csv
import json
import os
import shutil
from contextlib import nullcontext
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from coupons.models import Redemption, RedemptionRefusal
from coupons.settlement.models import SettlementLine

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "samples" / "redemptions"
REAL = Path(os.environ.get("TONGDAO_SHARED_DATA", ROOT.parent / "shared" / "data")) / "redemptions"

pytestmark = pytest.mark.django_db
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the shared data are not beside the project")


def replay(folder, *, status=0, **options):
    out = StringIO()
    ends = pytest.raises(SystemExit) if status else nullcontext()
    with ends as end:
        call_command("replay_redemptions", str(folder), json=True, stdout=out, **options)
    assert end is None or end.value.code == status
    return json.loads(out.getvalue().splitlines()[-1])


def read(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def mutate(folder, rows_file, target, *, each):
    """Copy the folder with `each` rows moved out of their window, to a stranger, to another campaign's coupon; no other row."""
    shutil.copytree(folder, target)
    windows = {row["campaign_id"]: row for row in read(folder / "campaign_descriptions.csv")}
    households = {(row["campaign_id"], row["household_id"]) for row in read(folder / "campaigns.csv")}
    everybody = sorted({household for _, household in households})
    rows = read(folder / rows_file)[: 3 * each]
    pairs = {(row["campaign_id"], row["coupon_upc"]) for row in read(folder / rows_file)}
    upcs = sorted({upc for _, upc in pairs})
    for row in rows[:each]:
        row["redemption_date"] = str(
            date.fromisoformat(windows[row["campaign_id"]]["end_date"]) + timedelta(days=1)
        )
    for row in rows[each : 2 * each]:
        row["household_id"] = next(name for name in everybody if (row["campaign_id"], name) not in households)
    for row in rows[2 * each :]:
        row["coupon_upc"] = f"{int(upcs[-1]) + 1}"
    target_file = target / rows_file
    target_file.chmod(0o644)
    with target_file.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_the_sample_is_redeemed_and_settled_to_the_fen():
    rows = len(read(SAMPLE / "coupon_redemptions.csv"))
    answer = replay(SAMPLE, price_fen=999)
    assert answer == {
        "rows": rows, "accepted": rows, "refused": {}, "settled": rows, "gross_fen": rows * 999, "proofs_broken": 0,
    }  # fmt: skip
    again = replay(SAMPLE, price_fen=0)  # a fresh tenant: repeatable, and free coupons settle too
    assert (again["settled"], again["gross_fen"], again["proofs_broken"]) == (rows, 0, 0)


def test_mutated_rows_are_refused_each_with_its_own_reason(tmp_path):
    mutate(SAMPLE, "coupon_redemptions.csv", tmp_path / "mutated", each=10)
    answer = replay(tmp_path / "mutated", status=1)
    assert answer["refused"] == {"coupon_expired": 10, "not_targeted": 10, "coupon_not_of_campaign": 10}
    assert (answer["accepted"], answer["settled"], answer["proofs_broken"]) == (0, 0, 0)
    assert Redemption.objects.model._base_manager.count() == 0
    assert RedemptionRefusal._base_manager.count() == 10


@needs_real
def test_the_real_campaigns_refuse_none_and_settle_all():
    answer = replay(REAL)
    assert answer == {
        "rows": 1232, "accepted": 1232, "refused": {}, "settled": 1232, "gross_fen": 123_200, "proofs_broken": 0,
    }  # fmt: skip
    assert SettlementLine._base_manager.count() == 1232


@needs_real
def test_three_hundred_mutated_real_rows_are_refused(tmp_path):
    mutate(REAL, "coupon_redemptions_2017-01_09.csv", tmp_path / "mutated", each=100)
    answer = replay(tmp_path / "mutated", status=1)
    assert answer["refused"] == {"coupon_expired": 100, "not_targeted": 100, "coupon_not_of_campaign": 100}
    assert (answer["accepted"], answer["settled"], answer["proofs_broken"]) == (0, 0, 0)


@pytest.mark.parametrize("trouble", ["no folder", "no file", "no column", "no date", "no text"])
def test_an_unusable_folder_is_named_in_one_sentence_and_changes_nothing(tmp_path, trouble):
    folder = tmp_path / "files"
    if trouble != "no folder":
        shutil.copytree(SAMPLE, folder)
    victim = folder / "coupon_redemptions.csv"
    match trouble:
        case "no file":
            victim.unlink()
        case "no column":
            victim.write_text("household_id,coupon_upc\n1,2\n")
        case "no date":
            victim.write_text("household_id,coupon_upc,campaign_id,redemption_date\n1,2,1,yesterday\n")
        case "no text":
            victim.write_bytes(b"\xff\xfe\x00\xff")
    with pytest.raises(CommandError) as error:
        call_command("replay_redemptions", str(folder), json=True)
    assert error.value.returncode == 2
    assert "\n" not in str(error.value)
    assert SettlementLine._base_manager.count() == 0
