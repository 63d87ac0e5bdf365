"""A redemption is named together with its merchant: a key in place of the plain index of the same columns."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("coupons", "0012_coupons_by_merchant")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY redemption_key ON coupons_redemption (merchant_id, id)",
                    migrations.RunSQL.noop,
                ),
                migrations.RunSQL(
                    "ALTER TABLE coupons_redemption ADD CONSTRAINT redemption_key UNIQUE USING INDEX redemption_key",
                    "ALTER TABLE coupons_redemption DROP CONSTRAINT redemption_key",
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="redemption",
                    constraint=models.UniqueConstraint(fields=("merchant", "id"), name="redemption_key"),
                ),
            ],
        ),
        RemoveIndexConcurrently(model_name="redemption", name="redemption_by_merchant"),
    ]
