from django.db import migrations

GUARD = """
CREATE FUNCTION refuse_shadow_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM merchants_merchant m WHERE m.party_id = NEW.merchant_id AND m.shadow_of_id IS NOT NULL) THEN
        RAISE EXCEPTION 'merchant % is the shadow of a rehearsal: it has no statements', NEW.merchant_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_of_no_shadow BEFORE INSERT OR UPDATE OF merchant_id ON settlement_statement
    FOR EACH ROW EXECUTE FUNCTION refuse_shadow_statement();
"""
UNGUARD = """
DROP TRIGGER statement_of_no_shadow ON settlement_statement;
DROP FUNCTION refuse_shadow_statement();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0004_progress"), ("merchants", "0004_shadow_merchants")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
