"""What the new columns must hold, and what makes lines and statements facts: the database refuses to change them.

A line is written once; only the statements it is in are added. A statement's sealed columns never change; its state, who
answered and how it was paid do. The triggers fire for the owner of the tables and in replica mode too.
"""

import django.db.models.deletion
from django.db import migrations, models

SEALED = """
CREATE FUNCTION settlement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '% on % refused: it is never changed', tg_op, tg_table_name
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER written_once BEFORE DELETE OR TRUNCATE ON settlement_settlementline
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER written_once_columns BEFORE UPDATE OF id, merchant_id, batch_id, redemption_id, refund_id, coupon_id, deal_id,
    store_id, business_date, gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps,
    platform_payee_id, service_payee_id, station_payee_id, commission_payee_id, platform_fee_fen, service_fee_fen,
    station_share_fen, commission_fen, merchant_fen, created_at ON settlement_settlementline
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER stated_once BEFORE UPDATE OF statement_id, service_statement_id, station_statement_id, commission_statement_id
  ON settlement_settlementline FOR EACH ROW WHEN (
    OLD.statement_id <> NEW.statement_id OR (OLD.statement_id IS NOT NULL AND NEW.statement_id IS NULL)
    OR OLD.service_statement_id <> NEW.service_statement_id
    OR (OLD.service_statement_id IS NOT NULL AND NEW.service_statement_id IS NULL)
    OR OLD.station_statement_id <> NEW.station_statement_id
    OR (OLD.station_statement_id IS NOT NULL AND NEW.station_statement_id IS NULL)
    OR OLD.commission_statement_id <> NEW.commission_statement_id
    OR (OLD.commission_statement_id IS NOT NULL AND NEW.commission_statement_id IS NULL))
  EXECUTE FUNCTION settlement_refuse();

CREATE TRIGGER sealed BEFORE DELETE OR TRUNCATE ON settlement_statement
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER sealed_columns BEFORE UPDATE OF id, merchant_id, payee_id, kind, number, period_start, period_end, lines_count,
    refund_lines, refunded_fen, gross_fen, platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen, amount_fen, previous_id,
    hash, sealed_at ON settlement_statement
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();

ALTER TABLE settlement_settlementline ENABLE ALWAYS TRIGGER written_once;
ALTER TABLE settlement_settlementline ENABLE ALWAYS TRIGGER written_once_columns;
ALTER TABLE settlement_settlementline ENABLE ALWAYS TRIGGER stated_once;
ALTER TABLE settlement_statement ENABLE ALWAYS TRIGGER sealed;
ALTER TABLE settlement_statement ENABLE ALWAYS TRIGGER sealed_columns;

CREATE OR REPLACE FUNCTION settlement_guard_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM new_rows n JOIN coupons_redemption r ON r.id = n.redemption_id
             WHERE r.reversed_at IS NOT NULL OR r.merchant_id <> n.merchant_id) THEN
    RAISE EXCEPTION 'a line needs a standing redemption of its own merchant'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF EXISTS (SELECT FROM new_rows n JOIN coupons_refund f ON f.id = n.refund_id
             WHERE f.state <> 'paid_out' OR f.redemption_id IS NULL OR f.amount_fen <> -n.gross_fen
                OR f.merchant_id <> n.merchant_id) THEN
    RAISE EXCEPTION 'a negative line needs a refund after use that was paid out, of its own merchant'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0007_line_facts")]

    operations = [
        migrations.AlterField(
            model_name="statement",
            name="amount_fen",
            field=models.BigIntegerField(),
        ),
        migrations.AlterField(
            model_name="statement",
            name="payee",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identity.party"),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('redemption__isnull', False), ('refund__isnull', True)), models.Q(('redemption__isnull', True), ('refund__isnull', False)), _connector='OR'), name='settlement_line_of_one'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('commission_fen__gte', 0), ('gross_fen__gte', 0), ('merchant_fen__gte', 0), ('platform_fee_fen__gte', 0), ('refund__isnull', True), ('service_fee_fen__gte', 0), ('station_share_fen__gte', 0)), models.Q(('commission_fen__lte', 0), ('gross_fen__lte', 0), ('merchant_fen__lte', 0), ('platform_fee_fen__lte', 0), ('refund__isnull', False), ('service_fee_fen__lte', 0), ('station_share_fen__lte', 0)), _connector='OR'), name='settlement_line_sign'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(('commission_bps__gte', 0), ('merchant_fen__isnull', False), ('platform_fee_bps__gte', 0), ('service_fee_bps__gte', 0), ('station_share_bps__gte', 0), ('platform_fee_bps__lte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.Value(10000), '-', models.F('service_fee_bps')), '-', models.F('station_share_bps')), '-', models.F('commission_bps')))), name='settlement_line_rates'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('platform_payee__isnull', False), ('platform_fee_fen', 0), _connector='OR'), models.Q(('service_payee__isnull', False), ('service_fee_fen', 0), _connector='OR'), models.Q(('station_payee__isnull', False), ('station_share_fen', 0), _connector='OR'), models.Q(('commission_payee__isnull', False), ('commission_fen', 0), _connector='OR')), name='settlement_line_payees'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('service_payee__isnull', False), ('service_statement__isnull', True), _connector='OR'), models.Q(('station_payee__isnull', False), ('station_statement__isnull', True), _connector='OR'), models.Q(('commission_payee__isnull', False), ('commission_statement__isnull', True), _connector='OR')), name='settlement_line_stated_to_payee'),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.UniqueConstraint(condition=models.Q(('previous__isnull', True)), fields=('merchant', 'payee', 'kind'), name='statement_one_first'),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen', models.F('merchant_fen')), ('kind', 'merchant'), ('payee_id', models.F('merchant_id'))), models.Q(('amount_fen', models.F('service_fee_fen')), ('kind', 'provider')), models.Q(('amount_fen', models.F('station_share_fen')), ('kind', 'station')), models.Q(('amount_fen', models.F('commission_fen')), ('kind', 'creator')), _connector='OR'), name='statement_amount_of_its_payee'),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.CheckConstraint(
                condition=models.Q(refunded_fen__gte=0, refund_lines__gte=0, refund_lines__lte=models.F("lines_count")),
                name="statement_refunds",
            ),
        ),
        migrations.RunSQL(SEALED, migrations.RunSQL.noop),
    ]
