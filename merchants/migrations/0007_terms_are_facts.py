"""What makes terms facts: what was proposed never changes, an answer is given once, shares never exceed the whole.

The triggers fire for the owner of the table and in replica mode too. The guard of the sum locks the merchant, so that two
terms agreed at once are summed one after the other; placing orders does not wait for it.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION merchants_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '% on % refused: it is never changed', tg_op, tg_table_name
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER written_once BEFORE DELETE OR TRUNCATE ON merchants_terms
  FOR EACH STATEMENT EXECUTE FUNCTION merchants_refuse();
CREATE TRIGGER written_once_columns BEFORE UPDATE OF id, merchant_id, kind, payee_id, version, bps, note, proposed_for_id,
    proposed_by_id, proposed_at ON merchants_terms
  FOR EACH STATEMENT EXECUTE FUNCTION merchants_refuse();
CREATE TRIGGER answered_once BEFORE UPDATE ON merchants_terms FOR EACH ROW WHEN (
    OLD.state IN ('refused', 'withdrawn', 'ended')
    OR (OLD.state = 'in_force' AND NEW.state <> 'ended')
    OR (OLD.state = 'proposed' AND NEW.state NOT IN ('in_force', 'refused', 'withdrawn'))
    OR (OLD.answered_at IS NOT NULL AND (OLD.answered_at, OLD.answered_by_id, OLD.in_force_at)
        IS DISTINCT FROM (NEW.answered_at, NEW.answered_by_id, NEW.in_force_at)))
  EXECUTE FUNCTION merchants_refuse();

CREATE FUNCTION merchants_guard_terms() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM FROM merchants_merchant m WHERE m.party_id = NEW.merchant_id FOR NO KEY UPDATE;
  IF (SELECT COALESCE(sum(t.bps) FILTER (WHERE t.kind <> 'commission'), 0)
           + COALESCE(max(t.bps) FILTER (WHERE t.kind = 'commission'), 0)
      FROM merchants_terms t WHERE t.merchant_id = NEW.merchant_id AND t.state = 'in_force') > 10000 THEN
    RAISE EXCEPTION 'the terms in force exceed the whole' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER at_most_the_whole AFTER INSERT OR UPDATE ON merchants_terms
  FOR EACH ROW WHEN (NEW.state = 'in_force') EXECUTE FUNCTION merchants_guard_terms();

ALTER TABLE merchants_terms ENABLE ALWAYS TRIGGER written_once;
ALTER TABLE merchants_terms ENABLE ALWAYS TRIGGER written_once_columns;
ALTER TABLE merchants_terms ENABLE ALWAYS TRIGGER answered_once;
ALTER TABLE merchants_terms ENABLE ALWAYS TRIGGER at_most_the_whole;
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0006_fees_become_terms")]

    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
