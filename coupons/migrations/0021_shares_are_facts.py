"""What was frozen into an order stays: its shares name the terms they came from and are never changed or removed."""

from django.db import migrations

# Orders placed before there were terms name the version that carries their fee on; those placed under an older fee keep
# the rule they were placed by.
NAMED = """
UPDATE coupons_ordershare s SET rule = 'terms:' || t.id FROM merchants_terms t
WHERE s.rule = 'merchant.platform_fee_bps' AND t.merchant_id = s.merchant_id AND t.kind = s.kind
  AND t.payee_id = s.payee_id AND t.version = 1 AND t.bps = s.bps;
SET CONSTRAINTS ALL IMMEDIATE;
"""
FROZEN = """
CREATE FUNCTION coupons_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '% on % refused: it is never changed', tg_op, tg_table_name
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON coupons_ordershare
  FOR EACH STATEMENT EXECUTE FUNCTION coupons_refuse();
ALTER TABLE coupons_ordershare ENABLE ALWAYS TRIGGER written_once;
"""


class Migration(migrations.Migration):
    dependencies = [("coupons", "0020_charge_accounts"), ("merchants", "0007_terms_are_facts")]

    operations = [
        migrations.RunSQL(NAMED, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, migrations.RunSQL.noop),
    ]
