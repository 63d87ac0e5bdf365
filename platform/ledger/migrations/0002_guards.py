"""What keeps the ledger true, in the database itself.

Journals, transfers and accounts are append-only, for the table owner and in replica mode too; a transfer joins its journal
in the journal's own transaction; tenant and currency are held by composite keys; balances change in the trigger alone,
rows locked in order.
"""

from django.db import migrations

GUARDS = """
ALTER TABLE ledger_journal ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

ALTER TABLE ledger_transfer
  ADD CONSTRAINT ledger_transfer_same_book FOREIGN KEY (merchant_id, journal_id)
    REFERENCES ledger_journal (merchant_id, id),
  ADD CONSTRAINT ledger_transfer_debit_same_book FOREIGN KEY (merchant_id, debit_account_id, currency)
    REFERENCES ledger_account (merchant_id, id, currency),
  ADD CONSTRAINT ledger_transfer_credit_same_book FOREIGN KEY (merchant_id, credit_account_id, currency)
    REFERENCES ledger_account (merchant_id, id, currency);
ALTER TABLE ledger_balance SET (fillfactor = 70);

CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '% on % refused: the ledger is append-only', tg_op, tg_table_name
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION ledger_account_opened() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO ledger_balance (account_id, merchant_id, bound) SELECT id, merchant_id, bound FROM new_rows;
  RETURN NULL;
END $$;

CREATE FUNCTION ledger_journal_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM new_rows WHERE xid <> pg_current_xact_id()) THEN
    RAISE EXCEPTION 'xid is set by the database' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION ledger_transfer_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT journal_id FROM new_rows) n JOIN ledger_journal j ON j.id = n.journal_id
    WHERE j.xid <> pg_current_xact_id()) THEN
    RAISE EXCEPTION 'the journal is committed: no transfer may be added'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM 1 FROM ledger_balance b
    WHERE b.account_id IN (SELECT debit_account_id FROM new_rows UNION SELECT credit_account_id FROM new_rows)
    ORDER BY b.account_id FOR NO KEY UPDATE;
  UPDATE ledger_balance b SET debits_fen = b.debits_fen + s.debits, credits_fen = b.credits_fen + s.credits
    FROM (SELECT account_id, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits
          FROM (SELECT debit_account_id AS account_id, amount_fen AS debit, 0 AS credit FROM new_rows
                UNION ALL SELECT credit_account_id, 0, amount_fen FROM new_rows) sides
          GROUP BY account_id) s
    WHERE b.account_id = s.account_id;
  RETURN NULL;
END $$;

CREATE FUNCTION ledger_balance_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION '% on ledger_balance refused: balances follow transfers', tg_op
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_journal
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER follows_transfers BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_balance
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_balance_guard();
CREATE TRIGGER opened AFTER INSERT ON ledger_account REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_account_opened();
CREATE TRIGGER written AFTER INSERT ON ledger_journal REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_journal_written();
CREATE TRIGGER written AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_written();
ALTER TABLE ledger_journal ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_journal ENABLE ALWAYS TRIGGER written;
ALTER TABLE ledger_transfer ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_transfer ENABLE ALWAYS TRIGGER written;
ALTER TABLE ledger_account ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_account ENABLE ALWAYS TRIGGER opened;
ALTER TABLE ledger_balance ENABLE ALWAYS TRIGGER follows_transfers;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
