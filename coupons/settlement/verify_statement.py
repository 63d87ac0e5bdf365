#!/usr/bin/env python3
"""Check settlement statements without trusting whoever made them. 独立核对账单。

    python -I verify_statement.py BUNDLE.zip ... [--expect HASH ...]

Recomputes every line from its price, its use and the agreed rates (basis points: 250 = 2.5%), every sum, every line's hash, the
statement's hash and its links to the statements before. All amounts are integers of fen (1/100 of the currency). Needs Python
3.9 or newer and nothing else; opens no network and writes no file. --expect compares with the hash on the page or on paper.

Exit status: 0 all is right; 1 something is not, one sentence names the statement, the line and the field; 2 not readable.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any, Callable  # noqa: UP035 - Python 3.9 too

FILES = ["README.txt", "statement.json", "verify_statement.py"]
RATES = ["platform_fee_bps", "service_fee_bps", "station_share_bps", "commission_bps"]
PARTS = ["platform_fee_fen", "service_fee_fen", "station_share_fen", "commission_fen", "merchant_fen"]
# A line's hash is over exactly these, in this order; the columns of a file are these and "hash".
LINE = ["line_id", "kind", "redemption_id", "refund_id", "order_id", "coupon_id", "store_id", "business_date",
        "price_fen", "uses_total", "use_no", "refunded_fen", "use_parts", *RATES, "gross_fen", *PARTS]  # fmt: skip
COUNTS = ["lines_count", "refund_lines", "gross_fen", "refunded_fen", *PARTS, "amount_fen"]
OF_WHOM = ["merchant_id", "payee_id", "kind", "number", "currency"]
HEADER = [*OF_WHOM, "period_start", "period_end", *COUNTS, "previous"]
OWN_PART = {"merchant": PARTS[4], "provider": PARTS[1], "station": PARTS[2], "creator": PARTS[3]}
# A refund is on the terms of its use.
OF_USE = ["order_id", "coupon_id", "store_id", "price_fen", "uses_total", "use_no", *RATES]

WORDS = {
    "differs": ("is {said}, but reckons to {right}", "写的是 {said}，重算应为 {right}"),
    "type": ("is {said}: not {right}", "写的是 {said}，格式不对（应为 {right}）"),
    "keys": ("holds {said} instead of {right}", "内容是 {said}，应为 {right}"),
    "twice": ("{said} occurs twice", "{said} 出现了两次"),
    "order": ("{said} does not come after {right}", "{said} 没有排在 {right} 之后"),
    "range": ("is {said}, outside of {right}", "写的是 {said}，超出 {right}"),
    "link": ("names {said} as the one before, but that is {right}", "所连的上一张是 {said}，实际是 {right}"),
    "unlinked": ("names {said} as the one before, which is not here", "所连的上一张 {said} 不在包里"),
    "expected": ("is {said}, not the expected {right}", "是 {said}，不是您要核对的 {right}"),
}


class Refused(Exception):
    """What is wrong and where: a word of WORDS, the statement, the line and the field."""

    def __init__(self, word: str, where: tuple[str, ...], said: object, right: object = "") -> None:
        short = [text if len(text) <= 160 else text[:157] + "..." for text in map(str, (said, right))]
        english, chinese = (text.format(said=short[0], right=short[1]) for text in WORDS[word])
        place = ", ".join(part for part in where if part)
        super().__init__(f"{place} {english}. {place}：{chinese}。")


class Unreadable(Exception):
    """Not a bundle at all."""


def same(where: tuple[str, ...], said: object, right: object, word: str = "differs") -> None:
    if type(said) is not type(right) or said != right:
        raise Refused(word, where, said, right)


def sha256(said: list[Any]) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_amount(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**63  # neither 1.0 nor true


def is_text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "_id": (is_text("[1-9][0-9]{0,18}"), "a text of digits"),
    **dict.fromkeys(("_fen", "_bps", "_count", "_lines", "_total", "_no"), (is_amount, "a whole number")),
    "_date": (lambda value: isinstance(value, str) and is_day(value), "a date YYYY-MM-DD"),
    "hash": (is_text("[0-9a-f]{64}"), "64 hex digits"),
    "previous": (is_text("([0-9a-f]{64})?"), "64 hex digits"),
    "number": (is_text("[A-Z][0-9]{8}-[0-9]{4,}"), "a statement's number"),
    "currency": (is_text("[A-Z]{3}"), "a currency"),
}
CHECKS |= {"period_start": CHECKS["_date"], "period_end": CHECKS["_date"]}


def check_type(where: tuple[str, ...], field: str, value: Any) -> None:
    check, right = CHECKS.get(field) or CHECKS["_" + field.rsplit("_", 1)[-1]]
    if not check(value):
        raise Refused("type", (*where, field), json.dumps(value, ensure_ascii=False), right)


def split(amount: int, rates: list[int]) -> list[int]:
    """The parts by their rates, then what the merchant keeps. Every party gets its whole fen; the fen left over go to the
    largest fractions, where a tie is the merchant's, then the first named one's; the merchant takes what is still left."""
    own = 10_000 - sum(rates)
    parts = [amount * rate // 10_000 for rate in rates]
    left_over = amount - sum(parts) - amount * own // 10_000
    by_fraction = sorted(range(len(rates)), key=lambda i: -(amount * rates[i] % 10_000))
    for i in by_fraction[:left_over]:
        if amount * rates[i] % 10_000 > amount * own % 10_000:
            parts[i] += 1
    return [*parts, amount - sum(parts)]


def check_line(number: str, line: dict[str, Any], header: dict[str, Any]) -> None:
    """One line on its own: every amount from the price, the use and the rates."""
    where = (number, f"line {line['line_id']}")
    refund = line["kind"] == "refund"
    if not refund:
        same((*where, "kind"), line["kind"], "redemption")
        same((*where, "refund_id"), line["refund_id"], None)
    for field in LINE:
        if field not in ("kind", "use_parts") and (refund or field != "refund_id"):
            check_type(where, field, line[field])
    rates = [line[rate] for rate in RATES]
    for field, value in [*zip(RATES, rates), ("rates together", sum(rates))]:  # noqa: B905 - Python 3.9 too
        if not 0 <= value <= 10_000:
            raise Refused("range", (*where, field), value, "0..10000")
    price, uses, use = line["price_fen"], line["uses_total"], line["use_no"]
    if price < 0 or not 1 <= use <= uses:
        raise Refused("range", (*where, "price_fen, use_no, uses_total"), (price, use, uses), "0.., 1.., 1..")
    first, last, day = header["period_start"], header["period_end"], line["business_date"]
    # A creator's part is frozen for some days: what is taken back of it in the meantime is stated with it.
    if not first <= day <= last and not (refund and header["kind"] == "creator"):
        raise Refused("range", (*where, "business_date"), day, f"{first}..{last}")

    gross = price * use // uses - price * (use - 1) // uses
    parts = split(gross, rates)
    if refund:
        back = line["refunded_fen"]
        same((*where, "use_parts"), line["use_parts"], [gross, *parts])
        for part in line["use_parts"]:
            check_type(where, "use_parts_fen", part)
        if not 1 <= back <= gross:
            raise Refused("range", (*where, "refunded_fen"), back, f"1..{gross}")
        # Of what goes back each party gives its part by the same rates, never more than it got; the merchant the rest.
        given = [min(part, got) for part, got in zip(split(back, rates)[:-1], parts)]  # noqa: B905
        gross, parts = -back, [*(-part for part in given), sum(given) - back]
    else:
        same((*where, "use_parts"), line["use_parts"], None)
        same((*where, "refunded_fen"), line["refunded_fen"], 0)
    for field, right in zip(["gross_fen", *PARTS], [gross, *parts]):  # noqa: B905
        same((*where, field), line[field], right)
    same((*where, "hash"), line["hash"], sha256([line[field] for field in LINE]))


class Lines:
    """What is true of all lines together: their order, that none is there twice, their sums."""

    def __init__(self, number: str) -> None:
        self.number, self.last_id, self.hashes = number, 0, []  # type: ignore[var-annotated]
        self.uses: dict[str, list[Any]] = {}
        self.refunds: set[str] = set()
        self.sums = dict.fromkeys(["lines_count", "refund_lines", "gross_fen", "refunded_fen", *PARTS], 0)

    def add(self, line: dict[str, Any]) -> None:
        where, use = (self.number, f"line {line['line_id']}"), line["redemption_id"]
        if int(line["line_id"]) <= self.last_id:
            raise Refused("order", (*where, "line_id"), line["line_id"], self.last_id)
        refund = line["kind"] == "refund"
        if use in (self.refunds if refund else self.uses):
            raise Refused("twice", (*where, "redemption_id"), use)
        terms = [line[field] for field in OF_USE]
        if not refund:
            self.uses[use] = terms
        else:
            self.refunds.add(use)
            for field, said, right in zip(OF_USE, terms, self.uses.get(use, terms)):  # noqa: B905
                same((*where, field), said, right)
        self.last_id = int(line["line_id"])
        self.hashes.append(line["hash"])
        for field in ["gross_fen", *PARTS]:
            self.sums[field] += line[field]
        self.sums["lines_count"] += 1
        self.sums["refund_lines"] += refund
        self.sums["refunded_fen"] -= line["gross_fen"] if refund else 0


def check_header(header: dict[str, Any], hashes: list[str]) -> None:
    """What a statement says of itself: it adds up, its payee's part is the right one, its hash is over all of it."""
    number = header["number"]
    if header["kind"] not in list(OWN_PART):
        raise Refused("type", (number, "kind"), header["kind"], "/".join(OWN_PART))
    if header["period_end"] < header["period_start"]:
        raise Refused("range", (number, "period_end"), header["period_end"], f"{header['period_start']}..")
    if header["kind"] == "merchant":
        same((number, "payee_id"), header["payee_id"], header["merchant_id"])
    same((number, "lines_count"), header["lines_count"], len(hashes))
    if not (0 <= header["refund_lines"] <= header["lines_count"] and header["refunded_fen"] >= 0):
        raise Refused("range", (number, "refund_lines"), header["refund_lines"], f"0..{len(hashes)}")
    same((number, "gross_fen"), header["gross_fen"], sum(header[part] for part in PARTS))
    same((number, "amount_fen"), header["amount_fen"], header[OWN_PART[header["kind"]]])
    said = [header[field] for field in HEADER]
    same((number, "hash"), header["hash"], sha256([1, *said, hashes]))


def check_chain(header: dict[str, Any], chain: list[dict[str, Any]], hashes: list[str]) -> None:
    """Each statement names the one before; all are the same payee's; no line and no number is in two of them."""
    lines, numbers, before = set(hashes), {header["number"]}, None
    if len(lines) < len(hashes):
        raise Refused("twice", (header["number"], "lines"), "a hash")
    for earlier in chain:
        number = earlier["number"]
        for line_hash in earlier["line_hashes"]:
            check_type((number,), "hash", line_hash)
            if line_hash in lines:
                raise Refused("twice", (number, "line_hashes"), line_hash)
            lines.add(line_hash)
        if number in numbers:
            raise Refused("twice", (number, "number"), number)
        numbers.add(number)
        check_header(earlier, earlier["line_hashes"])
    for earlier in [*chain, header]:
        for field in ("merchant_id", "payee_id", "kind", "currency"):
            same((earlier["number"], field), earlier[field], header[field])
        if before is not None:
            same((earlier["number"], "previous"), earlier["previous"], before, "link")
        before = earlier["hash"]
    if header["previous"] and not chain:
        raise Refused("unlinked", (header["number"], "previous"), header["previous"])


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused("twice", (str(found.get("number", "statement.json")),), [key for key, _ in pairs])
    return found


def read_bundle(path: str) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as bundle:
            same(("bundle",), sorted(bundle.namelist()), FILES, "keys")
            if damaged := bundle.testzip():
                raise Unreadable(damaged)
            text = bundle.read("statement.json").decode("utf-8")
        found = json.loads(text, object_pairs_hook=without_doubles)
    except (
        OSError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:  # too deep JSON is a RuntimeError too
        raise Unreadable(error) from error
    same(("statement.json",), type(found).__name__, "dict", "keys")
    same(("statement.json",), list(found), ["format", "statement", "chain", "columns", "lines"], "keys")
    same(("statement.json", "format"), found["format"], 1)
    same(("statement.json", "columns"), found["columns"], [*LINE, "hash"], "keys")
    for name in ("chain", "lines"):
        same(("statement.json", name), type(found[name]).__name__, "list", "keys")
    return found  # type: ignore[no-any-return]


def check_shape(header: Any, keys: list[str]) -> None:
    where = (str(header.get("number", "?")) if isinstance(header, dict) else "?",)
    same(where, list(header) if isinstance(header, dict) else type(header).__name__, keys, "keys")
    for field in [field for field in keys if field not in ("kind", "line_hashes")]:
        check_type(where, field, header[field])
    if "line_hashes" in keys:
        same((*where, "line_hashes"), type(header["line_hashes"]).__name__, "list", "keys")


def verify(path: str) -> dict[str, Any]:
    """The statement of a bundle whose every number was recomputed. Raises Refused or Unreadable."""
    found = read_bundle(path)
    header, chain, rows = found["statement"], found["chain"], found["lines"]
    check_shape(header, [*HEADER, "hash"])
    for earlier in chain:
        check_shape(earlier, [*HEADER, "hash", "line_hashes"])
    lines = Lines(header["number"])
    for position, row in enumerate(rows, 1):
        where = (header["number"], f"line at position {position}")
        same(where, len(row) if isinstance(row, list) else type(row).__name__, len(LINE) + 1, "keys")
        check_type(where, "line_id", row[0])
        line = dict(zip([*LINE, "hash"], row))  # noqa: B905
        check_line(header["number"], line, header)
        lines.add(line)
    for field, right in lines.sums.items():
        same((header["number"], field), header[field], right)
    check_header(header, lines.hashes)
    check_chain(header, chain, lines.hashes)
    first = (chain or [header])[0]
    since = (
        f"{first['number']} (before it 更早: {first['previous']})"
        if first["previous"]
        else "the first 第一张"
    )
    print(f"{path}: OK 核对无误 {header['number']} [{header['kind']}], {len(rows)} lines 条明细, "
          f"{Decimal(header['amount_fen']).scaleb(-2):,} {header['currency']} to the payee 应得, "
          f"linked back to 可追溯至 {since}\n  hash 指纹 {header['hash']}")  # fmt: skip
    return header  # type: ignore[no-any-return]


def main() -> int:
    parser = argparse.ArgumentParser(description="Check settlement statements 核对账单")
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", help="the downloaded ZIP 下载的 ZIP 包")
    help_text = "the hash on the page or on paper 页面或纸上的指纹"
    parser.add_argument("--expect", action="append", default=[], metavar="HASH", help=help_text)
    options = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    found: dict[tuple[str, str, str], str] = {}
    status = 0
    for path in options.bundles:
        try:
            header = verify(path)
            known = found.setdefault(
                (header["merchant_id"], header["payee_id"], header["number"]), header["hash"]
            )
            same(
                (header["number"], "hash"), header["hash"], known
            )  # two bundles of one statement say the same
        except Refused as refusal:
            print(f"{path}: REFUSED 不通过 {refusal}", file=sys.stderr)
            status = max(status, 1)
        except Unreadable as error:
            print(f"{path}: not a readable bundle 无法读取 ({error})", file=sys.stderr)
            status = 2
    for expected in options.expect if not status else []:
        if expected.strip().lower() not in found.values():
            print(Refused("expected", ("hash",), ", ".join(found.values()), expected), file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
