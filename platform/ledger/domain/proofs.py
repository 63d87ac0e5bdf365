"""What must hold of every book, as queries that return nothing."""

from django.db import connection

PROOFS: dict[str, str] = {
    "debits_equal_credits": """
        SELECT merchant_id FROM ledger_balance GROUP BY merchant_id HAVING sum(debits_fen) <> sum(credits_fen)
    """,
    "balances_equal_transfers": """
        SELECT b.account_id FROM ledger_balance b LEFT JOIN (
            SELECT account_id, sum(debit) AS debits, sum(credit) AS credits FROM (
                SELECT debit_account_id AS account_id, amount_fen AS debit, 0 AS credit FROM ledger_transfer
                UNION ALL SELECT credit_account_id, 0, amount_fen FROM ledger_transfer) sides
            GROUP BY account_id) t ON t.account_id = b.account_id
        WHERE b.debits_fen <> COALESCE(t.debits, 0) OR b.credits_fen <> COALESCE(t.credits, 0)
    """,
    "no_empty_journal": """
        SELECT j.id FROM ledger_journal j
        WHERE NOT EXISTS (SELECT FROM ledger_transfer t WHERE t.journal_id = j.id)
    """,
    "bounds_hold": """
        SELECT account_id FROM ledger_balance
        WHERE (bound = 'D' AND debits_fen > credits_fen) OR (bound = 'C' AND credits_fen > debits_fen)
    """,
}


def run_proofs(*, merchant_id: int | None = None) -> dict[str, int]:
    """How many rows each proof found (0 is right); over one merchant's book or all."""
    return count_rows(PROOFS, merchant_id=merchant_id)


def count_rows(proofs: dict[str, str], *, merchant_id: int | None = None) -> dict[str, int]:
    """Rows found by each named query. {merchant} in a query is replaced by a condition on m.party_id; others are whole."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for name, sql in proofs.items():
            condition = "TRUE" if merchant_id is None else f"m.party_id = {int(merchant_id)}"
            cursor.execute(f"SELECT count(*) FROM ({sql.replace('{merchant}', condition)}) broken")
            found[name] = cursor.fetchone()[0]
    return found
