"""A merchant's redemptions in the order they were written: settlement walks along it. In place of the index by merchant alone."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("coupons", "0010_stock_moved_into_slots"), ("merchants", "0003_operator_names")]
    operations = [
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(fields=["merchant", "id"], name="redemption_by_merchant"),
        ),
        migrations.AlterField(
            model_name="redemption",
            name="merchant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="redemptions",
                to="merchants.merchant",
            ),
        ),
    ]
