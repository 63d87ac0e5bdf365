-- Days that are summed; what is not summed is read from its rows and cannot be wrong.

-- area: figures | Figures | 经营数据

-- name: redeemed_days_equal_redemptions
-- en: Every summed day says exactly what its redemptions say: uses and amounts that stand, and those undone.
-- zh: 每个已汇总的营业日，核销和撤销的次数、金额与逐笔核销记录完全一致。
SELECT d.merchant_id, d.date FROM insights_redeemedday d
LEFT JOIN (
    SELECT r.merchant_id, r.business_date,
        count(*) FILTER (WHERE r.reversed_at IS NULL) AS uses,
        sum(r.gross_fen) FILTER (WHERE r.reversed_at IS NULL) AS fen,
        count(*) FILTER (WHERE r.reversed_at IS NOT NULL) AS undone,
        sum(r.gross_fen) FILTER (WHERE r.reversed_at IS NOT NULL) AS undone_fen
    FROM coupons_redemption r WHERE {merchant r.merchant_id} GROUP BY r.merchant_id, r.business_date) t
  ON t.merchant_id = d.merchant_id AND t.business_date = d.date
WHERE {merchant d.merchant_id} AND d.rolled_at IS NOT NULL AND (d.uses, d.fen, d.undone, d.undone_fen) IS DISTINCT FROM
    (COALESCE(t.uses, 0)::int, COALESCE(t.fen, 0)::bigint, COALESCE(t.undone, 0)::int, COALESCE(t.undone_fen, 0)::bigint);

-- name: store_days_equal_redemptions
-- en: Every store's part of a summed day says exactly what its redemptions say, and no store that redeemed is missing.
-- zh: 已汇总营业日中每家门店的数字与该店逐笔核销记录完全一致，没有遗漏的门店。
SELECT COALESCE(s.merchant_id, t.merchant_id) AS merchant_id, COALESCE(s.date, t.date) AS date, COALESCE(s.store_id, t.store_id) AS store_id
FROM (
    SELECT p.merchant_id, p.date, p.store_id, p.uses, p.fen, p.undone, p.undone_fen
    FROM insights_redeemedstoreday p JOIN insights_redeemedday d ON d.merchant_id = p.merchant_id AND d.date = p.date
    WHERE {merchant p.merchant_id} AND d.rolled_at IS NOT NULL) s
FULL JOIN (
    SELECT r.merchant_id, r.business_date AS date, r.store_id,
        count(*) FILTER (WHERE r.reversed_at IS NULL) AS uses,
        COALESCE(sum(r.gross_fen) FILTER (WHERE r.reversed_at IS NULL), 0) AS fen,
        count(*) FILTER (WHERE r.reversed_at IS NOT NULL) AS undone,
        COALESCE(sum(r.gross_fen) FILTER (WHERE r.reversed_at IS NOT NULL), 0) AS undone_fen
    FROM coupons_redemption r JOIN insights_redeemedday d ON d.merchant_id = r.merchant_id AND d.date = r.business_date
    WHERE {merchant r.merchant_id} AND d.rolled_at IS NOT NULL GROUP BY r.merchant_id, r.business_date, r.store_id) t
  ON t.merchant_id = s.merchant_id AND t.date = s.date AND t.store_id = s.store_id
WHERE (s.uses, s.fen, s.undone, s.undone_fen) IS DISTINCT FROM (t.uses::int, t.fen::bigint, t.undone::int, t.undone_fen::bigint);

-- name: sold_days_equal_orders
-- en: Every day of sales that is summed says exactly what the orders paid on that day say.
-- zh: 每个已汇总的销售日，单数和金额与当天支付的订单完全一致。
SELECT d.merchant_id, d.date FROM insights_soldday d JOIN merchants_merchant m ON m.party_id = d.merchant_id
LEFT JOIN (
    SELECT o.merchant_id, (o.paid_at AT TIME ZONE n.zone)::date AS date, count(*) AS orders, sum(o.paid_fen) AS fen
    FROM coupons_order o JOIN merchants_merchant n ON n.party_id = o.merchant_id
    WHERE {merchant o.merchant_id} AND o.paid_at IS NOT NULL GROUP BY 1, 2) t ON t.merchant_id = d.merchant_id AND t.date = d.date
WHERE {merchant d.merchant_id} AND d.rolled_at IS NOT NULL AND d.zone = m.zone
  AND (d.uses, d.fen) IS DISTINCT FROM (COALESCE(t.orders, 0)::int, COALESCE(t.fen, 0)::bigint);
