"""A statement as a file that checks itself: what it says, what every line rests on, the links to those before, the checker.

The bundle names nobody: customers, codes and other payees are not in it. Rates and parts are by kind, since whoever checks
his own part has to reckon the others' too.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from django.db import connection

from coupons.settlement import verify_statement
from coupons.settlement.domain.payees import PAYEE_COLUMNS
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import Statement
from coupons.settlement.verify_statement import HEADER, LINE

CHAIN_STATEMENTS = 31  # how many of those before go into a bundle, the one before always
CHAIN_LINES = 100_000  # and how many line hashes of them
ROWS_AT_ONCE = 2_000
TEXT_COLUMNS = frozenset(
    {"line_id", "redemption_id", "refund_id", "order_id", "coupon_id", "store_id", "business_date"}
)

# The columns are named one by one: what the file holds is what verify_statement.py knows.
_LINES = "SELECT {columns}, hash FROM settlement_linefact WHERE {statement} = %s ORDER BY line_id"

_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT s.*, 1 AS depth, s.lines_count::bigint AS lines FROM settlement_statement s WHERE s.id = %(previous)s
    UNION ALL
    SELECT s.*, c.depth + 1, c.lines + s.lines_count FROM chain c JOIN settlement_statement s ON s.id = c.previous_id
    WHERE c.depth < %(most)s AND c.lines + s.lines_count <= %(most_lines)s)
SELECT c.merchant_id::text, c.payee_id::text, c.kind, c.number, m.currency, c.period_start::text, c.period_end::text,
    c.lines_count, c.refund_lines, c.gross_fen, c.refunded_fen, c.platform_fee_fen, c.service_fee_fen, c.station_share_fen,
    c.commission_fen, c.merchant_fen, c.amount_fen, COALESCE(p.hash, ''), c.hash,
    ARRAY(SELECT f.hash FROM settlement_linefact f WHERE f.{statement} = c.id ORDER BY f.line_id)
FROM chain c JOIN merchants_merchant m ON m.party_id = c.merchant_id
LEFT JOIN settlement_statement p ON p.id = c.previous_id
ORDER BY c.depth DESC
"""


def write_bundle(
    *, statement: Statement, to: IO[bytes], on_rows: Callable[[int], None] | None = None
) -> None:
    """Write the ZIP (statement.json, README.txt, verify_statement.py); the same bytes for the same statement.

    Row by row: memory does not grow with the lines. on_rows is told after each batch how many lines are written.
    """
    day = statement.period_end
    moment = (max(day.year, 1980), day.month, day.day, 0, 0, 0)  # of the statement: a second copy is the same
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as bundle:
        with bundle.open(_entry("statement.json", moment), "w", force_zip64=True) as file:
            for piece in _statement_json(statement, on_rows):
                file.write(piece.encode())
        bundle.writestr(_entry("README.txt", moment), readme(statement=statement))
        bundle.writestr(
            _entry("verify_statement.py", moment), Path(verify_statement.__file__).read_text(encoding="utf-8")
        )


def readme(*, statement: Statement) -> str:
    """How to check the bundle, in both languages."""
    return _README.format(number=statement.number, hash=statement.hash)


def _entry(name: str, moment: tuple[int, int, int, int, int, int]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _statement_json(statement: Statement, on_rows: Callable[[int], None] | None) -> Iterator[str]:
    keys = [*HEADER, "hash"]
    yield '{"format": 1,\n"statement": ' + _json(dict(zip(keys, _header(statement), strict=True)))
    chain = [dict(zip([*keys, "line_hashes"], row, strict=True)) for row in _chain(statement)]
    yield ',\n"chain": [' + ",\n".join(map(_json, chain))
    yield '],\n"columns": ' + _json([*LINE, "hash"]) + ',\n"lines": [\n'
    written = 0
    for rows in _lines(statement):
        yield (",\n" if written else "") + ",\n".join(map(_json, rows))
        written += len(rows)
        if on_rows:
            on_rows(written)
    yield "\n]}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _header(statement: Statement) -> list[Any]:
    said = {
        "merchant_id": str(statement.merchant_id),
        "payee_id": str(statement.payee_id),
        "currency": statement.merchant.currency,
        "period_start": statement.period_start.isoformat(),
        "period_end": statement.period_end.isoformat(),
        "previous": statement.previous.hash if statement.previous else "",
    }
    return [said[name] if name in said else getattr(statement, name) for name in [*HEADER, "hash"]]


def _lines(statement: Statement) -> Iterator[list[list[Any]]]:
    """In batches, through a cursor in the database."""
    columns = ", ".join(f"{name}::text" if name in TEXT_COLUMNS else name for name in LINE)
    own = PAYEE_COLUMNS[PayeeKind(statement.kind)].statement
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LINES.format(columns=columns, statement=own), [statement.pk])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield [
                [_cell(name, cell) for name, cell in zip([*LINE, "hash"], row, strict=True)] for row in rows
            ]


def _cell(name: str, cell: Any) -> Any:
    return json.loads(cell) if name == "use_parts" and isinstance(cell, str) else cell


def _chain(statement: Statement) -> list[tuple[Any, ...]]:
    """Those before, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CHAIN.format(statement=PAYEE_COLUMNS[PayeeKind(statement.kind)].statement),
            {"previous": statement.previous_id, "most": CHAIN_STATEMENTS, "most_lines": CHAIN_LINES},
        )
        return cursor.fetchall()


_README = """\
Statement {number}
==================

statement.json       what the statement says, every line with the price, the use and the rates it rests on, and the
                     statements before it by their hashes. Amounts are whole fen (1/100 of the currency), rates basis
                     points (250 = 2.5%), ids texts. It names no customer and no coupon code.
verify_statement.py  recomputes all of it with nothing but Python 3.9 or newer. It opens no network and writes no file.

    python -I verify_statement.py THIS.zip --expect {hash}

The hash is the one on the statement's page and on its printout: compare it with your own paper, not with this file. If you
would rather not trust the script in this bundle, read it (it is short) or take it from the source of Tongdao.

账单 {number}
==================

statement.json       账单的内容：每条明细的价格、第几次使用和分成比例，以及之前各张账单的指纹。
                     金额为整数分，比例为基点（250 即 2.5%），编号为文本。不含顾客信息和券码。
verify_statement.py  只用 Python 3.9 以上自带的功能重算全部内容，不联网，也不写文件。

    python -I verify_statement.py 本文件.zip --expect {hash}

指纹就是账单页面和打印件上的那一串：请与您手里的纸核对，不要与本文件核对。
如果信不过包里的脚本，可以自己读一遍（很短），也可以从通道的源代码里取一份。
"""
