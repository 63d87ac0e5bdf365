"""Ids minted by the database: positive, in order of time, carrying shard and moment."""

import datetime as dt

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

EPOCH = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def mint(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT mint_id() FROM generate_series(1, %s)", [count])
        return [row[0] for row in cursor.fetchall()]


def test_ids_are_positive_different_and_ordered_by_time() -> None:
    ids = [*mint(300), *mint(300)]

    assert min(ids) > 0
    assert max(ids) < 2**63
    assert len(set(ids)) == 600
    milliseconds = [value >> 22 for value in ids]
    assert milliseconds == sorted(milliseconds)


def test_id_carries_its_moment() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT mint_id(), clock_timestamp()")
        value, now = cursor.fetchone()

    minted_at = EPOCH + dt.timedelta(milliseconds=value >> 22)
    assert abs(minted_at - now) < dt.timedelta(minutes=1)


@pytest.mark.parametrize(("shard", "bits"), [("", 0), ("7", 7), ("1030", 6)])
def test_id_carries_its_shard(shard: str, bits: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tongdao.shard', %s, true)", [shard])

    (value,) = mint(1)

    assert (value >> 12) & 1023 == bits
