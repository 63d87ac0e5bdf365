"""Rows that hang together belong to one merchant: composite keys say so."""

from django.db import migrations

KEYS = [
    ("coupons_order", "deal", "coupons_deal"),
    ("coupons_coupon", "order", "coupons_order"),
    ("coupons_coupon", "deal", "coupons_deal"),
    ("coupons_redemption", "store", "merchants_store"),
    ("coupons_redemption", "order", "coupons_order"),
    ("coupons_payment", "order", "coupons_order"),
    ("coupons_refund", "order", "coupons_order"),
]


class Migration(migrations.Migration):
    dependencies = [("coupons", "0002_relations"), ("merchants", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_same_tenant"
            f" FOREIGN KEY (merchant_id, {column}_id) REFERENCES {target} (merchant_id, id)"
            " DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_same_tenant",
        )
        for table, column, target in KEYS
    ]
