"""Received payments and paid-out refunds enter the book in sets: one journal for many rows, each row booked once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from identity.domain.platform_party import get_platform_party
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from merchants.models import Merchant


@dataclass(frozen=True)
class Book:
    """The accounts every booking of a merchant needs."""

    merchant: Merchant
    clearing: int
    prepaid: int


def open_book(*, merchant: Merchant) -> Book:
    """The merchant's book, its accounts opened where they are new."""
    return Book(
        merchant=merchant,
        clearing=open_account(
            merchant_id=merchant.pk,
            kind=AccountKind.PSP_CLEARING,
            owner_id=get_platform_party().pk,
            currency=merchant.currency,
        ),
        prepaid=open_account(
            merchant_id=merchant.pk,
            kind=AccountKind.CUSTOMER_PREPAID,
            owner_id=merchant.pk,
            currency=merchant.currency,
        ),
    )


@dataclass(frozen=True)
class ClaimedMoney:
    """Rows of one table, locked by this transaction, that no journal holds yet."""

    table: str
    kind: JournalKind
    ids: list[int]
    amount_fen: int


def claim_moved_money(*, book: Book, limit: int | None) -> list[ClaimedMoney]:
    """Payments and refunds to book, at most `limit` rows of each; what another worker holds is its own to book.

    A refund of a use takes back what settlement gave: it is settled, not booked here.
    """
    claims = [
        _claim(
            book=book,
            table="coupons_payment",
            where="state = 'succeeded'",
            kind=JournalKind.PAYMENTS,
            limit=limit,
        ),
        _claim(
            book=book,
            table="coupons_refund",
            where="state = 'paid_out' AND redemption_id IS NULL",
            kind=JournalKind.REFUNDS,
            limit=limit,
        ),
    ]
    return [claim for claim in claims if claim.ids]


def _claim(*, book: Book, table: str, where: str, kind: JournalKind, limit: int | None) -> ClaimedMoney:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH open AS MATERIALIZED (
                SELECT id, amount_fen FROM {table} WHERE merchant_id = %s AND {where} AND journal_id IS NULL
                    AND amount_fen > 0 LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
            SELECT COALESCE(array_agg(id ORDER BY id), '{{}}'), COALESCE(sum(amount_fen), 0)::bigint FROM open
            """,
            [book.merchant.pk, limit],
        )
        ids, amount_fen = cursor.fetchone()
    return ClaimedMoney(table=table, kind=kind, ids=ids, amount_fen=amount_fen)


def book_moved_money(*, book: Book, claims: Sequence[ClaimedMoney], at: datetime) -> None:
    """One journal for the rows of each claim; each row remembers its journal.

    Locks the merchant's balances until the end of the transaction: open every account before, or two workers, one
    with an account and one with a balance, wait for each other.
    """
    for claim in claims:
        sides = (book.clearing, book.prepaid)
        debit, credit = sides if claim.kind == JournalKind.PAYMENTS else sides[::-1]
        journal = write_journal(
            merchant_id=book.merchant.pk,
            kind=claim.kind,
            source=f"{claim.kind}:{claim.ids[0]}",
            happened_at=at,
            postings=[Posting(debit, credit, claim.amount_fen)],
            currency=book.merchant.currency,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {claim.table} SET journal_id = %s WHERE id = ANY(%s)", [journal.pk, claim.ids]
            )
