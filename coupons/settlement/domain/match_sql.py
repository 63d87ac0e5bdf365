"""The match of one day as one statement; kept apart because it is long. See reconciliation.py.

Parameters: merchant, run, day, zone, [start, end), late (from when a payment may be in the next day's bill), booked_by
(what moved before must be in the ledger).
"""

# Money moved that day by our books, and its providers; a provider counts as billed where a standing bill covers the day.
_OURS = """
ours AS MATERIALIZED (
    SELECT p.id, p.order_id, p.provider, p.reference, p.provider_reference, p.amount_fen, p.succeeded_at, p.journal_id
    FROM coupons_payment p
    WHERE p.merchant_id = %(merchant)s AND p.state = 'succeeded' AND p.amount_fen > 0
      AND p.succeeded_at >= %(start)s AND p.succeeded_at < %(end)s),
our_refunds AS MATERIALIZED (
    SELECT f.id, f.order_id, f.payment_id, f.amount_fen, f.paid_out_at, f.journal_id, p.provider, p.reference
    FROM coupons_refund f JOIN coupons_payment p ON p.id = f.payment_id
    WHERE f.merchant_id = %(merchant)s AND f.state = 'paid_out' AND f.amount_fen > 0
      AND f.paid_out_at >= %(start)s AND f.paid_out_at < %(end)s),
billed AS MATERIALIZED (
    SELECT DISTINCT b.provider FROM settlement_providerbill b
    WHERE b.merchant_id = %(merchant)s AND b.replaced_by_id IS NULL AND %(day)s BETWEEN b.first_day AND b.last_day),
"""

# The bills' lines. A refund line that names a refund of ours, told within the hour, belongs to our refund's day.
_LINES = """
standing AS MATERIALIZED (
    SELECT e.id, e.bill_id, e.row_number, e.kind, e.reference, e.refund_reference, e.amount_fen, e.happened_at,
        e.business_date, b.provider
    FROM settlement_billentry e JOIN settlement_providerbill b ON b.id = e.bill_id
    WHERE e.merchant_id = %(merchant)s AND b.replaced_by_id IS NULL
      AND e.business_date BETWEEN %(day)s::date - 1 AND %(day)s::date + 1),
payment_lines AS MATERIALIZED (
    SELECT s.*, (
        SELECT count(*) FROM settlement_billentry x JOIN settlement_providerbill b ON b.id = x.bill_id
        WHERE x.merchant_id = %(merchant)s AND x.reference = s.reference AND x.kind = 'payment'
          AND b.provider = s.provider AND b.replaced_by_id IS NULL
          AND (x.happened_at, x.id) < (s.happened_at, s.id)) AS earlier
    FROM standing s WHERE s.kind = 'payment' AND s.business_date = %(day)s),
known AS MATERIALIZED (
    SELECT r.provider, r.reference, p.id, p.order_id, p.state FROM
        (SELECT DISTINCT provider, reference FROM standing) r
    JOIN coupons_payment p ON p.merchant_id = %(merchant)s AND p.provider = r.provider AND p.reference = r.reference
    UNION SELECT r.provider, r.reference, p.id, p.order_id, p.state FROM
        (SELECT DISTINCT provider, reference FROM standing) r
    JOIN coupons_payment p ON p.merchant_id = %(merchant)s AND p.provider = r.provider
        AND p.provider_reference = r.reference),
"""

_PAYMENTS = """
matches AS MATERIALIZED (
    SELECT o.*, e.id AS entry_id, e.amount_fen AS billed_fen,
        e.business_date = %(day)s OR abs(extract(epoch FROM e.happened_at - o.succeeded_at)) <= 3600 AS in_time
    FROM ours o LEFT JOIN LATERAL (
        SELECT x.id, x.amount_fen, x.business_date, x.happened_at FROM settlement_billentry x
        JOIN settlement_providerbill b ON b.id = x.bill_id
        WHERE x.merchant_id = %(merchant)s AND x.kind = 'payment'
          AND x.reference IN (o.reference, NULLIF(o.provider_reference, ''))
          AND b.provider = o.provider AND b.replaced_by_id IS NULL
        ORDER BY x.happened_at, x.id LIMIT 1) e ON true
    WHERE o.provider IN (SELECT provider FROM billed)),
payment_breaks AS (
    SELECT 'missing_in_bill' AS kind, CASE WHEN succeeded_at >= %(late)s THEN 'late_bill' ELSE 'not_billed' END AS cause,
        reference, id AS payment_id, order_id, NULL::bigint AS entry_id, amount_fen AS expected_fen, 0::bigint AS found_fen,
        -amount_fen AS clearing_fen
    FROM matches WHERE entry_id IS NULL
    UNION ALL
    SELECT 'amount_differs', 'other_amount', reference, id, order_id, entry_id, amount_fen, billed_fen,
        billed_fen - amount_fen
    FROM matches WHERE billed_fen <> amount_fen
    UNION ALL
    SELECT 'day_differs', 'other_day', reference, id, order_id, entry_id, amount_fen, amount_fen, 0
    FROM matches WHERE billed_fen = amount_fen AND NOT in_time
    UNION ALL
    SELECT 'duplicate_in_bill', 'billed_twice', l.reference || '#' || (l.earlier + 1), k.id, k.order_id, l.id,
        0, l.amount_fen, l.amount_fen
    FROM payment_lines l LEFT JOIN known k ON k.provider = l.provider AND k.reference = l.reference
    WHERE l.earlier > 0
    UNION ALL
    SELECT 'missing_in_books', CASE WHEN k.id IS NULL THEN 'unknown_reference' ELSE 'notice_missing' END, l.reference,
        k.id, k.order_id, l.id, 0, l.amount_fen, l.amount_fen
    FROM payment_lines l LEFT JOIN known k ON k.provider = l.provider AND k.reference = l.reference
    WHERE l.earlier = 0 AND k.state IS DISTINCT FROM 'succeeded'),
"""

# Per payment, what went back that day. Lines of the same row as a payment that is unknown or listed twice, and all of a
# payment that the bill does not know, are part of that break.
_REFUNDS = """
refund_lines AS MATERIALIZED (
    SELECT s.id, s.provider, s.reference, s.amount_fen, k.id AS payment_id, k.order_id
    FROM standing s LEFT JOIN known k ON k.provider = s.provider AND k.reference = s.reference
    LEFT JOIN coupons_refund f ON f.merchant_id = %(merchant)s AND f.state = 'paid_out'
        AND f.id = CASE WHEN s.refund_reference ~ '^[0-9]{1,18}$' THEN s.refund_reference::bigint END
        AND abs(extract(epoch FROM f.paid_out_at - s.happened_at)) <= 3600
    WHERE s.kind = 'refund'
      AND COALESCE((f.paid_out_at AT TIME ZONE %(zone)s)::date, s.business_date) = %(day)s
      AND NOT EXISTS (
        SELECT FROM payment_lines l JOIN payment_breaks x ON x.entry_id = l.id
        WHERE l.bill_id = s.bill_id AND l.row_number = s.row_number AND l.reference = s.reference
          AND x.kind IN ('duplicate_in_bill', 'missing_in_books'))),
refund_sums AS (
    SELECT COALESCE(o.reference, b.reference) AS reference, COALESCE(o.payment_id, b.payment_id) AS payment_id,
        COALESCE(o.order_id, b.order_id) AS order_id, b.entry_id,
        COALESCE(o.fen, 0) AS ours, COALESCE(b.fen, 0) AS found
    FROM (SELECT payment_id, min(reference) AS reference, min(order_id) AS order_id, sum(amount_fen)::bigint AS fen
          FROM our_refunds WHERE provider IN (SELECT provider FROM billed) GROUP BY payment_id) o
    FULL JOIN (SELECT payment_id, min(reference) AS reference, min(order_id) AS order_id, min(id) AS entry_id,
            sum(amount_fen)::bigint AS fen
          FROM refund_lines GROUP BY payment_id, CASE WHEN payment_id IS NULL THEN reference END) b
      ON b.payment_id = o.payment_id),
refund_breaks AS (
    SELECT 'refund_differs' AS kind,
        CASE WHEN found = 0 THEN 'refund_not_billed' WHEN ours = 0 THEN 'refund_unknown' ELSE 'other_refund' END AS cause,
        reference, payment_id, order_id, entry_id, ours AS expected_fen, found AS found_fen, ours - found AS clearing_fen
    FROM refund_sums s
    WHERE ours <> found AND NOT (found = 0 AND EXISTS (
        SELECT FROM payment_breaks x WHERE x.kind = 'missing_in_bill' AND x.payment_id = s.payment_id))),
"""

_BOOKS = """
moved AS (
    SELECT 'payment' AS noun, id, reference, id AS payment_id, order_id, amount_fen, succeeded_at AS at, journal_id FROM ours
    UNION ALL SELECT 'refund', id, reference, payment_id, order_id, amount_fen, paid_out_at, journal_id FROM our_refunds),
book_breaks AS (
    SELECT 'ledger_differs' AS kind, 'not_booked' AS cause, noun || ':' || id AS reference, payment_id, order_id,
        NULL::bigint AS entry_id, amount_fen AS expected_fen, 0::bigint AS found_fen, 0::bigint AS clearing_fen
    FROM moved WHERE journal_id IS NULL AND at < %(booked_by)s
    UNION ALL
    SELECT 'ledger_differs', 'other_booking', 'journal:' || j.id, NULL, NULL, NULL, COALESCE(s.fen, 0), COALESCE(t.fen, 0), 0
    FROM (SELECT DISTINCT journal_id AS id FROM moved WHERE journal_id IS NOT NULL) j
    LEFT JOIN (SELECT journal_id, sum(amount_fen)::bigint AS fen FROM (
            SELECT journal_id, amount_fen FROM coupons_payment WHERE merchant_id = %(merchant)s AND journal_id IS NOT NULL
            UNION ALL SELECT journal_id, amount_fen FROM coupons_refund
                WHERE merchant_id = %(merchant)s AND journal_id IS NOT NULL) x GROUP BY journal_id) s ON s.journal_id = j.id
    LEFT JOIN LATERAL (SELECT sum(amount_fen)::bigint AS fen FROM ledger_transfer WHERE journal_id = j.id) t ON true
    WHERE s.fen IS DISTINCT FROM t.fen
    UNION ALL
    SELECT 'order_differs', 'order_sums', 'order:' || o.id, NULL, o.id, NULL, o.paid_fen - o.refunded_fen,
        COALESCE(p.fen, 0) - COALESCE(f.fen, 0), 0
    FROM coupons_order o
    LEFT JOIN LATERAL (SELECT sum(amount_fen)::bigint AS fen FROM coupons_payment
        WHERE order_id = o.id AND state = 'succeeded') p ON true
    LEFT JOIN LATERAL (SELECT sum(amount_fen)::bigint AS fen FROM coupons_refund
        WHERE order_id = o.id AND state = 'paid_out') f ON true
    WHERE o.merchant_id = %(merchant)s
      AND (o.id IN (SELECT order_id FROM moved) OR (o.paid_at >= %(start)s AND o.paid_at < %(end)s))
      AND (o.paid_fen, o.refunded_fen) IS DISTINCT FROM (COALESCE(p.fen, 0), COALESCE(f.fen, 0))),
"""

_WRITE = """
found AS MATERIALIZED (
    SELECT * FROM payment_breaks UNION ALL SELECT * FROM refund_breaks UNION ALL SELECT * FROM book_breaks),
cleared AS (
    UPDATE settlement_break b SET state = 'cleared', resolved_at = now()
    WHERE b.merchant_id = %(merchant)s AND b.day = %(day)s AND b.state = 'open' AND NOT EXISTS (
        SELECT FROM found f WHERE (f.kind, f.reference, f.expected_fen, f.found_fen)
            = (b.kind, b.reference, b.expected_fen, b.found_fen))),
written AS (
    INSERT INTO settlement_break (merchant_id, run_id, day, kind, cause, reference, payment_id, order_id, entry_id,
        expected_fen, found_fen, clearing_fen, state)
    SELECT %(merchant)s, %(run)s, %(day)s, kind, cause, reference, payment_id, order_id, entry_id,
        expected_fen, found_fen, clearing_fen, 'open'
    FROM found
    ON CONFLICT (merchant_id, day, kind, reference, expected_fen, found_fen) WHERE NOT state = 'cleared' DO NOTHING)
UPDATE settlement_reconciliationrun r SET
    is_billed = NOT EXISTS (
        SELECT provider FROM ours UNION SELECT provider FROM our_refunds EXCEPT SELECT provider FROM billed)
        AND EXISTS (SELECT FROM billed),
    payments_count = (SELECT count(*) FROM ours),
    payments_fen = (SELECT COALESCE(sum(amount_fen), 0) FROM ours),
    booked_payments_fen = (SELECT COALESCE(sum(amount_fen), 0) FROM ours WHERE journal_id IS NOT NULL),
    billed_payments_fen = (SELECT COALESCE(sum(amount_fen), 0) FROM payment_lines),
    refunds_count = (SELECT count(*) FROM our_refunds),
    refunds_fen = (SELECT COALESCE(sum(amount_fen), 0) FROM our_refunds),
    booked_refunds_fen = (SELECT COALESCE(sum(amount_fen), 0) FROM our_refunds WHERE journal_id IS NOT NULL),
    billed_refunds_fen = (SELECT COALESCE(sum(amount_fen), 0) FROM standing WHERE kind = 'refund' AND business_date = %(day)s),
    matched = (SELECT count(*) FROM matches m WHERE m.billed_fen = m.amount_fen AND m.in_time
        AND m.journal_id IS NOT NULL),
    ran_at = now()
WHERE r.id = %(run)s
"""

MATCH_SQL = "WITH " + _OURS + _LINES + _PAYMENTS + _REFUNDS + _BOOKS + _WRITE
