"""Files as people really send them: encodings, delimiters, workbooks, and what is refused before a row is read."""

import gzip
import io
import zipfile
from datetime import datetime

import openpyxl
import pytest

from core.imports import table as limits
from core.imports.mapping import (
    ColumnMissing,
    ColumnTwice,
    ColumnUnknown,
    ImportField,
    check_mapping,
    guess_mapping,
    mapped_values,
)
from core.imports.report import ImportReport
from core.imports.table import TableUnreadable, read_table

TEXT = "门店名称,城市\n人民广场店,上海市\n解放碑店,重庆市\n春熙路步行街店,成都市\n"
FIELDS = (
    ImportField("name", "Name", ("store name", "门店名称", "店名"), is_required=True),
    ImportField("city", "City", ("城市", "市区町村")),
)


def workbook(*rows, **named):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "big5"])
def test_every_encoding_gives_the_same_rows(encoding):
    text = TEXT if encoding != "big5" else "門市名稱,城市\n人民廣場店,臺北市\n中山北路分店,高雄市\n"

    table = read_table(content=text.encode(encoding))

    assert [list(row.cells.values()) for row in table.rows] == [
        line.split(",") for line in text.splitlines()[1:]
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_told_by_the_header(delimiter):
    table = read_table(content=f"a{delimiter}b\n1{delimiter}2\n".encode())

    assert table.columns == ["a", "b"]
    assert table.rows[0].cells == {"a": "1", "b": "2"}


def test_spaces_quotes_and_blank_lines():
    content = b'name ,\xe5\x9f\x8e\xe5\xb8\x82 \r\n" A, ""B""\r\nC ",x\r\n\r\n,\r\nshort\r\nlong,x,y\r\n'

    table = read_table(content=content)

    assert table.columns == ["name", "城市"]
    assert [(row.number, row.cells["name"], row.cells["城市"], row.is_ragged) for row in table.rows] == [
        (2, 'A, "B"\r\nC', "x", False),
        (5, "short", "", False),
        (6, "long", "x", True),
    ]


def test_gzip_and_workbook_are_told_by_their_first_bytes():
    assert (
        read_table(content=gzip.compress(TEXT.encode(), mtime=0)).rows
        == read_table(content=TEXT.encode()).rows
    )

    table = read_table(
        content=workbook(
            ["name", "postcode", "on"],
            ["A", 310000.0, datetime(2026, 1, 2, 3, 4, 5)],
            [None, None, None],
            ["B", "0571", 1.5],
        )
    )

    assert [list(row.cells.values()) for row in table.rows] == [
        ["A", "310000", "2026-01-02 03:04:05"],
        ["B", "0571", "1.5"],
    ]


def test_formula_of_a_workbook_is_its_last_value_and_never_run():
    table = read_table(content=workbook(["name"], ["=1+1"], ["x"]))

    assert [row.cells["name"] for row in table.rows] == ["x"]  # openpyxl wrote no value for the formula


def bomb():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 5000)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\xd0\xcf\x11\xe0old", "old_excel"),
        (b"PK\x03\x04no", "not_a_table"),
        (b"\x1f\x8bno", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not_a_table"),
        (b"\xff\xfea", "encoding_unknown"),
        (b",,\n,,\n", "no_header"),
        (b"a,b,a\n1,2,3\n", "column_twice"),
        (bomb(), "too_large"),
        (gzip.compress(b"a\n" + b"1\n" * 2000, mtime=0), "too_large"),
        (b"a" * 1001, "too_large"),
        (b"a\n1\n2\n3\n4\n", "too_many_rows"),
        (b"a,b,c,d\n", "too_many_columns"),
        (b"a\n" + b"x" * 51, "cell_too_long"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named(monkeypatch, content, why):
    for name, value in (
        ("MAX_FILE_BYTES", 1000),
        ("MAX_UNPACKED_BYTES", 3000),
        ("MAX_ROWS", 3),
        ("MAX_COLUMNS", 3),
        ("MAX_CELL_CHARACTERS", 50),
    ):
        monkeypatch.setattr(limits, name, value)

    with pytest.raises(TableUnreadable) as refused:
        read_table(content=content)

    assert refused.value.facts["why"] == why


def test_quotation_mark_that_is_never_closed_is_named():
    with pytest.raises(TableUnreadable) as refused:
        read_table(content=b'a,b\n"1,2\n' + b"3,4\n" * 50_000)

    assert refused.value.facts["why"] == "cell_too_long"


def test_mapping_is_guessed_by_names_in_three_languages():
    assert guess_mapping(fields=FIELDS, columns=["Store_Name", "城市 "]) == {
        "name": "Store_Name",
        "city": "城市 ",
    }
    assert guess_mapping(fields=FIELDS, columns=["市区町村", "店名"]) == {"name": "店名", "city": "市区町村"}
    assert guess_mapping(fields=FIELDS, columns=["x"]) == {}


@pytest.mark.parametrize(
    ("mapping", "error"),
    [
        ({"city": "b"}, ColumnMissing),
        ({"name": "z"}, ColumnUnknown),
        ({"name": "a", "city": "a"}, ColumnTwice),
    ],
)
def test_wrong_mapping_is_refused(mapping, error):
    with pytest.raises(error):
        check_mapping(mapping=mapping, fields=FIELDS, columns=["a", "b"])


def test_field_without_a_column_is_absent():
    row = read_table(content=b"a,b\n1,2\n").rows[0]

    assert mapped_values(row=row, mapping={"name": "a", "city": ""}) == {"name": "1"}


def test_report_counts_a_row_once_and_adds_up():
    report = ImportReport()
    report.accept(number=2, title="A", warnings=["x", "y", "x"])
    report.accept(number=3, title="B", warnings=[])
    report.refuse(number=4, title="C", code="z")
    report.created = 2

    report.check_adds_up(rows=3)
    assert report.as_json() == {
        "rows": 3, "imported": 2, "with_warnings": 1, "refused": 1, "warnings": {"x": 1, "y": 1},
        "refusals": {"z": 1}, "created": 2, "updated": 0, "unchanged": 0,
    }  # fmt: skip
    with pytest.raises(AssertionError):
        report.check_adds_up(rows=4)
    report.created = 1
    with pytest.raises(AssertionError):
        report.check_adds_up(rows=3)
