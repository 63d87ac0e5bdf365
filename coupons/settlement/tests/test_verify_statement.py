"""verify_statement.py alone: it accepts what is right and names the line of what is not, however it is resealed."""

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.settlement import verify_statement
from coupons.settlement.tests.bundles import (
    Document,
    any_statement,
    as_zip,
    make_refund,
    rehash,
    reseal,
    small_chain,
    sum_up,
    write_document,
    write_zip,
)
from coupons.settlement.verify_statement import PARTS, Refused, verify

SCRIPT = Path(verify_statement.__file__)
KINDS = ["merchant", "provider", "station", "creator"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script as a stranger runs it: a copy in a folder of its own, isolated from everything of ours."""
    (folder / "verify_statement.py").write_bytes(SCRIPT.read_bytes())
    command = [sys.executable, "-I", "verify_statement.py", *arguments]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, encoding="utf-8", check=False)


def test_it_uses_the_standard_library_of_python_3_9_only():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_bundle_is_accepted(tmp_path, kind):
    statements = small_chain(kind)
    header = statements[-1]["header"]
    write_zip(tmp_path / "s.zip", write_document(statements))

    result = run(tmp_path, "s.zip", "--expect", header["hash"])

    assert (result.returncode, result.stderr) == (0, "")
    assert "OK 核对无误 S20261118-0001" in result.stdout
    assert "the first 第一张" in result.stdout
    assert header["hash"] in result.stdout


def test_the_sums_of_the_small_chain_are_what_a_person_reckons():
    """By hand: 33.33 at 3.33 %, 12.34 %, 0.77 % and 20.01 %."""
    use = small_chain()[-1]["lines"][0]
    assert [use["gross_fen"], *(use[part] for part in PARTS)] == [3_333, 111, 411, 26, 667, 2_118]


Tamper = Callable[[list[Document]], Document | str | None]


def last(statements: list[Document]) -> Document:
    return statements[-1]


def line(statements: list[Document], position: int) -> Document:
    return statements[-1]["lines"][position]


def changed(
    position: int, *, hashed: bool = True, summed: bool = True, sealed: bool = True, **values: object
) -> Tamper:
    """These fields of a line changed; with its hash, the sums and the statement's hash made to fit again."""

    def tamper(statements: list[Document]) -> None:
        one = line(statements, position)
        one |= values
        if hashed:
            rehash(one)
        if summed:
            sum_up(last(statements))
        if sealed:
            reseal(last(statements))

    return tamper


def moved(position: int, giver: str, taker: str, fen: int) -> Tamper:
    """One fen or more from one party to the other, everything resealed."""

    def tamper(statements: list[Document]) -> None:
        one = line(statements, position)
        changed(position, **{giver: one[giver] - fen, taker: one[taker] + fen})(statements)

    return tamper


def header(*, sealed: bool = True, **values: object) -> Tamper:
    def tamper(statements: list[Document]) -> None:
        last(statements)["header"] |= values
        if sealed:
            reseal(last(statements))

    return tamper


def relined(change: Callable[[list[Document]], list[Document]], *, sealed: bool = True) -> Tamper:
    def tamper(statements: list[Document]) -> None:
        last(statements)["lines"] = change(statements)
        sum_up(last(statements))
        if sealed:
            reseal(last(statements))

    return tamper


def document(change: Callable[[Document], object]) -> Tamper:
    def tamper(statements: list[Document]) -> Document:
        written = write_document(statements)
        change(written)
        return written

    return tamper


def text(old: str, new: str) -> Tamper:
    def tamper(statements: list[Document]) -> str:
        written = json.dumps(write_document(statements), ensure_ascii=False)
        assert old in written
        return written.replace(old, new, 1)

    return tamper


def refund_twice(statements: list[Document]) -> list[Document]:
    lines = last(statements)["lines"]
    return [*lines, make_refund(11, of=lines[0], fen=5, day="2026-11-18")]


def refund_on_other_terms(statements: list[Document]) -> list[Document]:
    lines = last(statements)["lines"]
    cheaper = {**lines[0], "commission_bps": 0, "commission_fen": 0, "merchant_fen": 2_785}
    lines[3] = make_refund(8, of=cheaper, fen=1_001, day="2026-11-18")
    return lines


def stated_before(statements: list[Document]) -> list[Document]:
    for old in statements[0]["lines"]:
        old["business_date"] = "2026-11-18"
        rehash(old)
    resealed = statements[0]
    reseal(resealed)
    statements[1]["header"]["previous"] = resealed["header"]["hash"]
    reseal(statements[1])
    last(statements)["header"]["previous"] = statements[1]["header"]["hash"]
    return [statements[0]["lines"][0], *last(statements)["lines"]]


def another_payees(statements: list[Document]) -> None:
    statements[1]["header"] |= {"payee_id": "99", "merchant_id": "99"}
    reseal(statements[1])
    header(previous=statements[1]["header"]["hash"])(statements)


def earlier_resealed(statements: list[Document]) -> None:
    moved(0, "platform_fee_fen", "merchant_fen", 1)(statements[:1])


def same_number_again(statements: list[Document]) -> None:
    statements[1]["header"]["number"] = last(statements)["header"]["number"]
    reseal(statements[1])
    header(previous=statements[1]["header"]["hash"])(statements)


S = "S20261118-0001, "
TAMPERED: dict[str, tuple[Tamper, str]] = {
    "a gross without its parts": (changed(0, hashed=False, summed=False, sealed=False, gross_fen=3_334), S + "line 5, gross_fen is 3334"),
    "a gross with parts that fit, resealed": (
        changed(0, gross_fen=3_433, merchant_fen=2_218), S + "line 5, gross_fen is 3433, but reckons to 3333"),
    "a fee raised by a fen, line hash recomputed": (
        changed(0, summed=False, sealed=False, platform_fee_fen=112), S + "line 5, platform_fee_fen is 112"),
    "a fen from the merchant to the platform, resealed": (
        moved(0, "merchant_fen", "platform_fee_fen", 1), S + "line 5, platform_fee_fen is 112, but reckons to 111"),
    "a fen from the creator to the provider, resealed": (
        moved(1, "commission_fen", "service_fee_fen", 1), S + "line 6, service_fee_fen"),
    "a fen from the station to the merchant, resealed": (
        moved(2, "station_share_fen", "merchant_fen", 1), S + "line 7, station_share_fen is 24, but reckons to 25"),
    "a rate, hashes left alone": (
        changed(0, hashed=False, summed=False, sealed=False, platform_fee_bps=233), S + "line 5, platform_fee_fen"),
    "a rate, resealed": (changed(0, commission_bps=2_101), S + "line 5, station_share_fen is 26, but reckons to 25"),
    "rates above the whole, resealed": (changed(0, commission_bps=9_001), S + "line 5, rates together is 10645"),
    "a negative rate, resealed": (changed(0, station_share_bps=-77), S + "line 5, station_share_bps is -77"),
    "a price, resealed": (changed(0, price_fen=10_300), S + "line 5, gross_fen"),
    "a negative price, resealed": (changed(0, price_fen=-10_000), S + "line 5, price_fen, use_no, uses_total"),
    "a use number, resealed": (changed(2, use_no=2), S + "line 7, gross_fen is 3334, but reckons to 3333"),
    "a use beyond the coupon, resealed": (changed(0, use_no=4), S + "line 5, price_fen, use_no, uses_total"),
    "the number of uses, resealed": (changed(0, uses_total=2), S + "line 5, gross_fen is 3333, but reckons to 5000"),
    "another store, hashes left alone": (
        changed(0, hashed=False, summed=False, sealed=False, store_id="78"), S + "line 5, hash"),
    "another store, line hash recomputed": (changed(1, sealed=False, store_id="78"), S + "line 9, store_id"),
    "another order, line hash recomputed": (changed(2, sealed=False, order_id="1"), "S20261118-0001, hash"),
    "a line's hash": (changed(0, hashed=False, hash="0" * 64), S + "line 5, hash"),
    "a day outside the period, resealed": (changed(0, business_date="2026-11-19"), S + "line 5, business_date"),
    "a day that is none, resealed": (changed(0, business_date="2026-11-31"), S + "line 5, business_date"),
    "more given back by the creator, resealed": (
        moved(3, "commission_fen", "merchant_fen", 10), S + "line 8, commission_fen is -210, but reckons to -200"),
    "a refund smaller than it was, resealed": (changed(3, refunded_fen=901), S + "line 8, gross_fen is -1001"),
    "a refund above its use, resealed": (changed(3, refunded_fen=3_334, gross_fen=-3_334), S + "line 8, refunded_fen"),
    "a refund of nothing, resealed": (changed(3, refunded_fen=0, gross_fen=0), S + "line 8, refunded_fen"),
    "what the use had given, resealed": (
        changed(3, use_parts=[3_333, 111, 411, 26, 0, 2_785]), S + "line 8, use_parts"),
    "a refund said to be a use, resealed": (changed(3, kind="redemption"), S + "line 8, refund_id"),
    "a use said to be a refund, resealed": (changed(0, kind="refund"), S + "line 5, refund_id"),
    "a line of no kind, resealed": (changed(0, kind="gift"), S + "line 5, kind"),
    "a refund twice, resealed": (relined(refund_twice), S + "line 11, redemption_id 1005 occurs twice"),
    "a refund on other terms than its use, resealed": (
        relined(refund_on_other_terms), S + "line 8, commission_bps is 0, but reckons to 2001"),
    "a use twice under another number, resealed": (
        relined(lambda all_: [*last(all_)["lines"], rehash({**line(all_, 0), "line_id": "11"})]),
        S + "line 11, redemption_id 1005 occurs twice"),
    "a line twice, resealed": (
        relined(lambda all_: [line(all_, 0), *last(all_)["lines"]]), S + "line 5, line_id 5 does not come after 5"),
    "two lines swapped, resealed": (
        relined(lambda all_: [line(all_, 1), line(all_, 0), *last(all_)["lines"][2:]]),
        S + "line 5, line_id 5 does not come after 6"),
    "a line left out, sums left alone": (
        document(lambda it: it["lines"].pop(2)), "S20261118-0001, lines_count is 6, but reckons to 5"),
    "a line left out, sums recomputed": (
        relined(lambda all_: last(all_)["lines"][:5], sealed=False), "S20261118-0001, hash"),
    "a line stated before, resealed": (relined(stated_before), "S20261116-0001, line_hashes"),
    "the redeemed sum, resealed": (header(gross_fen=1), "S20261118-0001, gross_fen is 1, but"),
    "the refunded sum, resealed": (header(refunded_fen=0), "S20261118-0001, refunded_fen is 0, but"),
    "the platform's sum, resealed": (header(platform_fee_fen=1), "S20261118-0001, platform_fee_fen is 1"),
    "the number of refunds, resealed": (header(refund_lines=2), "S20261118-0001, refund_lines is 2"),
    "the number of lines, resealed": (header(lines_count=5), "S20261118-0001, lines_count is 5"),
    "the amount of the payee, resealed": (header(amount_fen=1), "S20261118-0001, amount_fen is 1"),
    "a kind whose part is another's, resealed": (header(kind="creator"), "S20261118-0001, amount_fen"),
    "a kind that is none, resealed": (header(kind="bank"), "S20261118-0001, kind"),
    "another merchant's book, resealed": (header(merchant_id="99"), "S20261118-0001, payee_id"),
    "the number": (header(sealed=False, number="S20261118-0002"), "S20261118-0002, hash"),
    "the currency": (header(sealed=False, currency="USD"), "S20261118-0001, hash"),
    "the period": (header(sealed=False, period_end="2026-11-19"), "S20261118-0001, hash"),
    "a period that ends before it starts": (header(period_end="2026-11-17"), S + "line 5, business_date"),
    "the statement's hash": (header(sealed=False, hash="0" * 64), "S20261118-0001, hash"),
    "the link to the one before, resealed": (header(previous="0" * 64), "S20261118-0001, previous names 000"),
    "no link, resealed": (header(previous=""), "S20261118-0001, previous names  as"),
    "an earlier statement's fee": (earlier_resealed, "S20261117-0001, previous names"),
    "an earlier statement's sum": (
        document(lambda it: it["chain"][0].update(merchant_fen=1)), "S20261116-0001, gross_fen"),
    "an earlier statement left out": (document(lambda it: it["chain"].pop(1)), "S20261118-0001, previous names"),
    "all earlier statements left out": (document(lambda it: it["chain"].clear()), "S20261118-0001, previous names"),
    "earlier statements in the wrong order": (
        document(lambda it: it["chain"].reverse()), "S20261116-0001, previous names"),
    "a line hash of an earlier statement": (
        document(lambda it: it["chain"][0]["line_hashes"].__setitem__(0, "0" * 64)), "S20261116-0001, hash"),
    "another payee's statement in the chain, resealed": (another_payees, "S20261117-0001, merchant_id is 99"),
    "a number used twice, resealed": (same_number_again, "S20261118-0001, number S20261118-0001 occurs twice"),
    "an id as a number": (document(lambda it: it["lines"][0].__setitem__(0, 5)), "line at position 1, line_id is 5"),
    "an amount with a point": (text("3333, 111,", "3333, 111.0,"), S + "line 5, platform_fee_fen is 111.0"),
    "an amount as a text, resealed": (changed(0, summed=False, merchant_fen="2118"), S + "line 5, merchant_fen is \"2118\""),
    "a sum with a point": (text('"refunded_fen": ', '"refunded_fen": 0.0'), "S20261118-0001, refunded_fen is"),
    "true for one": (text(", 10000, 3, 1, ", ", 10000, 3, true, "), S + "line 5, use_no is true"),
    "a point among what a use had given, resealed": (
        changed(3, use_parts=[3_333, 111, 411, 26, 667.0, 2_118]), S + "line 8, use_parts_fen is 667.0"),
    "not a number": (text("3333, 111,", "3333, NaN,"), S + "line 5, platform_fee_fen is NaN"),
    "a key twice": (text('"number": "S20261118-0001"', '"number": "S1", "number": "S20261118-0001"'), "S20261118-0001 "),
    "columns in another order": (document(lambda it: it["columns"].reverse()), "statement.json, columns holds"),
    "a column more": (document(lambda it: it["lines"][1].append(1)), "line at position 2 holds 25 instead of 24"),
    "a key more": (document(lambda it: it["statement"].update(note="")), "S20261118-0001 holds"),
    "a key less": (document(lambda it: it["statement"].pop("refunded_fen")), "S20261118-0001 holds"),
    "a part more": (document(lambda it: it.update(lines_too=[])), "statement.json holds"),
    "another format": (document(lambda it: it.update(format=2)), "statement.json, format is 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_refused_and_its_place_named(tmp_path, name):
    tamper, sentence = TAMPERED[name]
    statements = small_chain()
    right = write_document(copy.deepcopy(statements))
    path = write_zip(tmp_path / "right.zip", right)
    assert verify(str(path))["number"] == "S20261118-0001"

    given = tamper(statements)
    document_ = write_document(statements) if given is None else given
    assert document_ != right
    with pytest.raises(Refused) as refused:
        verify(str(write_zip(tmp_path / "s.zip", document_)))

    assert sentence in str(refused.value)


def test_a_refusal_is_one_sentence_in_both_languages(tmp_path):
    statements = small_chain()
    moved(0, "merchant_fen", "platform_fee_fen", 1)(statements)
    write_zip(tmp_path / "s.zip", write_document(statements))

    result = run(tmp_path, "s.zip")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "s.zip: REFUSED 不通过 S20261118-0001, line 5, platform_fee_fen is 112, but reckons to 111."
        " S20261118-0001, line 5, platform_fee_fen：写的是 112，重算应为 111。\n"
    )


def test_a_statement_resealed_as_a_whole_is_caught_by_the_hash_on_paper(tmp_path):
    paper = last(small_chain())["header"]["hash"]
    statements = small_chain()
    relined(lambda all_: last(all_)["lines"][:5])(statements)
    write_zip(tmp_path / "s.zip", write_document(statements))

    assert run(tmp_path, "s.zip").returncode == 0
    result = run(tmp_path, "s.zip", "--expect", paper)

    assert (result.returncode, paper in result.stderr) == (1, True)


def test_two_bundles_of_one_statement_must_say_the_same(tmp_path):
    write_zip(tmp_path / "a.zip", write_document(small_chain()))
    statements = small_chain()
    relined(lambda all_: last(all_)["lines"][:5])(statements)
    write_zip(tmp_path / "b.zip", write_document(statements))
    write_zip(tmp_path / "before.zip", write_document(small_chain()[:2]))

    assert run(tmp_path, "a.zip", "before.zip", "a.zip").returncode == 0
    assert run(tmp_path, "a.zip", "b.zip").returncode == 1


@pytest.mark.parametrize(
    "files", [["statement.json"], ["README.txt", "statement.json", "verify_statement.py", "lines.csv"],
              ["README.txt", "statement.json", "statement.json", "verify_statement.py"]]
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_missing_and_extra_files_are_refused(tmp_path, files):
    write_zip(tmp_path / "s.zip", write_document(small_chain()), files=files)
    assert run(tmp_path, "s.zip").returncode == 1


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_what_is_no_bundle_is_unreadable(tmp_path, content):
    if content is not None:
        (tmp_path / "s.zip").write_bytes(content)
    result = run(tmp_path, "s.zip")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("text_", ["", "{", "[" * 5_000, '{"format": ' + "9" * 5_000 + "}"])
def test_what_is_no_json_is_unreadable(tmp_path, text_):
    write_zip(tmp_path / "s.zip", text_)
    result = run(tmp_path, "s.zip")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "text_", ["[]", "1", "null", "{}", '{"format":1,"statement":[],"chain":[],"columns":[],"lines":[]}']
)
def test_json_of_another_shape_is_refused(tmp_path, text_):
    write_zip(tmp_path / "s.zip", text_)
    result = run(tmp_path, "s.zip")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)


def test_a_damaged_zip_is_unreadable(tmp_path):
    path = write_zip(tmp_path / "s.zip", write_document(small_chain()))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b'"lines"')] ^= 1
    path.write_bytes(raw)
    assert run(tmp_path, "s.zip").returncode == 2


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS), data=st.data())
def test_any_statement_verifies_and_no_number_of_it_can_change(seed, kind, data):
    written = write_document(any_statement(seed, kind=kind))
    verify(as_zip(written))

    places = [
        (written["statement"], key) for key, value in written["statement"].items() if type(value) is int
    ]
    places += [(written["chain"][0], key) for key, value in written["chain"][0].items() if type(value) is int]
    places += [(row, n) for row in written["lines"] for n, value in enumerate(row) if type(value) is int]
    places += [(row, 0) for row in written["lines"]]
    holder, key = data.draw(st.sampled_from(places))
    by = data.draw(st.integers(-(2**40), 2**40).filter(bool))
    holder[key] = (
        str(abs(int(holder[key]) + by) + 10**9) if isinstance(holder[key], str) else holder[key] + by
    )

    with pytest.raises(Refused):
        verify(as_zip(written))
