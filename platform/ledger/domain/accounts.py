"""Accounts of a merchant's book, opened on first use."""

from django.db import connection

from ledger.enums import ACCOUNT_BOUNDS, AccountKind


def open_account(*, merchant_id: int, kind: AccountKind, owner_id: int, currency: str = "CNY") -> int:
    """The id of this account, opened where it is new; safe against another opener."""
    with connection.cursor() as cursor:
        find: list[int | str] = [merchant_id, kind, owner_id, currency]
        select = "SELECT id FROM ledger_account WHERE merchant_id = %s AND kind = %s AND owner_id = %s AND currency = %s"
        cursor.execute(select, find)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "INSERT INTO ledger_account (merchant_id, kind, owner_id, currency, bound) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (merchant_id, kind, owner_id, currency) DO NOTHING",
                [*find, ACCOUNT_BOUNDS[kind]],
            )
            cursor.execute(select, find)
            row = cursor.fetchone()
    return row[0]
