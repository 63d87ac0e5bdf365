"""Money: integers of fen, rates in basis points, one function that splits."""

from collections.abc import Sequence

# The same rule in SQL, for set-based settlement; a property test holds the two together.
SPLIT_FEN_SQL = """
CREATE FUNCTION split_fen(amount bigint, bps int[]) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  n int := COALESCE(array_length(bps, 1), 0);
  parts bigint[] := '{}';
  remainders bigint[] := '{}';
  own_bps bigint := 10000;
  left_over bigint := amount;
  best int;
BEGIN
  IF amount < 0 THEN RAISE EXCEPTION 'amount must not be negative' USING ERRCODE = 'check_violation'; END IF;
  FOR i IN 1..n LOOP
    IF bps[i] < 0 THEN RAISE EXCEPTION 'a share must not be negative' USING ERRCODE = 'check_violation'; END IF;
    parts[i] := amount * bps[i] / 10000;
    remainders[i] := amount * bps[i] % 10000;
    own_bps := own_bps - bps[i];
    left_over := left_over - parts[i];
  END LOOP;
  IF own_bps < 0 THEN RAISE EXCEPTION 'shares exceed the whole' USING ERRCODE = 'check_violation'; END IF;
  left_over := left_over - amount * own_bps / 10000;
  FOR k IN 1..left_over LOOP
    best := 0;
    FOR i IN 1..n LOOP
      IF remainders[i] > (CASE WHEN best = 0 THEN amount * own_bps % 10000 ELSE remainders[best] END) THEN best := i; END IF;
    END LOOP;
    EXIT WHEN best = 0;
    parts[best] := parts[best] + 1;
    remainders[best] := -1;
  END LOOP;
  RETURN parts;
END $$;
"""

# The same rule for exactly four shares, as columns: one expression without a loop, which the planner inlines into a
# set-based statement (the function above costs 25 microseconds a row). A share gets one of the fen left over where its
# remainder beats the owner's and fewer than `left_over` shares beat its own. Shares above 10,000 bps together are not
# refused here: the parts then exceed the amount, which the table that takes them must refuse.
SPLIT_FEN_COLUMNS_SQL = """
CREATE FUNCTION split_fen_columns(amount bigint, a int, b int, c int, d int)
RETURNS TABLE (a_fen bigint, b_fen bigint, c_fen bigint, d_fen bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT pa + (ra > own AND (rb > ra)::int + (rc > ra)::int + (rd > ra)::int < left_over)::int,
         pb + (rb > own AND (ra >= rb)::int + (rc > rb)::int + (rd > rb)::int < left_over)::int,
         pc + (rc > own AND (ra >= rc)::int + (rb >= rc)::int + (rd > rc)::int < left_over)::int,
         pd + (rd > own AND (ra >= rd)::int + (rb >= rd)::int + (rc >= rd)::int < left_over)::int
  FROM (SELECT amount * a / 10000 AS pa, amount * b / 10000 AS pb, amount * c / 10000 AS pc, amount * d / 10000 AS pd,
          amount * a % 10000 AS ra, amount * b % 10000 AS rb, amount * c % 10000 AS rc, amount * d % 10000 AS rd,
          amount * (10000 - a - b - c - d) % 10000 AS own,
          amount - amount * a / 10000 - amount * b / 10000 - amount * c / 10000 - amount * d / 10000
            - amount * (10000 - a - b - c - d) / 10000 AS left_over
        OFFSET 0) split
$$;
"""


def split_fen(amount_fen: int, shares_bps: Sequence[int]) -> tuple[int, list[int]]:
    """Split an amount (fen >= 0) by shares in basis points: (what the owner keeps, the parts in order).

    Largest remainder: every party gets its whole fen, the fen left over go to the largest fractions. A tie goes
    to the owner, then to the share named first; the owner takes whatever is still left, so owner + parts ==
    amount_fen always. Raises ValueError on a negative amount or share, or where shares exceed 10,000 bps.
    """
    own_bps = 10_000 - sum(shares_bps)
    if amount_fen < 0 or own_bps < 0 or any(share < 0 for share in shares_bps):
        raise ValueError(f"cannot split {amount_fen} fen by {list(shares_bps)} bps")
    parts = [amount_fen * share // 10_000 for share in shares_bps]
    remainders = [amount_fen * share % 10_000 for share in shares_bps]
    own_remainder = amount_fen * own_bps % 10_000
    left_over = amount_fen - sum(parts) - amount_fen * own_bps // 10_000
    for _ in range(left_over):
        best = max(range(len(parts)), key=lambda i: (remainders[i], -i), default=None)
        if best is None or remainders[best] <= own_remainder:
            break
        parts[best] += 1
        remainders[best] = -1
    return amount_fen - sum(parts), parts


def part_of_uses(amount_fen: int, uses_total: int, use_no: int) -> int:
    """The fen of use `use_no` (1-based) of a coupon that cost amount_fen for uses_total uses; all uses sum to the whole."""
    return amount_fen * use_no // uses_total - amount_fen * (use_no - 1) // uses_total
