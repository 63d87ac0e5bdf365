"""What stood in one row per deal moves into slots; DealStock becomes a view that sums them."""

import django.db.models.deletion
from django.db import migrations, models

SLOTS = 16

# Sold and held pieces go to slot 0, what is free is spread. Written and altered in one transaction, hence IMMEDIATE.
FILL = f"""
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO coupons_stockpool (merchant_id, deal_id, kind, entrance, total)
    SELECT merchant_id, deal_id, 'general', '', total FROM coupons_dealstock;
INSERT INTO coupons_stockslot (merchant_id, deal_id, pool_id, number, free, held, sold)
    SELECT p.merchant_id, p.deal_id, p.id, n,
        (k.total - k.held - k.sold) / {SLOTS} + (n < (k.total - k.held - k.sold) % {SLOTS})::int,
        CASE WHEN n = 0 THEN k.held ELSE 0 END, CASE WHEN n = 0 THEN k.sold ELSE 0 END
    FROM coupons_stockpool p JOIN coupons_dealstock k ON k.deal_id = p.deal_id
    CROSS JOIN generate_series(0, {SLOTS - 1}) n;
UPDATE coupons_order o SET stock_slot_id = s.id FROM coupons_stockslot s WHERE s.deal_id = o.deal_id AND s.number = 0;
DROP TABLE coupons_dealstock;
"""

VIEW = """
CREATE VIEW coupons_dealstock AS
SELECT d.id AS deal_id, d.merchant_id,
    CASE WHEN s.has_end THEN s.pieces END AS total, s.held, s.sold, s.free
FROM coupons_deal d CROSS JOIN LATERAL (
    SELECT COALESCE(bool_and(s.free IS NOT NULL), false) AS has_end,
        COALESCE(sum(COALESCE(s.free, 0) + s.held + s.sold), 0)::int AS pieces,
        COALESCE(sum(s.held), 0)::int AS held, COALESCE(sum(s.sold), 0)::int AS sold,
        (sum(s.free) FILTER (WHERE p.kind = 'general'))::int AS free
    FROM coupons_stockslot s JOIN coupons_stockpool p ON p.id = s.pool_id
    WHERE s.deal_id = d.id) s
"""

# The caller's pieces from a slot that has them and that nobody is writing, beginning at slot `start`; null where there is
# none. A row whose pieces went while it was locked stays locked until the (sub)transaction ends: the block's own
# subtransaction lets go of it, so that whoever then waits for the last pieces holds none (two such would wait for each
# other for ever).
TAKE = """
CREATE FUNCTION coupons_take_pieces(pool bigint, pieces int, start int, slots int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE taken bigint;
BEGIN
    UPDATE coupons_stockslot SET free = free - pieces, held = held + pieces
    WHERE id = (SELECT id FROM coupons_stockslot WHERE pool_id = pool AND (free IS NULL OR free >= pieces)
        ORDER BY (number + start) % slots LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id INTO taken;
    IF taken IS NULL THEN
        RAISE SQLSTATE 'TD001';
    END IF;
    RETURN taken;
EXCEPTION WHEN SQLSTATE 'TD001' THEN
    RETURN NULL;
END $$
"""

# A slot belongs to the deal of its order, its pool to the deal of its slot: three columns say so.
KEYS = [
    ("coupons_stockpool", "(merchant_id, deal_id)", "coupons_deal (merchant_id, id)"),
    ("coupons_stockslot", "(merchant_id, deal_id, pool_id)", "coupons_stockpool (merchant_id, deal_id, id)"),
    ("coupons_placement", "(merchant_id, deal_id)", "coupons_deal (merchant_id, id)"),
    ("coupons_placement", "(merchant_id, deal_id, pool_id)", "coupons_stockpool (merchant_id, deal_id, id)"),
    ("coupons_order", "(merchant_id, deal_id, stock_slot_id)", "coupons_stockslot (merchant_id, deal_id, id)"),
    ("coupons_order", "(merchant_id, deal_id, placement_id)", "coupons_placement (merchant_id, deal_id, id)"),
]


def _name(table: str, columns: str) -> str:
    return f"{table}_{columns.strip('()').split(', ')[-1].removesuffix('_id')}_same_deal"


class Migration(migrations.Migration):
    dependencies = [("coupons", "0009_stock_slots")]
    operations = [
        migrations.RunSQL(FILL),
        migrations.RunSQL(TAKE, "DROP FUNCTION coupons_take_pieces"),
        migrations.RunSQL(VIEW, "DROP VIEW coupons_dealstock"),
        migrations.AlterField(
            model_name="order",
            name="stock_slot",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="coupons.stockslot",
            ),
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT {_name(table, columns)}"
                f" FOREIGN KEY {columns} REFERENCES {target} DEFERRABLE INITIALLY DEFERRED",
                f"ALTER TABLE {table} DROP CONSTRAINT {_name(table, columns)}",
            )
            for table, columns, target in KEYS
        ),
        # Rewritten with every sale: room on the page keeps the update there and the index untouched.
        migrations.RunSQL(
            "ALTER TABLE coupons_stockslot SET (fillfactor = 25, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 5000)"
        ),
    ]
