"""Payouts: batches, what they pay, the bank's answers; and what the database refuses about them."""

import core.ids
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


GUARD = """
CREATE FUNCTION settlement_guard_payout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op <> 'INSERT' THEN
    RAISE EXCEPTION '% on % refused: what was to be paid is never changed', tg_op, tg_table_name
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM settlement_bankaccount b WHERE b.id = NEW.account_id AND b.payee_id = NEW.payee_id
                 AND b.cancelled_at IS NULL AND b.active_from <= now()) THEN
    RAISE EXCEPTION 'a payout goes to an account of its payee that is in effect'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER account BEFORE INSERT ON settlement_payout FOR EACH ROW EXECUTE FUNCTION settlement_guard_payout();
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON settlement_payout
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_guard_payout();
CREATE TRIGGER kept_columns BEFORE UPDATE OF id, merchant_id, batch_id, payee_id, kind, account_id, amount_fen, created_at
  ON settlement_payout FOR EACH STATEMENT EXECUTE FUNCTION settlement_guard_payout();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_payoutitem
  FOR EACH STATEMENT EXECUTE FUNCTION settlement_guard_payout();

CREATE FUNCTION settlement_guard_paid() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.payout_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM settlement_payout p WHERE p.id = NEW.payout_id AND p.merchant_id = NEW.merchant_id
        AND p.payee_id = NEW.payee_id AND p.kind = NEW.kind AND p.state NOT IN ('failed', 'dropped')
        AND (p.state = 'paid' OR NEW.state <> 'paid')) THEN
    RAISE EXCEPTION 'statement % is paid by a payout of its payee that stands', NEW.id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF OLD.state = 'paid' AND (NEW.state <> 'paid' OR NEW.payout_id IS DISTINCT FROM OLD.payout_id) THEN
    RAISE EXCEPTION 'statement % was paid', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER paid BEFORE UPDATE OF state, payout_id ON settlement_statement
  FOR EACH ROW EXECUTE FUNCTION settlement_guard_paid();

CREATE FUNCTION settlement_guard_batch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op <> 'UPDATE' OR OLD.file_encrypted IS NOT NULL AND (NEW.file_encrypted, NEW.file_sha256, NEW.file_kind)
       IS DISTINCT FROM (OLD.file_encrypted, OLD.file_sha256, OLD.file_kind)
     OR (NEW.proposed_by_id, NEW.currency, NEW.number) IS DISTINCT FROM (OLD.proposed_by_id, OLD.currency, OLD.number)
     OR OLD.approved_by_id IS NOT NULL AND NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id THEN
    RAISE EXCEPTION '% of a payout batch refused: who proposed and approved it and its file stay', tg_op
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON settlement_payoutbatch
  FOR EACH ROW EXECUTE FUNCTION settlement_guard_batch();

ALTER TABLE settlement_payout ENABLE ALWAYS TRIGGER account;
ALTER TABLE settlement_payout ENABLE ALWAYS TRIGGER kept;
ALTER TABLE settlement_payout ENABLE ALWAYS TRIGGER kept_columns;
ALTER TABLE settlement_payoutitem ENABLE ALWAYS TRIGGER kept;
ALTER TABLE settlement_statement ENABLE ALWAYS TRIGGER paid;
ALTER TABLE settlement_payoutbatch ENABLE ALWAYS TRIGGER kept;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0003_shadow_customers'),
        ('ledger', '0006_payouts'),
        ('merchants', '0004_shadow_merchants'),
        ('settlement', '0030_statement_files'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PayoutBatch',
            fields=[
                ('id', core.ids.IdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=20, unique=True, verbose_name='Batch')),
                ('currency', models.CharField(max_length=3)),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'Approved'), ('exported', 'With the bank'), ('finished', 'Finished'), ('withdrawn', 'Withdrawn')], default='proposed', max_length=10)),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('approved_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('exported_at', models.DateTimeField(null=True)),
                ('file_kind', models.CharField(blank=True, choices=[('xlsx', 'XLSX'), ('csv', 'CSV')], default='', max_length=4)),
                ('file_encrypted', models.BinaryField(null=True)),
                ('file_sha256', models.CharField(blank=True, default='', max_length=64)),
            ],
            options={
                'verbose_name': 'Payout batch',
                'verbose_name_plural': 'Payout batches',
            },
        ),
        migrations.CreateModel(
            name='PayoutItem',
            fields=[
                ('id', core.ids.IdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount_fen', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='PayoutResults',
            fields=[
                ('id', core.ids.IdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file_name', models.CharField(max_length=120)),
                ('rows', models.JSONField()),
                ('uploaded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('applied_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': "Bank's answers",
                'verbose_name_plural': "Bank's answers",
            },
        ),
        migrations.CreateModel(
            name='Payout',
            fields=[
                ('id', core.ids.IdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('merchant', 'Merchant'), ('provider', 'Service provider'), ('station', 'City station'), ('creator', 'Creator')], max_length=10)),
                ('amount_fen', models.BigIntegerField()),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'Approved'), ('sent', 'With the bank'), ('paid', 'Paid'), ('failed', 'Came back'), ('dropped', 'Not paid')], default='proposed', max_length=10)),
                ('dropped', models.CharField(blank=True, choices=[('no_account', 'No bank account is in use'), ('not_positive', 'Refunds outweigh what was earned'), ('balance', 'The balance is lower than the statements'), ('under_way', 'Another payout is under way'), ('account_changed', 'The bank account was changed meanwhile'), ('batch_withdrawn', 'The batch was withdrawn')], default='', max_length=16)),
                ('bank_reference', models.CharField(blank=True, default='', max_length=80, verbose_name="Bank's reference")),
                ('failure', models.CharField(blank=True, default='', max_length=200, verbose_name='Why it came back')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.bankaccount')),
                ('hold', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.journal')),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='merchants.merchant')),
                ('payee', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identity.party')),
                ('result', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.journal')),
            ],
            options={
                'verbose_name': 'Payout',
                'verbose_name_plural': 'Payouts',
            },
        ),
        migrations.AddField(
            model_name='statement',
            name='payout',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='settlement.payout'),
        ),
        migrations.AddIndex(
            model_name='statement',
            index=models.Index(condition=models.Q(('payout__isnull', True), ('state', 'confirmed')), fields=['merchant', 'payee', 'kind'], name='statement_payable'),
        ),
        migrations.AddIndex(
            model_name='statement',
            index=models.Index(condition=models.Q(('state', 'sealed')), fields=['sealed_at'], name='statement_unanswered'),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('payout__isnull', True), ('state__in', ['sealed', 'confirmed', 'disputed'])), models.Q(('payout__isnull', False), ('state__in', ['confirmed', 'paid'])), _connector='OR'), name='statement_paid_by_payout'),
        ),
        migrations.AddField(
            model_name='payoutbatch',
            name='approved_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payoutbatch',
            name='exported_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payoutbatch',
            name='proposed_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payoutbatch',
            name='withdrawn_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payout',
            name='batch',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='settlement.payoutbatch'),
        ),
        migrations.AddField(
            model_name='payoutitem',
            name='merchant',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='merchants.merchant'),
        ),
        migrations.AddField(
            model_name='payoutitem',
            name='payout',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='settlement.payout'),
        ),
        migrations.AddField(
            model_name='payoutitem',
            name='statement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payout_items', to='settlement.statement'),
        ),
        migrations.AddField(
            model_name='payoutresults',
            name='applied_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payoutresults',
            name='batch',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='results', to='settlement.payoutbatch'),
        ),
        migrations.AddField(
            model_name='payoutresults',
            name='uploaded_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='payoutbatch',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), models.Q(('approved_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='payout_batch_second_person'),
        ),
        migrations.AddConstraint(
            model_name='payoutbatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approved_by__isnull', True), ('state__in', ['proposed', 'withdrawn'])), models.Q(('approved_by__isnull', False), ('state__in', ['approved', 'exported', 'finished'])), _connector='OR'), name='payout_batch_approved'),
        ),
        migrations.AddConstraint(
            model_name='payoutbatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('file_encrypted__isnull', False), ('state__in', ['exported', 'finished'])), models.Q(('file_encrypted__isnull', True), ('state__in', ['proposed', 'approved', 'withdrawn'])), _connector='OR'), name='payout_batch_file'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['merchant', '-id'], name='payout_of_merchant'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['payee', '-id'], name='payout_of_payee'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(fields=('batch', 'merchant', 'payee', 'kind'), name='payout_once_per_batch'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['proposed', 'approved', 'sent'])), fields=('merchant', 'payee', 'kind'), name='payout_one_under_way'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen__gt', 0)), name='payout_positive'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('hold__isnull', False), ('state__in', ['approved', 'sent', 'paid', 'failed'])), models.Q(('hold__isnull', True), ('state__in', ['proposed', 'dropped'])), _connector='OR'), name='payout_held'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('result__isnull', False), ('state__in', ['paid', 'failed'])), models.Q(('result__isnull', True), ('state__in', ['proposed', 'approved', 'sent', 'dropped'])), _connector='OR'), name='payout_result'),
        ),
        migrations.AddConstraint(
            model_name='payoutitem',
            constraint=models.UniqueConstraint(fields=('payout', 'statement'), name='payout_item_once'),
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
