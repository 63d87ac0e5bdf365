"""Whose account gets which part of a line."""

from collections.abc import Iterable

from ledger.enums import AccountKind

# In the order of the columns of every statement that writes lines.
SHARES = (
    AccountKind.PLATFORM_FEE,
    AccountKind.SERVICE_FEE,
    AccountKind.STATION_SHARE,
    AccountKind.COMMISSION,
)
Sums = dict[tuple[str, int], int]  # fen by kind and owner of an account


def sum_parts(*, merchant_id: int, rows: Iterable[tuple[int, ...]]) -> Sums:
    """Sums by account of rows (the four payees, the merchant's part, the four parts); nobody with nothing is in it."""
    sums: Sums = {}
    for row in rows:
        payees, (own, *parts) = row[:4], row[4:]
        for kind, owner, amount in [
            (AccountKind.MERCHANT_PAYABLE, merchant_id, own),
            *zip(SHARES, payees, parts, strict=True),
        ]:
            if amount:
                sums[kind, owner] = sums.get((kind, owner), 0) + amount
    return sums
