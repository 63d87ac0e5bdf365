"""Every foreign key between rows of merchants: a row that points into another shop is found, whatever table it is in."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, models

from core.invariants import check_invariants
from coupons.tests.town import Town
from tests.invariants.unguarded import unguard

pytestmark = pytest.mark.django_db


def is_tenant(model: type[models.Model]) -> bool:
    return any(field.name == "merchant" for field in model._meta.concrete_fields)


def keys() -> Iterator[tuple[str, str, str, str]]:
    """(table, column, target table, target's key), of plain keys and of the tables between many and many."""
    for model in apps.get_models():
        if not is_tenant(model) or not model._meta.managed:
            continue
        for field in [*model._meta.concrete_fields, *model._meta.many_to_many]:
            target = field.related_model
            if field.name == "merchant" or field.primary_key or target is None or not is_tenant(target):
                continue
            if isinstance(field, models.ManyToManyField):
                yield (
                    field.m2m_db_table(),
                    field.m2m_reverse_name(),
                    target._meta.db_table,
                    target._meta.pk.column,
                )
            else:
                yield model._meta.db_table, field.column, target._meta.db_table, target._meta.pk.column


@pytest.mark.parametrize(("table", "column", "target", "key"), list(keys()))
def test_a_row_that_points_into_another_shop_is_found(
    shops: tuple[Town, Town], table: str, column: str, target: str, key: str
) -> None:
    here, there = (town.merchant.pk for town in shops)
    assert check_invariants().broken == {}
    unguard([table])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max({key}) FROM {target} WHERE merchant_id = %s", [there])
        (foreign,) = cursor.fetchone()
        assert foreign, f"the second shop has no row in {target}: add one in tests/invariants/shops.py"
        mine = (
            "WHERE merchant_id = %s"
            if has_merchant(table)
            else f"WHERE {column} IN (SELECT {key} FROM {target} WHERE merchant_id = %s)"
        )
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE ctid = (SELECT ctid FROM {table} {mine}"
            f" ORDER BY {column} IS NULL LIMIT 1)",
            [foreign, here],
        )
        assert cursor.rowcount == 1, (
            f"the first shop has no row in {table}: add one in tests/invariants/shops.py"
        )

    assert check_invariants().broken, f"no invariant says that {table}.{column} stays inside one merchant"


def has_merchant(table: str) -> bool:
    with connection.cursor() as cursor:
        return any(
            column.name == "merchant_id"
            for column in connection.introspection.get_table_description(cursor, table)
        )
