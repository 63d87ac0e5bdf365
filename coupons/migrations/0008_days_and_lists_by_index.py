"""Indexes for days and lists of a long history, built while selling goes on."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("coupons", "0007_operator_names")]
    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(("paid_at__isnull", False)),
                fields=["merchant", "paid_at"],
                include=("paid_fen",),
                name="order_paid_by_time",
            ),
        ),
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(
                fields=["merchant", "business_date", "store"],
                include=("gross_fen", "redeemed_at", "reversed_at"),
                name="redemption_by_business_date",
            ),
        ),
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(fields=["store", "-redeemed_at"], name="redemption_by_store"),
        ),
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(fields=["clerk", "-redeemed_at"], name="redemption_by_clerk"),
        ),
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(
                condition=models.Q(("reversed_at__isnull", False)),
                fields=["merchant", "-redeemed_at"],
                name="redemption_undone",
            ),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("state__in", ["requested", "approved", "failed"])),
                fields=["merchant"],
                name="refund_open",
            ),
        ),
        RemoveIndexConcurrently(
            model_name="order",
            name="order_by_paid",
        ),
        RemoveIndexConcurrently(
            model_name="redemption",
            name="redemption_by_day",
        ),
        migrations.AlterField(
            model_name="redemption",
            name="clerk",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="redemption",
            name="store",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="redemptions",
                to="merchants.store",
            ),
        ),
        # Almost only inserts: without this the pages of millions of rows wait for months to be marked as seen by all, and
        # reading a day from the index alone reads the table as well.
        migrations.RunSQL(
            "ALTER TABLE coupons_redemption SET (autovacuum_vacuum_insert_scale_factor = 0,"
            " autovacuum_vacuum_insert_threshold = 5000)",
            "ALTER TABLE coupons_redemption RESET (autovacuum_vacuum_insert_scale_factor,"
            " autovacuum_vacuum_insert_threshold)",
        ),
    ]
