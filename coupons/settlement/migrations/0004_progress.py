"""How far settlement has come with each merchant, and the split of an amount as columns, which the planner can inline."""

import django.db.models.deletion
from django.db import migrations, models

from core.money import SPLIT_FEN_COLUMNS_SQL


class Migration(migrations.Migration):
    dependencies = [("settlement", "0003_operator_names"), ("merchants", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="SettlementProgress",
            fields=[
                (
                    "merchant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="merchants.merchant",
                    ),
                ),
                ("settled_below", models.BigIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.RunSQL(
            SPLIT_FEN_COLUMNS_SQL, "DROP FUNCTION split_fen_columns(bigint, int, int, int, int)"
        ),
    ]
