"""A merchant's coupons, newest first, in place of the index by merchant alone."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("coupons", "0011_redemptions_by_merchant"), ("merchants", "0003_operator_names")]
    operations = [
        AddIndexConcurrently(
            model_name="coupon",
            index=models.Index(fields=["merchant", "-id"], name="coupon_by_merchant"),
        ),
        migrations.AlterField(
            model_name="coupon",
            name="merchant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="coupons",
                to="merchants.merchant",
            ),
        ),
    ]
