"""Coupons of many orders that were paid elsewhere and brought in at once: written as fast as the table takes rows.

Nothing in the product does that yet. Every order here is paid by a notification of its own, which mints its coupons in the
same transaction (domain/issuing.py, also in replays, rehearsals and the demonstration town: they go the customer's way). This is
for whoever brings a shop's sold but unused coupons along from another system, and `manage.py bench mint` holds it to its
speed. What a coupon holds comes from domain/issuing.py for both.
"""

import json
from collections.abc import Callable, Iterable, Sequence

from django.db import IntegrityError, connection, transaction

from coupons.domain.codes import new_codes
from coupons.domain.issuing import CODE_TRIES, coupon_fields
from coupons.models import Order
from merchants.models import Merchant

BATCH = 10_000  # orders in one transaction

# Of the terms only what a coupon is made from: the rest would cost more to read than the coupons to write.
_TAKE = """
SELECT id, deal_id, customer_id, quantity, unit_price_fen, paid_at, jsonb_build_object(
    'uses_total', terms -> 'uses_total', 'validity_kind', terms -> 'validity_kind', 'valid_days', terms -> 'valid_days',
    'valid_from_date', terms -> 'valid_from_date', 'valid_until_date', terms -> 'valid_until_date')::text
FROM coupons_order
WHERE merchant_id = %s AND id = ANY(%s) AND state IN ('paid', 'completed')
ORDER BY id FOR NO KEY UPDATE
"""


def mint_for_orders(
    *, merchant: Merchant, order_ids: Sequence[int], on_batch: Callable[[int], None] = lambda minted: None
) -> int:
    """The coupons of every one of these paid orders that has none yet; how many coupons were minted.

    Exactly once per order: under its row's lock, which paying takes too. BATCH orders are a transaction each, after which
    on_batch hears how many coupons there are so far; what was committed before an error stays, and asking again goes
    on there. Inside a transaction of the caller all of it is one.
    """
    minted = 0
    for start in range(0, len(order_ids), BATCH):
        with transaction.atomic():
            minted += _mint_batch(merchant, order_ids[start : start + BATCH])
        on_batch(minted)
    return minted


def _mint_batch(merchant: Merchant, order_ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [merchant.pk, list(order_ids)])
        rows = cursor.fetchall()
        # A statement after the lock, so that it sees what whoever held the lock before has minted.
        cursor.execute(
            "SELECT DISTINCT order_id FROM coupons_coupon WHERE order_id = ANY(%s)", [list(order_ids)]
        )
        done = {order_id for (order_id,) in cursor.fetchall()}
    columns: list[str] = []
    heads: list[str] = []
    zone, read = merchant.tzinfo, _TermsReader()
    for order_id, deal_id, customer_id, quantity, unit_price_fen, paid_at, terms in rows:
        if order_id in done:
            continue
        order = Order(
            pk=order_id,
            merchant_id=merchant.pk,
            deal_id=deal_id,
            customer_id=customer_id,
            unit_price_fen=unit_price_fen,
            terms=read[terms],
        )
        fields = coupon_fields(order=order, zone=zone, at=paid_at)
        columns = columns or [*fields, "code"]
        heads += ["\t".join(map(str, fields.values())) + "\t"] * quantity
    if heads:
        _write(merchant, columns, heads)
    return len(heads)


class _TermsReader(dict[str, dict[str, object]]):
    """Orders of one deal have the same terms: each text is read once."""

    def __missing__(self, text: str) -> dict[str, object]:
        self[text] = json.loads(text)
        return self[text]


def _write(merchant: Merchant, columns: Sequence[str], heads: Sequence[str]) -> None:
    """COPY; where a code is taken (10^14 there are per merchant) those that are taken are replaced, and all is written again."""
    codes = new_codes(len(heads))
    for attempt in range(CODE_TRIES):
        try:
            with transaction.atomic():
                _copy(columns, (f"{head}{code}\n" for head, code in zip(heads, codes, strict=True)))
            return
        except IntegrityError as error:
            if attempt == CODE_TRIES - 1 or "coupon_code_once" not in str(error):
                raise
        codes = _replace_taken(merchant, codes)


def _replace_taken(merchant: Merchant, codes: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code FROM coupons_coupon WHERE merchant_id = %s AND code = ANY(%s)", [merchant.pk, codes]
        )
        taken = {code for (code,) in cursor.fetchall()}
    free = [code for code in codes if code not in taken]
    while len(free) < len(codes):
        free = list(dict.fromkeys([*free, *new_codes(len(codes) - len(free))]))
    return free


def _copy(columns: Sequence[str], lines: Iterable[str]) -> None:
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,  # COPY is psycopg's own, past Django's cursor
        cursor.copy(f"COPY coupons_coupon ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        piece: list[str] = []
        for line in lines:
            piece.append(line)
            if len(piece) == 1000:
                copy.write("".join(piece))
                piece.clear()
        copy.write("".join(piece))
