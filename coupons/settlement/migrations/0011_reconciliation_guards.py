"""What a provider's bill says never changes, and neither does a break once somebody has answered it."""

from django.db import migrations

GUARDS = """
ALTER TABLE settlement_providerbill ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_billentry
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER never_lost BEFORE DELETE OR TRUNCATE ON settlement_providerbill
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER never_lost BEFORE DELETE OR TRUNCATE ON settlement_break
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();

CREATE FUNCTION settlement_guard_bill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.replaced_by_id IS NOT NULL OR NEW.replaced_by_id IS NULL
     OR to_jsonb(NEW) - 'replaced_by_id' <> to_jsonb(OLD) - 'replaced_by_id' THEN
    RAISE EXCEPTION 'bill % may only be replaced, once', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER only_replaced BEFORE UPDATE ON settlement_providerbill
  FOR EACH ROW EXECUTE FUNCTION settlement_guard_bill();

-- Entries come with their bill: none is added to one that is committed.
CREATE FUNCTION settlement_guard_entries() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT bill_id, merchant_id FROM new_rows) n JOIN settlement_providerbill b ON b.id = n.bill_id
    WHERE b.xid <> pg_current_xact_id() OR b.merchant_id <> n.merchant_id) THEN
    RAISE EXCEPTION 'the bill was imported before: no entry may be added'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER with_their_bill AFTER INSERT ON settlement_billentry
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION settlement_guard_entries();

CREATE FUNCTION settlement_guard_break() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  answer text[] := ARRAY['state', 'owner_id', 'explanation', 'resolved_by_id', 'resolved_at', 'journal_id'];
BEGIN
  IF OLD.state <> 'open' THEN
    RAISE EXCEPTION 'break % was answered: it stays as it is', OLD.id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF to_jsonb(NEW) - answer <> to_jsonb(OLD) - answer THEN
    RAISE EXCEPTION 'what break % found stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER answered_stays BEFORE UPDATE ON settlement_break
  FOR EACH ROW EXECUTE FUNCTION settlement_guard_break();
"""
UNGUARD = """
DROP TRIGGER append_only ON settlement_billentry;
DROP TRIGGER with_their_bill ON settlement_billentry;
DROP TRIGGER never_lost ON settlement_providerbill;
DROP TRIGGER only_replaced ON settlement_providerbill;
DROP TRIGGER never_lost ON settlement_break;
DROP TRIGGER answered_stays ON settlement_break;
DROP FUNCTION settlement_guard_bill; DROP FUNCTION settlement_guard_entries;
DROP FUNCTION settlement_guard_break;
ALTER TABLE settlement_providerbill DROP COLUMN xid;
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0010_reconciliation")]
    operations = [migrations.RunSQL(GUARDS, UNGUARD)]
