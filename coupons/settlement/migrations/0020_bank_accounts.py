"""Bank accounts of payees: a row is never edited; while it waits it can be cancelled, once. The database refuses the rest."""

import core.ids
import datetime
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


GUARD = """
CREATE FUNCTION settlement_guard_bank_account() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op = 'TRUNCATE' THEN
    RAISE EXCEPTION 'bank accounts are kept' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF tg_op = 'DELETE' OR to_jsonb(NEW) - 'cancelled_at' - 'cancelled_by_id' <> to_jsonb(OLD) - 'cancelled_at' - 'cancelled_by_id'
     OR OLD.cancelled_at IS NOT NULL OR OLD.active_from <= now() THEN
    RAISE EXCEPTION '% of bank account % refused: it is changed by a new one, and cancelled only while it waits', tg_op, OLD.id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON settlement_bankaccount
  FOR EACH ROW EXECUTE FUNCTION settlement_guard_bank_account();
CREATE TRIGGER keep BEFORE TRUNCATE ON settlement_bankaccount FOR EACH STATEMENT
  EXECUTE FUNCTION settlement_guard_bank_account();
ALTER TABLE settlement_bankaccount ENABLE ALWAYS TRIGGER guard;
ALTER TABLE settlement_bankaccount ENABLE ALWAYS TRIGGER keep;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0003_shadow_customers'),
        ('settlement', '0011_reconciliation_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BankAccount',
            fields=[
                ('id', core.ids.IdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('holder', models.CharField(max_length=80, verbose_name='Account holder')),
                ('bank', models.CharField(max_length=80, verbose_name='Bank and branch')),
                ('number_encrypted', models.TextField()),
                ('number_tail', models.CharField(max_length=4, verbose_name='Ends in')),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('second_factor_at', models.DateTimeField()),
                ('active_from', models.DateTimeField()),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('cancelled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payee', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identity.party')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'Bank account',
                'verbose_name_plural': 'Bank accounts',
                'indexes': [models.Index(fields=['payee', '-active_from'], name='bank_account_of_payee')],
                'constraints': [models.CheckConstraint(condition=models.Q(('active_from__gt', models.F('requested_at'))), name='bank_account_waits'), models.CheckConstraint(condition=models.Q(('second_factor_at__gte', django.db.models.expressions.CombinedExpression(models.F('requested_at'), '-', models.Value(datetime.timedelta(seconds=900)))), ('second_factor_at__lte', django.db.models.expressions.CombinedExpression(models.F('requested_at'), '+', models.Value(datetime.timedelta(seconds=900))))), name='bank_account_second_factor'), models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at__isnull', True), ('cancelled_by__isnull', True)), models.Q(('cancelled_at__lt', models.F('active_from')), ('cancelled_by__isnull', False)), _connector='OR'), name='bank_account_cancelled_in_time')],
            },
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
