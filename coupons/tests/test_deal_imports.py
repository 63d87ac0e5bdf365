"""Lists of deals: exact figures on the real file and on our sample, currency, states, and importing twice."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django_scopes import scope, scopes_disabled

from core.imports.table import read_table
from coupons.domain.deal_imports import CurrencyDiffers, guess_deal_mapping, import_deals
from coupons.models import Deal, DealStock
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant

pytestmark = pytest.mark.django_db
SAMPLE = settings.ROOT / "samples/deals/deals.csv"
SHARED = Path(os.environ.get("TONGDAO_SHARED_DATA", settings.ROOT.parent / "shared/data"))
REAL = SHARED / "deals/groupbuy_deals_2011-07_2012-03.csv.gz"


def run(capsys, path, slug, *options):
    """(exit status, JSON of the last line, everything said) of the command."""
    try:
        call_command("import_deals", str(path), "--merchant", slug, "--json", *options)
        status = 0
    except SystemExit as left:
        status = left.code
    out = capsys.readouterr().out
    return status, json.loads(out.splitlines()[-1]) if out else None, out


def deals_of(slug):
    with scope(merchant=Merchant.objects.get(slug=slug).pk):
        return list(Deal.objects.order_by("id").select_related("stock"))


def test_real_deals_of_2011(capsys):
    if not REAL.exists():
        pytest.skip(f"no {REAL} (set TONGDAO_SHARED_DATA)")

    status, report, said = run(capsys, REAL, "groupbuy")

    assert (status, report["rows"], report["imported"], report["refused"]) == (0, 15399, 15399, 0)
    assert report["warnings"] == {
        "usable_days_missing": 5711,
        "validity_missing": 4956,
        "usable_days_conditional": 2547,
        "holidays_excluded": 1848,
        "price_zero": 2,
        "sale_period_zero": 1,
    }
    assert "Prices are in JPY, not CNY: kept as fen of the file's unit, 1 JPY = 100 fen." in said
    assert report["by_state"] == {"ended": 15399}
    merchant = Merchant.objects.get(slug="groupbuy")
    assert (merchant.currency, merchant.zone) == ("JPY", "Asia/Tokyo")
    with scope(merchant=merchant.pk):
        with connection.cursor() as cursor:  # autovacuum does not see into a test's transaction
            cursor.execute("ANALYZE coupons_stockpool, coupons_stockslot")
        assert DealStock.objects.count() == Deal.objects.count() == 15399
        deal = Deal.objects.get(external_number="6b263844241eea98c5a97f1335ea82af")
        start = datetime(2011, 12, 20, 3, 0, tzinfo=UTC)  # 12:00 in Tokyo
        assert Deal.objects.filter(sale_from=start).count() == 128
    assert (deal.title, deal.category, deal.list_price_fen, deal.price_fen) == (
        "グルメ · 埼玉",
        "グルメ",
        300_000,
        150_000,
    )
    assert (deal.valid_from_date, deal.valid_until_date) == (date(2011, 7, 10), date(2011, 12, 8))
    assert deal.usable_weekdays == [0, 1, 2, 3, 6]


def test_sample_names_every_doubt_and_refusal(capsys):
    status, report, said = run(capsys, SAMPLE, "sample")

    assert (status, report["rows"], report["imported"], report["with_warnings"]) == (1, 10, 5, 3)
    assert report["refusals"] == {
        "price_above_list": 1, "no_usable_day": 1, "validity_reversed": 1, "duplicate_number": 1, "price_malformed": 1,
    }  # fmt: skip
    assert (report["currency"], report["by_state"]) == ("CNY", {"draft": 4, "ended": 1})
    assert "fen of the file's unit" not in said
    deals = {deal.external_number: deal for deal in deals_of("sample")}
    assert {number: deal.state for number, deal in deals.items()} == {
        "D001": "draft", "D002": "draft", "D003": "draft", "D004": "ended", "D005": "draft",
    }  # fmt: skip
    assert (deals["D001"].price_fen, deals["D001"].valid_days, deals["D001"].stock.total) == (12_800, 90, 500)
    assert (deals["D002"].usable_weekdays, deals["D002"].validity_kind) == ([0, 1, 2, 3, 4], "fixed")
    assert (deals["D003"].price_fen, deals["D003"].usable_weekdays) == (0, [0, 1, 2, 3, 4, 5, 6])
    assert "新客赠送" in deals["D003"].description
    assert len(deals["D003"].description.splitlines()) == 2
    assert (deals["D005"].valid_days, deals["D005"].stock.total) == (90, None)


def test_importing_twice_leaves_what_is_there(capsys):
    run(capsys, SAMPLE, "sample")
    with scope(merchant=Merchant.objects.get(slug="sample").pk):
        Deal.objects.filter(external_number="D001").update(title="Renamed here")

    _status, second, _said = run(capsys, SAMPLE, "sample")

    assert (second["created"], second["unchanged"], second["warnings"]["already_there"]) == (0, 5, 5)
    assert [deal.title for deal in deals_of("sample")][0] == "Renamed here"
    assert len(deals_of("sample")) == 5


def test_dry_run_changes_nothing(capsys):
    status, report, _said = run(capsys, SAMPLE, "sample", "--dry-run")

    assert (status, report["created"]) == (1, 5)
    assert not Merchant.objects.filter(slug="sample").exists()
    with scopes_disabled():
        assert not Deal.objects.exists()


def import_text(text, merchant=None):
    merchant = merchant or create_merchant(slug="shop", name="Shop")
    table = read_table(content=text.encode())
    return import_deals(
        merchant=merchant,
        table=table,
        mapping=guess_deal_mapping(table),
        currency="CNY",
        zone=ZoneInfo("Asia/Shanghai"),
        by=None,
    ).report


def test_deal_without_a_number_is_not_doubled():
    text = "名称,售价,原价\nA,1,2\nA,1,3\nA,1,2\n"
    report = import_text(text)
    assert (report.created, dict(report.refusals)) == (2, {"duplicate_deal": 1})

    report = import_text(text, Merchant.objects.get(slug="shop"))

    assert (report.created, report.unchanged) == (0, 2)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",10,20", "title_missing"),
        ("A,,20", "price_missing"),
        ("A,ten,20", "price_malformed"),
        ("A,-1,20", "price_malformed"),
        ("A,1.005,20", "price_malformed"),
        ("A,NaN,20", "price_malformed"),
        ("A,Infinity,20", "price_malformed"),
        ("A,1e30,20", "price_malformed"),
        ("A,30,20", "price_above_list"),
        ("A,10,20,2026-13-01", "date_malformed"),
        ("A,10,20,2026-02-01,2026-01-01", "sale_window_reversed"),
        ("A,10,20,,,2026-01-01", "validity_incomplete"),
        ("A,10,20,,,2026-02-01,2026-01-01", "validity_reversed"),
        ("A,10,20,,,,,soon", "days_malformed"),
        ("A,10,20,,,,,4000", "days_malformed"),
        ("A,10,20,,,,,,3", "usable_day_malformed"),
        ("A,10,20,,,,,,,many", "stock_malformed"),
        ("A,10,20,,,,,,,," + "9" * 65, "number_too_long"),
        ("A,10,20,,,,,,,,,x", "too_many_cells"),
    ],
)
def test_refusals(row, code):
    header = "名称,售价,原价,售卖开始时间,售卖结束时间,有效期开始,有效期结束,有效天数,周一,库存,编号"

    report = import_text(f"{header}\n{row}\n")

    assert (report.imported, dict(report.refusals)) == (0, {code: 1})
    assert deals_of("shop") == []


def test_discount_that_does_not_follow_is_doubted():
    report = import_text("名称,售价,原价,割引率\nA,1500,3000,50\nB,1000,2080,51\nC,1000,2080,52\n")

    assert report.warnings["rate_differs"] == 1


def test_other_currency_than_the_merchants_is_refused(tmp_path, capsys):
    merchant = create_merchant(slug="shop", name="Shop")

    with pytest.raises(SystemExit) as left:
        call_command("import_deals", str(SAMPLE), "--merchant", "shop", "--currency", "JPY")

    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("shop sells in CNY, the file is in JPY")
    assert deals_of("shop") == []
    table = read_table(content=SAMPLE.read_bytes())
    with pytest.raises(CurrencyDiffers):
        import_deals(
            merchant=merchant, table=table, mapping=guess_deal_mapping(table), currency="JPY",
            zone=merchant.tzinfo, by=None,
        )  # fmt: skip
