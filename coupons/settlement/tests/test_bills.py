"""Bills from files and from the sandbox provider, and the night that fetches them."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_scopes import scope

from core.domain.jobs import run_due_jobs
from core.imports.mapping import ColumnMissing
from core.imports.table import read_table
from core.models import Job
from coupons.domain.refunds import request_refund
from coupons.models import SandboxCharge
from coupons.settlement.domain.bill_rows import read_bill
from coupons.settlement.domain.fetching import enqueue_finished_days, fetch_bill
from coupons.settlement.domain.reconciliation import reconcile_day
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import BillEntry, ProviderBill, ReconciliationRun
from coupons.settlement.tests.billing import breaks_of, noon, rows_of_day
from coupons.tests.town import Town, make_town
from merchants.models import Merchant

pytestmark = pytest.mark.django_db
PRICE = 12_800
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEAD = "付款单号,类型,金额（元）,时间,退款单号\n".replace("付款单号", "商户订单号").replace("（元）", "")


@pytest.fixture
def town() -> Town:
    return make_town()


def read(text: str):
    return read_bill(table=read_table(content=text.encode()), zone=SHANGHAI)


def test_a_plain_bill_is_read_to_the_fen_in_either_language() -> None:
    ours = read(
        'reference,kind,amount,time,refund_reference\nP1,payment,"1,234.50",2026-11-20 23:59:59,\nP1,refund,4.5,2026-11-21T08:00:00+00:00,77\n'
    )
    theirs = read(HEAD + "`P1,付款,¥1234.50,2026/11/20 23:59:59,\n`P1,退款,4.50,2026-11-21 16:00,`77\n")

    assert [(r.number, r.kind, r.reference, r.amount_fen, r.refund_reference) for r in ours.rows] == [
        (2, "payment", "P1", 123_450, ""),
        (3, "refund", "P1", 450, "77"),
    ]
    assert [(r.amount_fen, r.happened_at, r.refund_reference) for r in theirs.rows] == [
        (r.amount_fen, r.happened_at, r.refund_reference) for r in ours.rows
    ]
    assert ours.rows[0].happened_at == datetime(2026, 11, 20, 23, 59, 59, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",payment,1,2026-11-20 10:00,", "reference_missing"),
        (f"{'9' * 81},payment,1,2026-11-20 10:00,", "reference_too_long"),
        ("P1,gift,1,2026-11-20 10:00,", "kind_unknown"),
        ("P1,payment,1.005,2026-11-20 10:00,", "amount_invalid"),
        ("P1,payment,-1,2026-11-20 10:00,", "amount_invalid"),
        ("P1,payment,1e3,2026-11-20 10:00,", "amount_invalid"),
        ("P1,payment,0.00,2026-11-20 10:00,", "amount_zero"),
        ("P1,payment,1,20 November,", "time_invalid"),
        ("P1,payment,1,0001-01-01 00:00,", "time_invalid"),
        ("P1,payment,1,2026-11-20 10:00,,extra", "ragged"),
    ],
)
def test_a_row_that_cannot_be_taken_is_named_with_its_number_and_reason(row: str, code: str) -> None:
    bill = read(HEAD + "P0,payment,1,2026-11-20 10:00,\n" + row + "\n")

    assert [(one.number, one.codes) for one in bill.refused] == [(3, [code])]


def test_a_file_of_another_shape_lacks_its_column() -> None:
    with pytest.raises(ColumnMissing):
        read("name,city\nA,B\n")


def write_bill(path: Path, town: Town, rows) -> Path:
    lines = [
        f"{row.reference},{row.kind},{row.amount_fen / 100:.2f},{row.happened_at.astimezone(town.merchant.tzinfo):%Y-%m-%d %H:%M:%S},{row.refund_reference}"
        for row in rows
    ]
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def run_import(file: Path, *, status: int = 0, **options) -> dict:
    out = StringIO()
    if status:
        with pytest.raises(SystemExit) as end:
            call_command("import_bill", str(file), merchant="laozao", json=True, stdout=out, **options)
        assert end.value.code == status
    else:
        call_command("import_bill", str(file), merchant="laozao", json=True, stdout=out, **options)
    return json.loads(out.getvalue().splitlines()[-1])


def test_the_command_imports_and_matches_once(town: Town, tmp_path: Path) -> None:
    at = noon(zone=town.merchant.tzinfo)
    town.buy(at=at)
    town.buy(at=at)
    settle_merchant(merchant_id=town.merchant.pk)
    file = write_bill(tmp_path / "bill.csv", town, rows_of_day(town, at.date())[:1])

    told = run_import(file)

    assert told == {
        "rows": 1, "imported": 1, "unpaid": 0, "refusals": {}, "is_new": True, "payments_fen": PRICE, "refunds_fen": 0,
        "breaks": {"missing_in_bill": 1},
    }  # fmt: skip
    again = run_import(file)
    assert (again["is_new"], again["imported"]) == (False, 0)
    with scope(merchant=town.merchant.pk):
        assert (ProviderBill.objects.count(), BillEntry.objects.count()) == (1, 1)


def test_one_bad_row_and_nothing_is_imported(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "bill.csv"
    file.write_text(
        HEAD + "P1,payment,1,2026-11-20 10:00,\nP2,payment,?,2026-11-20 10:00,\n", encoding="utf-8"
    )

    told = run_import(file, status=1)

    assert (told["imported"], told["refusals"]) == (0, {"amount_invalid": 1})
    with scope(merchant=town.merchant.pk):
        assert (ProviderBill.objects.count(), ReconciliationRun.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv", "--merchant", "laozao"], "There is no file nowhere.csv."),
        (["{file}", "--merchant", "nobody"], "There is no merchant nobody."),
        (["{file}", "--merchant", "laozao", "--provider", "moon"], "There is no payment provider moon."),
        (
            ["{file}", "--merchant", "laozao", "--from", "soon"],
            "--from and --until are days such as 2026-02-01.",
        ),
        (["{file}", "--merchant", "laozao"], "No column for 'reference' among: a, b."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_two(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    file = tmp_path / "bill.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(SystemExit) as end:
        call_command("import_bill", *(one.format(file=file) for one in arguments))

    assert (end.value.code, capsys.readouterr().err) == (2, f"{said}\n")


# The sandbox's own books, and the night


def a_past_day(town: Town):
    at = noon(zone=town.merchant.tzinfo)
    Merchant.objects.filter(pk=town.merchant.pk).update(created_at=at - timedelta(days=1))
    for _ in range(2):
        order = town.order(at=at)
        town.pay(order, at=at)
    SandboxCharge.objects.update(paid_at=at)
    settle_merchant(merchant_id=town.merchant.pk)
    return at.date()


def test_the_sandbox_bills_each_merchant_its_own_money(town: Town) -> None:
    day = a_past_day(town)
    other = make_town("other", "别家")
    a_past_day(other)

    fetched = fetch_bill(merchant=town.merchant, day=day)

    assert fetched is not None
    assert (fetched.bill.payments_count, fetched.bill.payments_fen, fetched.bill.imported_by) == (
        2,
        2 * PRICE,
        None,
    )
    run = reconcile_day(merchant=town.merchant, day=day)
    assert (run.is_billed, run.matched, breaks_of(town)) == (True, 2, [])
    assert fetch_bill(merchant=town.merchant, day=day) is None


def test_the_sandbox_bills_refunds_under_the_key_they_were_asked_for(town: Town) -> None:
    at = timezone.now()
    (coupon,) = town.buy(at=at)
    refund = request_refund(coupon=coupon, by=town.owner)
    run_due_jobs(kinds=["pay_refund"])
    settle_merchant(merchant_id=town.merchant.pk)
    today = at.astimezone(town.merchant.tzinfo).date()

    fetch_bill(merchant=town.merchant, day=today)
    run = reconcile_day(merchant=town.merchant, day=today)

    with scope(merchant=town.merchant.pk):
        told = BillEntry.objects.values_list("kind", "refund_reference", "amount_fen").order_by("kind")
        assert list(told) == [("payment", "", PRICE), ("refund", str(refund.pk), PRICE)]
    assert (run.refunds_fen, run.billed_refunds_fen, breaks_of(town)) == (PRICE, PRICE, [])


def test_each_night_every_day_that_is_over_is_fetched_and_matched_once(town: Town) -> None:
    day = a_past_day(town)

    first, second = enqueue_finished_days(), enqueue_finished_days()

    assert (first >= 1, second) == (True, 0)
    assert run_due_jobs(kinds=["fetch_bill"]) == first
    run_due_jobs(kinds=["reconcile_day"])
    with scope(merchant=town.merchant.pk):
        run = ReconciliationRun.objects.get(day=day)
    assert (run.is_billed, run.matched, breaks_of(town)) == (True, 2, [])
    assert set(
        Job.objects.filter(kind__in=["fetch_bill", "reconcile_day"]).values_list("state", flat=True)
    ) == {"done"}


def test_shadow_shops_are_never_billed(town: Town) -> None:
    a_past_day(town)
    real = make_town("real", "真店")
    Merchant.objects.filter(pk=town.merchant.pk).update(shadow_of=real.merchant)
    enqueue_finished_days()
    assert not Job.objects.filter(kind="fetch_bill", merchant_id=town.merchant.pk).exists()
