"""Lists of stores: exact figures on real files and on our sample, and what importing twice does."""

import json
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django_scopes import scope, scopes_disabled

from core.imports.table import read_table
from merchants.domain.merchants import create_merchant
from merchants.domain.store_imports import guess_store_mapping, import_stores
from merchants.models import Merchant, Store

pytestmark = pytest.mark.django_db
SAMPLE = settings.ROOT / "samples/stores/stores.csv"
SHARED = Path(os.environ.get("TONGDAO_SHARED_DATA", settings.ROOT.parent / "shared/data"))


def real_file(name):
    path = SHARED / "stores" / name
    if not path.exists():
        pytest.skip(f"no {path} (set TONGDAO_SHARED_DATA)")
    return path


def run(capsys, path, slug, *options):
    """(exit status, JSON of the last line) of the command."""
    try:
        call_command("import_stores", str(path), "--merchant", slug, "--json", *options)
        status = 0
    except SystemExit as left:
        status = left.code
    out = capsys.readouterr().out
    return status, json.loads(out.splitlines()[-1]) if out else None


def stores_of(slug):
    with scope(merchant=Merchant.objects.get(slug=slug).pk):
        return list(Store.objects.order_by("id"))


def test_starbucks_stores(capsys):
    status, report = run(capsys, real_file("starbucks_cn_2017.csv"), "starbucks")

    assert status == 0
    assert (report["rows"], report["imported"], report["refused"]) == (2734, 2734, 0)
    assert report["warnings"] == {
        "phone_missing": 1397,
        "postcode_missing": 542,
        "city_renamed": 333,
        "province_code_unofficial": 175,
        "postcode_malformed": 93,
        "wrong_province": 3,
        "city_is_province": 2,
    }
    by_city = report["by_city"]
    assert [by_city[city] for city in ("上海市", "北京市", "杭州市", "深圳市", "Hong Kong")] == [
        542,
        234,
        117,
        113,
        104,
    ]
    assert sum(by_city.values()) == sum(report["by_official_city"].values()) == 2734
    stores = stores_of("starbucks")
    assert len(stores) == 2734
    assert {
        (store.province, store.city) for store in stores if "wrong_province" in store.import_warnings
    } == {
        ("河北省", "廊坊市"),
        ("浙江省", "宁波市"),
    }
    assert sum(store.province == "香港特别行政区" for store in stores) == 162
    assert sum(store.province == "澳门特别行政区" for store in stores) == 13


def test_heytea_stores_tell_the_foreign_apart(capsys):
    status, report = run(capsys, real_file("heytea_2020.csv"), "heytea")

    assert (status, report["rows"], report["imported"], len(report["by_city"])) == (0, 484, 484, 47)
    assert report["warnings"] == {"outside_china": 3, "city_renamed": 3}
    assert [store.country for store in stores_of("heytea") if store.city == "新加坡"] == ["SG"] * 3
    assert sum(store.country != "CN" for store in stores_of("heytea")) == 3


def test_sample_names_every_doubt_and_refusal(capsys):
    status, report = run(capsys, SAMPLE, "sample")

    assert status == 1  # not everything that was asked for was done
    assert (report["rows"], report["imported"], report["with_warnings"], report["refused"]) == (11, 9, 7, 2)
    assert report["refusals"] == {"duplicate_number": 1, "name_missing": 1}
    stores = {store.number: store for store in stores_of("sample")}
    assert len(stores) == 9
    assert stores["S006"].address == '燕灵路 2 号, "天洋广场" 一层'
    assert (stores["S004"].city, stores["S004"].district) == ("苏州市", "昆山市")
    assert (stores["S005"].province, stores["S005"].city) == ("香港特别行政区", "香港特别行政区")
    assert (stores["S007"].country, stores["S007"].city) == ("SG", "新加坡")
    assert (stores[""].longitude, stores[""].import_warnings) == (None, ["coordinates_malformed"])


def test_importing_twice_changes_nothing(capsys):
    _status, first = run(capsys, SAMPLE, "sample")
    before = stores_of("sample")

    _status, second = run(capsys, SAMPLE, "sample")

    assert (first["created"], first["unchanged"]) == (9, 0)
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, 9)
    assert {key: second[key] for key in ("imported", "warnings", "refusals")} == {
        key: first[key] for key in ("imported", "warnings", "refusals")
    }
    assert [store.pk for store in stores_of("sample")] == [store.pk for store in before]


def test_dry_run_says_the_same_and_changes_nothing(capsys):
    status, report = run(capsys, SAMPLE, "sample", "--dry-run")

    assert (status, report["imported"], report["created"]) == (1, 9, 9)
    assert not Merchant.objects.filter(slug="sample").exists()
    with scopes_disabled():
        assert not Store.objects.exists()


def import_text(merchant, text, **more):
    table = read_table(content=text.encode())
    return import_stores(
        merchant=merchant, table=table, mapping=guess_store_mapping(table), by=None, **more
    ).report


def test_known_store_is_brought_up_to_date_and_keeps_the_rest():
    merchant = create_merchant(slug="shop", name="Shop")
    import_text(merchant, "编号,店名,城市,电话,地址\n1,A,上海市,021-1,Road 1\n")
    with scope(merchant=merchant.pk):
        Store.objects.update(state="closed", hours={"mon": [["10:00", "22:00"]]})

    report = import_text(merchant, "编号,店名,城市,电话\n1,A2,上海市,021-22222\n2,B,上海市,021-33333\n")

    assert (report.created, report.updated) == (1, 1)
    first = stores_of("shop")[0]
    assert (first.name, first.phone, first.address, first.state) == ("A2", "021-22222", "Road 1", "closed")
    assert first.hours == {"mon": [["10:00", "22:00"]]}


def test_store_without_a_number_is_known_by_name_and_city():
    merchant = create_merchant(slug="shop", name="Shop")
    import_text(merchant, "店名,城市\nA,上海\n")

    report = import_text(merchant, "编号,店名,城市\n7,A,上海市\n8,A,重庆市\n")  # now it has a number
    assert (report.created, report.updated) == (1, 1)
    report = import_text(
        merchant, "店名,城市\nA,上海市\nA,重庆市\nA,Shanghai\n"
    )  # the list without numbers again
    assert (report.unchanged, report.refusals) == (2, {"duplicate_name": 1})
    assert [(store.number, store.city) for store in stores_of("shop")] == [("7", "上海市"), ("8", "重庆市")]


def test_other_merchants_stores_are_not_touched():
    merchant, other = create_merchant(slug="shop", name="Shop"), create_merchant(slug="other", name="Other")
    import_text(other, "编号,店名,城市\n1,Theirs,上海市\n")

    import_text(merchant, "编号,店名,城市\n1,Ours,上海市\n")

    assert [store.name for store in stores_of("other")] == ["Theirs"]


@pytest.mark.parametrize(
    ("row", "warnings"),
    [
        ("A,上海市,31,200001,021-123456,121.4,31.2,x", []),
        ("A,上海市,31,,,,,", ["address_missing", "coordinates_missing", "phone_missing", "postcode_missing"]),
        ("A,Nowhere,,200001,021-123456,121.4,31.2,x", ["city_unknown"]),
        ("A,Nowhere,,200001,021-123456,2.3,48.8,x", ["outside_china"]),
        ("A,,44,200001,021-123456,121.4,31.2,x", ["city_missing"]),
        ("A,上海市,Mars,200001,021-123456,121.4,31.2,x", ["province_unknown"]),
        (
            "A,上海市,31,20001,12,999,31.2,x",
            ["coordinates_malformed", "phone_malformed", "postcode_malformed"],
        ),
        ("A,上海市,31,200001,021-123456,NaN,31.2,x", ["coordinates_malformed"]),
        ("A,上海市,31,200001,021-123456,121.4,31.2," + "x" * 201, ["text_shortened"]),
    ],
)
def test_doubts(row, warnings):
    merchant = create_merchant(slug="shop", name="Shop")

    report = import_text(merchant, f"店名,城市,省份,邮编,电话,经度,纬度,地址\n{row}\n")

    assert sorted(report.warnings) == warnings
    assert stores_of("shop")[0].import_warnings == warnings


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",上海市", "name_missing"),
        ("x" * 81 + ",上海市", "name_too_long"),
        ("A,上海市," + "9" * 41, "number_too_long"),
        ("A,上海市,1,x", "too_many_cells"),
    ],
)
def test_refusals(row, code):
    merchant = create_merchant(slug="shop", name="Shop")

    report = import_text(merchant, f"店名,城市,编号\n{row}\n")

    assert (report.imported, dict(report.refusals)) == (0, {code: 1})
    assert stores_of("shop") == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.csv", "--merchant", "shop"], "There is no file nowhere.csv."),
        (["{folder}", "--merchant", "shop"], "There is no file"),
        (["{empty}", "--merchant", "shop"], "The file is empty."),
        (["{png}", "--merchant", "shop"], "neither a CSV file nor an Excel workbook"),
        (["{columns}", "--merchant", "shop"], "No column for 'name' among: a, b."),
        (["{columns}", "--merchant", "shop", "--map", "name=z"], "The file has no column 'z'."),
        (["{columns}", "--merchant", "shop", "--map", "colour=a"], "is not FIELD=COLUMN"),
        (["{columns}", "--merchant", "not a slug"], "is no short name"),
        (["{columns}"], "--merchant"),
        (["{columns}", "--merchant", "shop", "--loud"], "--loud"),
    ],
)
def test_wrong_command_is_one_sentence_with_status_2(tmp_path, capsys, arguments, sentence):
    files = {"folder": tmp_path, "empty": tmp_path / "e", "png": tmp_path / "p", "columns": tmp_path / "c"}
    files["empty"].write_bytes(b"")
    files["png"].write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    files["columns"].write_bytes(b"a,b\n1,2\n")

    with pytest.raises(SystemExit) as left:
        call_command("import_stores", *(argument.format(**files) for argument in arguments))

    said = capsys.readouterr().err
    assert left.value.code == 2
    assert sentence in said
    assert said.count("\n") == 1
    assert not Merchant.objects.exists()


def test_mapping_is_corrected_on_the_command_line(tmp_path, capsys):
    (tmp_path / "c").write_text("a,b\nBund,上海市\n")

    status, report = run(capsys, tmp_path / "c", "shop", "--map", "name=a", "--map", "city=b")

    assert (status, report["by_city"]) == (0, {"上海市": 1})
