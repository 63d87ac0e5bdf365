"""Write a journal with its transfers: the only way money moves in the book."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ledger.enums import JournalKind
from ledger.models import Journal


@dataclass(frozen=True)
class Posting:
    """amount_fen > 0 debited to one account and credited to the other."""

    debit_account_id: int
    credit_account_id: int
    amount_fen: int


def write_journal(
    *,
    merchant_id: int,
    kind: JournalKind,
    source: str,
    happened_at: datetime,
    postings: Sequence[Posting],
    currency: str = "CNY",
    reverses: Journal | None = None,
) -> Journal:
    """One journal and its transfers in the current transaction, once per (merchant, source).

    `reverses` names a journal of the same book that this one takes back; each is taken back at most once.

    A second journal of a source, an unknown account, another tenant's account or currency, an amount below 1 fen and a
    balance past its bound are refused by the database (IntegrityError).
    """
    journal = Journal.objects.create(
        merchant_id=merchant_id, kind=kind, source=source, happened_at=happened_at, reverses=reverses
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_transfer
                (merchant_id, journal_id, line, debit_account_id, credit_account_id, amount_fen, currency)
            SELECT %s, %s, line, debit, credit, amount, %s
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS t(debit, credit, amount, line)
            """,
            [
                merchant_id,
                journal.pk,
                currency,
                [posting.debit_account_id for posting in postings],
                [posting.credit_account_id for posting in postings],
                [posting.amount_fen for posting in postings],
            ],
        )
    return journal
