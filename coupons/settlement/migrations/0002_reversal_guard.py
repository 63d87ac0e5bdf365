"""A redemption that settlement took is never reversed, and a reversed one is never settled: the database says so."""

from django.db import migrations

GUARD = """
CREATE FUNCTION settlement_guard_reversal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.reversed_at IS NOT NULL AND OLD.reversed_at IS NULL
     AND EXISTS (SELECT FROM settlement_settlementline WHERE redemption_id = NEW.id) THEN
    RAISE EXCEPTION 'redemption % is settled', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_settled';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER settled_stays BEFORE UPDATE OF reversed_at ON coupons_redemption
  FOR EACH ROW EXECUTE FUNCTION settlement_guard_reversal();

CREATE FUNCTION settlement_guard_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM new_rows n JOIN coupons_redemption r ON r.id = n.redemption_id
             WHERE r.reversed_at IS NOT NULL OR r.merchant_id <> n.merchant_id) THEN
    RAISE EXCEPTION 'a line needs a standing redemption of its own merchant'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER of_standing_redemption AFTER INSERT ON settlement_settlementline
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION settlement_guard_line();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial"), ("coupons", "0004_attempts")]
    operations = [
        migrations.RunSQL(
            GUARD,
            "DROP TRIGGER settled_stays ON coupons_redemption;"
            "DROP TRIGGER of_standing_redemption ON settlement_settlementline;"
            "DROP FUNCTION settlement_guard_reversal; DROP FUNCTION settlement_guard_line;",
        )
    ]
