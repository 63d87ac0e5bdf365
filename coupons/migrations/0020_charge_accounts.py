"""Whose money a charge of the sandbox is, so that it can give each merchant its bill."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0016_recalls'),
    ]

    operations = [
        migrations.AddField(
            model_name='sandboxcharge',
            name='account',
            field=models.CharField(db_default='', default='', max_length=40),
        ),
        migrations.AddIndex(
            model_name='sandboxcharge',
            index=models.Index(fields=['account', 'paid_at'], name='sandbox_charge_by_account'),
        ),
        # Charges from before belong to the merchant whose payment they are; refunds get their moment from ours.
        migrations.RunSQL(
            """
            UPDATE coupons_sandboxcharge c SET account = p.merchant_id::text,
                refund_keys = COALESCE((
                    SELECT jsonb_object_agg(r.key, jsonb_build_object('fen', r.value, 'at', COALESCE(f.paid_out_at, c.paid_at)))
                    FROM jsonb_each(c.refund_keys) r LEFT JOIN coupons_refund f ON f.id::text = r.key
                    WHERE jsonb_typeof(r.value) = 'number'), '{}')
            FROM coupons_payment p WHERE p.reference = c.reference
            """,
            migrations.RunSQL.noop,
        ),
    ]
