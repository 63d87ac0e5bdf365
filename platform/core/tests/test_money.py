"""Splitting fen: the parts of any amount under any terms sum to it, in Python and in SQL alike."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import part_of_uses, split_fen

shares = st.lists(st.integers(0, 10_000), max_size=4).filter(lambda bps: sum(bps) <= 10_000)


def test_largest_remainder_and_ties_go_to_the_owner():
    assert split_fen(12_800, [250]) == (12_480, [320])
    assert split_fen(50, [250]) == (49, [1])  # 1.25 and 48.75: the fen left over goes to the larger fraction
    assert split_fen(20, [250]) == (20, [0])  # 0.5 and 19.5: a tie goes to the owner
    assert split_fen(1, [3_334, 3_333, 3_333]) == (0, [1, 0, 0])
    assert split_fen(0, [10_000]) == (0, [0])


@pytest.mark.parametrize(("amount", "bps"), [(-1, []), (1, [-1]), (1, [10_000, 1])])
def test_what_cannot_be_split_is_refused(amount, bps):
    with pytest.raises(ValueError, match="cannot split"):
        split_fen(amount, bps)


@given(amount=st.integers(0, 10**12), bps=shares)
def test_parts_sum_to_the_whole_and_stray_less_than_a_fen(amount, bps):
    kept, parts = split_fen(amount, bps)
    assert kept + sum(parts) == amount
    assert kept >= 0
    for part, share in zip(parts, bps, strict=True):
        assert abs(part * 10_000 - amount * share) < 10_000


@given(amount=st.integers(0, 10**9), uses=st.integers(1, 100))
def test_uses_sum_to_the_price(amount, uses):
    parts = [part_of_uses(amount, uses, use_no) for use_no in range(1, uses + 1)]
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1


@pytest.mark.django_db
def test_sql_and_python_split_alike():
    @settings(max_examples=300, deadline=None)
    @given(amount=st.integers(0, 10**12), bps=shares)
    def alike(amount, bps):
        with connection.cursor() as cursor:
            cursor.execute("SELECT split_fen(%s, %s::int[])", [amount, bps])
            assert (cursor.fetchone()[0] or []) == split_fen(amount, bps)[1]
            four = [*bps, 0, 0, 0, 0][:4]
            cursor.execute("SELECT * FROM split_fen_columns(%s, %s, %s, %s, %s)", [amount, *four])
            assert list(cursor.fetchone()) == split_fen(amount, four)[1]

    alike()


@pytest.mark.django_db
def test_the_planner_inlines_the_split_in_columns():
    """Called once per row as a function it would cost more than the rest of a settlement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT s.* FROM generate_series(1, 9) g CROSS JOIN LATERAL split_fen_columns(g, 250, 9, 9, g) s"
        )
        assert "split_fen_columns" not in str(cursor.fetchall())
