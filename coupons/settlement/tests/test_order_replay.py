"""A shop's real list of orders, where the shared data lie beside the project; bad lists of our own always."""

import csv
import json
import os
import random
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from core.imports.table import read_table
from core.invariants import check_invariants
from coupons.settlement.domain.bill_rows import read_bill
from coupons.settlement.domain.order_replay import (
    book_shop,
    build_shop,
    read_order_file,
    reconcile_shop,
)
from coupons.settlement.models import Break
from merchants.models import Merchant

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("TONGDAO_SHARED_DATA", ROOT.parent / "shared" / "data")) / "orders"
HEAD = ["订单编号", "总金额", "买家实际支付金额", "收货地址 ", "订单创建时间", "订单付款时间 ", "退款金额"]
EACH = 20

pytestmark = pytest.mark.django_db
needs_real = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not beside the project")


def the_file() -> Path:
    (file,) = DATA.glob("*.csv")
    return file


def write_list(path: Path, rows: list[list[str]], head: list[str] = HEAD) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([head, *rows])
    return path


@needs_real
def test_the_real_list_comes_out_to_the_fen() -> None:
    out = StringIO()

    call_command("replay_orders", str(the_file()), json=True, stdout=out)

    assert json.loads(out.getvalue().splitlines()[-1]) == {
        "orders": 6063,
        "paid": 5222,
        "unpaid": 841,
        "gross_fen": 49_595_408,
        "refunded_fen": 14_533_113,
        "net_fen": 35_062_295,
        "breaks": {},
        "proofs_broken": 0,
    }


def plant_differences(
    rows: list[dict[str, str]], seed: int
) -> tuple[list[dict[str, str]], dict[str, set[str]]]:
    """A copy of the list with EACH differences of five kinds, none in the same order; their order numbers by kind."""
    draw = random.Random(seed)  # noqa: S311 - chooses rows
    paid = [row for row in rows if row["订单付款时间 "]]
    chosen = draw.sample(paid, 4 * EACH)
    lost, changed, twice, returned = (
        [row["订单编号"] for row in chosen[start : start + EACH]] for start in range(0, 4 * EACH, EACH)
    )
    told: list[dict[str, str]] = []
    for row in rows:
        number, fen = row["订单编号"], draw.randint(1, 999)
        if number in lost:
            continue
        row = dict(row)
        if number in changed:
            row["总金额"], row["买家实际支付金额"] = (
                f"{float(row[name]) + fen / 100:.2f}" for name in ("总金额", "买家实际支付金额")
            )
        if number in returned:
            # Another sum went back: less of what was refunded, or a part of what was kept.
            kept, back = (round(float(row[name]) * 100) for name in ("买家实际支付金额", "退款金额"))
            shift = min(fen, kept) if kept else -min(fen, back)
            row["买家实际支付金额"], row["退款金额"] = (
                f"{(kept - shift) / 100:.2f}",
                f"{(back + shift) / 100:.2f}",
            )
        told += [row, dict(row)] if number in twice else [row]
    strangers = [f"9{number:07d}" for number in draw.sample(range(10**7), EACH)]
    for number, row in zip(strangers, draw.sample(paid, EACH), strict=True):
        told.insert(draw.randrange(len(told)), {**row, "订单编号": number})
    return told, {
        "missing_in_bill": set(lost),
        "amount_differs": set(changed),
        "duplicate_in_bill": set(twice),
        "refund_differs": set(returned),
        "missing_in_books": set(strangers),
    }


@needs_real
def test_exactly_the_planted_differences_are_found_with_their_kind(tmp_path: Path) -> None:
    """The orders enter once; each seed's list then is the provider's bill of them, in a transaction that is taken back."""
    file = the_file()
    with file.open(newline="", encoding="utf-8-sig") as source:
        rows = list(csv.DictReader(source))
    shop = build_shop(orders=read_order_file(file))
    book_shop(shop=shop)
    for seed in (1, 20_200_201, 987_654_321):
        told, planted = plant_differences(rows, seed)
        copy = write_list(tmp_path / f"{seed}.csv", [list(row.values()) for row in told])
        bill = read_bill(table=read_table(content=copy.read_bytes()), zone=shop.merchant.tzinfo)
        assert bill.refused == []
        with transaction.atomic():
            counts = reconcile_shop(shop=shop, rows=bill.rows, file_name=copy.name)
            found: dict[str, set[str]] = {}
            numbers = Break._base_manager.filter(merchant=shop.merchant, state="open").values_list(
                "kind", "payment__provider_reference", "reference"
            )
            for kind, number, reference in numbers:
                found.setdefault(kind, set()).add(number or reference)
            transaction.set_rollback(True)
        assert counts == dict.fromkeys(planted, EACH)
        assert found == planted
    assert check_invariants(merchant_id=shop.merchant.pk).broken == {}


@pytest.mark.parametrize(
    ("head", "row", "why"),
    [
        (HEAD[:-1], ["1", "5.0", "5.0", "x", "2020-02-01 00:00:00", "2020-02-01 00:00:01"], "lacks a column"),
        (HEAD, ["1", "5.0", "4.0", "x", "2020-02-01 00:00:00", "2020-02-01 00:00:01", "0.0"], "sums_differ"),
        (
            HEAD,
            ["1", "5.001", "5.001", "x", "2020-02-01 00:00:00", "2020-02-01 00:00:01", "0.0"],
            "amount_invalid",
        ),
        (HEAD, ["1", "5.0", "5.0", "x", "2020-02-01 00:00:00", "2020-02-30 00:00:01", "0.0"], "time_invalid"),
        (HEAD, ["1", "5.0", "5.0", "x", "2020-02-01 00:00:00", "", "0.0"], "money_without_time"),
        (
            HEAD,
            ["", "5.0", "5.0", "x", "2020-02-01 00:00:00", "2020-02-01 00:00:01", "0.0"],
            "reference_missing",
        ),
        (HEAD, ["1", "5.0", "0.0", "x", "2020-02-01 00:00:00", "", "0.0"], "no order in it was paid"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_sentence_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], head: list[str], row: list[str], why: str
) -> None:
    file = write_list(tmp_path / "list.csv", [row], head)

    with pytest.raises(SystemExit) as end:
        call_command("replay_orders", str(file), json=True)

    said = capsys.readouterr().err.strip()
    assert (end.value.code, Merchant.objects.count()) == (2, 0)
    assert why in said
    assert "\n" not in said


def test_a_file_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("replay_orders", "nowhere.csv")
    assert (end.value.code, capsys.readouterr().err) == (2, "nowhere.csv: there is no such file.\n")


def test_a_list_of_four_orders_counts_each_once(tmp_path: Path) -> None:
    moments = ["2020-02-01 23:59:00", "2020-02-02 00:00:01"]
    file = write_list(
        tmp_path / "list.csv",
        [
            ["1", "10.0", "10.0", "x", *moments, "0.0"],
            ["2", "10.0", "0.0", "x", *moments, "10.0"],
            ["3", "10.01", "7.0", "x", *moments, "3.01"],
            ["4", "99.0", "0.0", "x", moments[0], "", "0.0"],
        ],
    )
    shop = build_shop(orders=read_order_file(file))
    with transaction.atomic():
        counts = Counter(Merchant.objects.filter(pk=shop.merchant.pk).values_list("orders__state", flat=True))
    assert counts == {"paid": 3, "closed": 1}
    assert [str(day) for day in shop.days] == ["2020-02-02", "2020-02-02"]
