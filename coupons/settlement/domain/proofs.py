"""What must hold of settlement, as queries that return nothing; with the ledger's own they are run after every replay."""

from ledger.domain.proofs import count_rows, run_proofs

SETTLEMENT_PROOFS: dict[str, str] = {
    "every_due_redemption_has_one_line": """
        SELECT r.id FROM coupons_redemption r JOIN merchants_merchant m ON m.party_id = r.merchant_id
        WHERE {merchant} AND r.reversed_at IS NULL AND r.due_at <= now() - interval '10 minutes'
          AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id)
    """,
    "no_line_of_a_reversed_redemption": """
        SELECT l.id FROM settlement_settlementline l JOIN merchants_merchant m ON m.party_id = l.merchant_id
        JOIN coupons_redemption r ON r.id = l.redemption_id WHERE {merchant} AND r.reversed_at IS NOT NULL
    """,
    "lines_recomputed_from_terms_agree": """
        SELECT l.id FROM settlement_settlementline l JOIN merchants_merchant m ON m.party_id = l.merchant_id
        JOIN coupons_redemption r ON r.id = l.redemption_id
        CROSS JOIN LATERAL (SELECT split_fen(r.gross_fen, ARRAY[
            COALESCE(max(s.bps) FILTER (WHERE s.kind = 'platform_fee'), 0),
            COALESCE(max(s.bps) FILTER (WHERE s.kind = 'service_fee'), 0),
            COALESCE(max(s.bps) FILTER (WHERE s.kind = 'station_share'), 0),
            COALESCE(max(s.bps) FILTER (WHERE s.kind = 'commission'), 0)]) AS part
            FROM coupons_ordershare s WHERE s.order_id = r.order_id) t
        WHERE {merchant} AND (l.gross_fen, l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen)
            IS DISTINCT FROM (r.gross_fen, part[1], part[2], part[3], part[4])
    """,
    "lines_of_a_batch_equal_its_transfers": """
        SELECT b.id FROM settlement_settlementbatch b JOIN merchants_merchant m ON m.party_id = b.merchant_id
        WHERE {merchant} AND (b.gross_fen, b.lines) <>
            (SELECT COALESCE(sum(l.gross_fen), 0)::bigint, count(*)::int FROM settlement_settlementline l WHERE l.batch_id = b.id)
           OR {merchant} AND b.gross_fen <>
            (SELECT COALESCE(sum(t.amount_fen), 0) FROM ledger_transfer t WHERE t.journal_id = b.journal_id)
    """,
    "payable_equals_lines": """
        SELECT m.party_id FROM merchants_merchant m
        LEFT JOIN ledger_account a ON a.merchant_id = m.party_id AND a.kind = 'merchant_payable'
        LEFT JOIN ledger_balance b ON b.account_id = a.id
        WHERE {merchant} GROUP BY m.party_id HAVING COALESCE(sum(b.credits_fen), 0) <>
            (SELECT COALESCE(sum(l.merchant_fen), 0) FROM settlement_settlementline l WHERE l.merchant_id = m.party_id)
    """,
    "prepaid_equals_booked_minus_settled": """
        SELECT m.party_id FROM merchants_merchant m
        LEFT JOIN ledger_account a ON a.merchant_id = m.party_id AND a.kind = 'customer_prepaid'
        LEFT JOIN ledger_balance b ON b.account_id = a.id
        WHERE {merchant} GROUP BY m.party_id HAVING COALESCE(sum(b.credits_fen - b.debits_fen), 0) <>
            (SELECT COALESCE(sum(p.amount_fen), 0) FROM coupons_payment p
                WHERE p.merchant_id = m.party_id AND p.journal_id IS NOT NULL)
          - (SELECT COALESCE(sum(f.amount_fen), 0) FROM coupons_refund f
                WHERE f.merchant_id = m.party_id AND f.journal_id IS NOT NULL)
          - (SELECT COALESCE(sum(l.gross_fen), 0) FROM settlement_settlementline l WHERE l.merchant_id = m.party_id)
    """,
    "statements_equal_their_lines": """
        SELECT s.id FROM settlement_statement s JOIN merchants_merchant m ON m.party_id = s.merchant_id
        WHERE {merchant} AND (s.lines_count, s.gross_fen, s.platform_fee_fen, s.merchant_fen) <>
            (SELECT count(*)::int, COALESCE(sum(l.gross_fen), 0)::bigint, COALESCE(sum(l.platform_fee_fen), 0)::bigint,
                COALESCE(sum(l.merchant_fen), 0)::bigint FROM settlement_settlementline l WHERE l.statement_id = s.id)
    """,
    "coupon_uses_equal_redemptions": """
        SELECT c.id FROM coupons_coupon c JOIN merchants_merchant m ON m.party_id = c.merchant_id
        WHERE {merchant} AND c.uses_total - c.uses_left <>
            (SELECT count(*) FROM coupons_redemption r WHERE r.coupon_id = c.id AND r.reversed_at IS NULL)
    """,
    "stock_equals_orders": """
        SELECT k.deal_id FROM coupons_dealstock k JOIN merchants_merchant m ON m.party_id = k.merchant_id
        WHERE {merchant} AND (k.held, k.sold) IS DISTINCT FROM (
            (SELECT COALESCE(sum(o.quantity), 0)::int FROM coupons_order o WHERE o.deal_id = k.deal_id AND o.state = 'created'),
            (SELECT COALESCE(sum(o.quantity), 0)::int FROM coupons_order o
                WHERE o.deal_id = k.deal_id AND o.state IN ('paid', 'completed'))
            - (SELECT count(*)::int FROM coupons_refund f JOIN coupons_order o ON o.id = f.order_id
                WHERE o.deal_id = k.deal_id AND f.reason = 'customer' AND f.state = 'paid_out'))
    """,
    "paid_orders_have_their_coupons": """
        SELECT o.id FROM coupons_order o JOIN merchants_merchant m ON m.party_id = o.merchant_id
        WHERE {merchant} AND o.quantity * (o.state IN ('paid', 'completed'))::int <>
            (SELECT count(*) FROM coupons_coupon c WHERE c.order_id = o.id)
    """,
}


def run_all_proofs(*, merchant_id: int | None = None) -> dict[str, int]:
    """Rows found by every proof of ledger and settlement (0 is right), over one merchant or all."""
    return run_proofs() | count_rows(SETTLEMENT_PROOFS, merchant_id=merchant_id)
