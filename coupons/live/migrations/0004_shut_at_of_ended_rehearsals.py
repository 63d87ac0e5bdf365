from django.db import migrations

FILL = """
UPDATE live_rehearsal r SET shut_at = r.finished_at
WHERE r.finished_at IS NOT NULL AND r.shadow_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM coupons_deal d WHERE d.merchant_id = r.shadow_id AND d.state = 'online')
"""


class Migration(migrations.Migration):
    dependencies = [("live", "0003_rehearsal_shut_at"), ("coupons", "0012_coupons_by_merchant")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
