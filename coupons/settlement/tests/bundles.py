"""Bundles written without a database, and what a cheat would do to them."""

import hashlib
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

from core.money import part_of_uses, split_fen
from coupons.settlement.verify_statement import FILES, HEADER, LINE, OWN_PART, PARTS, RATES

Line = dict[str, Any]
Document = dict[str, Any]


def sha256(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def make_use(number: int, *, price: int, uses: int = 1, use_no: int = 1, rates: list[int], day: str) -> Line:
    """A use's line as settlement writes it."""
    gross = part_of_uses(price, uses, use_no)
    own, parts = split_fen(gross, rates)
    ids = {"line_id": str(number), "redemption_id": str(number + 1000), "refund_id": None}
    ids |= {"order_id": str(number + 2000), "coupon_id": str(number + 3000), "store_id": "77"}
    terms = {
        "business_date": day,
        "price_fen": price,
        "uses_total": uses,
        "use_no": use_no,
        "refunded_fen": 0,
    }
    amounts = dict(zip(PARTS, [*parts, own], strict=True))
    return rehash(
        {**ids, "kind": "redemption", **terms, "use_parts": None, **dict(zip(RATES, rates, strict=True))}
        | {"gross_fen": gross, **amounts}
    )


def make_refund(number: int, *, of: Line, fen: int, day: str) -> Line:
    """A refund's line after this use, as clawback.py writes it."""
    _, parts = split_fen(fen, [of[rate] for rate in RATES])
    given = [min(part, of[name]) for part, name in zip(parts, PARTS, strict=False)]
    amounts = dict(zip(PARTS, [*(-part for part in given), sum(given) - fen], strict=True))
    return rehash(
        of
        | {"line_id": str(number), "kind": "refund", "refund_id": str(number + 4000), "business_date": day}
        | {"refunded_fen": fen, "use_parts": [of["gross_fen"], *(of[part] for part in PARTS)]}
        | {"gross_fen": -fen, **amounts}
    )


def rehash(line: Line) -> Line:
    line["hash"] = sha256([line[field] for field in LINE])
    return line


def make_statement(
    number: str, lines: list[Line], *, kind: str = "merchant", previous: str = "", day: str = "2026-11-16"
) -> Document:
    """Summed and sealed, with its lines under "lines"."""
    payee = "11" if kind == "merchant" else "12"
    header = {"merchant_id": "11", "payee_id": payee, "kind": kind, "number": number, "currency": "CNY"}
    header |= {"period_start": day, "period_end": day}
    return reseal(sum_up({"header": header | {"previous": previous}, "lines": lines}))


def sum_up(statement: Document) -> Document:
    header, lines = statement["header"], statement["lines"]
    refunds = [line for line in lines if line["kind"] == "refund"]
    header |= {"lines_count": len(lines), "refund_lines": len(refunds)}
    header |= {name: sum(line[name] for line in lines) for name in ["gross_fen", *PARTS]}
    header["refunded_fen"] = -sum(line["gross_fen"] for line in refunds)
    header["amount_fen"] = header[OWN_PART[header["kind"]]]
    return statement


def reseal(statement: Document) -> Document:
    header, hashes = statement["header"], [line["hash"] for line in statement["lines"]]
    header["hash"] = sha256([1, *(header[field] for field in HEADER), hashes])
    return statement


def write_document(statements: list[Document]) -> Document:
    """statement.json of the last one, with those before it as its chain."""
    *chain, last = statements
    keys = [*HEADER, "hash"]
    return {
        "format": 1,
        "statement": {key: last["header"][key] for key in keys},
        "chain": [
            {key: one["header"][key] for key in keys}
            | {"line_hashes": [line["hash"] for line in one["lines"]]}
            for one in chain
        ],
        "columns": [*LINE, "hash"],
        "lines": [[line[key] for key in [*LINE, "hash"]] for line in last["lines"]],
    }


def write_zip(path: Path, document: Document | str, *, files: list[str] | None = None) -> Path:
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    with zipfile.ZipFile(path, "w") as bundle:
        for name in FILES if files is None else files:
            bundle.writestr(name, text if name == "statement.json" else "")
    return path


def small_chain(kind: str = "merchant") -> list[Document]:
    """Three statements of one payee; the last holds uses of a triple coupon and refunds in part and whole."""
    rates, days = [250, 300, 117, 611], ["2026-11-16", "2026-11-17", "2026-11-18"]
    first = [make_use(n, price=12_800, rates=rates, day=days[0]) for n in (1, 2)]
    second = [make_use(n, price=3_333, rates=[600, 0, 0, 0], day=days[1]) for n in (3, 4)]
    uses = [
        make_use(5 + n, price=10_000, uses=3, use_no=n + 1, rates=[333, 1_234, 77, 2_001], day=days[2])
        for n in range(3)
    ]
    third = [
        *uses,
        make_refund(8, of=uses[0], fen=1_001, day=days[2]),
        make_refund(9, of=uses[1], fen=uses[1]["gross_fen"], day=days[2]),
        make_refund(10, of=first[0], fen=12_799, day=days[2]),
    ]
    statements: list[Document] = []
    for day, lines in zip(days, [first, second, third], strict=True):
        previous = statements[-1]["header"]["hash"] if statements else ""
        number = f"S{day.replace('-', '')}-0001"
        statements.append(make_statement(number, lines, kind=kind, previous=previous, day=day))
    return statements


def any_statement(seed: int, *, kind: str) -> list[Document]:
    """A chain of two with arbitrary prices, rates, uses and refunds; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    day, number, statements = "2026-11-16", 0, []
    for name in ("S20261116-0001", "S20261116-0002"):
        lines: list[Line] = []
        for _ in range(dice.randint(1, 8)):
            number += 1
            uses = dice.randint(1, 12)
            cuts = sorted(dice.randint(0, 10_000) for _ in range(4))
            rates = [high - low for low, high in zip([0, *cuts], cuts, strict=False)]
            price, use_no = dice.choice([0, 1, 99, 12_345, dice.randint(0, 10**9)]), dice.randint(1, uses)
            lines.append(make_use(number, price=price, uses=uses, use_no=use_no, rates=rates, day=day))
        for use in [line for line in lines if line["gross_fen"] and dice.random() < 0.5]:
            number += 1
            lines.append(make_refund(number, of=use, fen=dice.randint(1, use["gross_fen"]), day=day))
        previous = statements[-1]["header"]["hash"] if statements else ""
        statements.append(make_statement(name, lines, kind=kind, previous=previous))
    return statements


def as_zip(document: Document) -> io.BytesIO:
    """In memory, for the property tests."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for name in FILES:
            bundle.writestr(name, json.dumps(document) if name == "statement.json" else "")
    file.seek(0)
    return file
