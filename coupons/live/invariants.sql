-- Live sessions, their deals and the pieces set aside for them.

-- area: live | Live sessions | 直播

-- name: live_rows_stay_in_one_shop
-- en: A session, its deals, pieces, cards, openings, notes and rehearsals all belong to the same merchant, in whose shadow they are rehearsed.
-- zh: 一场直播和它的套餐、预留份数、卡片、打开次数、记录、彩排都属于同一个商户，彩排只在该商户的影子里进行。
SELECT d.id FROM live_livesessiondeal d
JOIN live_livesession s ON s.id = d.session_id JOIN coupons_deal e ON e.id = d.deal_id
JOIN coupons_stockpool p ON p.id = d.pool_id JOIN coupons_placement l ON l.id = d.placement_id
WHERE {merchant d.merchant_id}
  AND (s.merchant_id <> d.merchant_id OR e.merchant_id <> d.merchant_id OR p.merchant_id <> d.merchant_id
    OR l.merchant_id <> d.merchant_id)
UNION ALL
SELECT o.id FROM live_liveopening o JOIN live_livesession s ON s.id = o.session_id
LEFT JOIN live_livesessiondeal d ON d.id = o.live_deal_id
WHERE {merchant o.merchant_id} AND (s.merchant_id <> o.merchant_id OR d.merchant_id <> o.merchant_id)
UNION ALL
SELECT n.id FROM live_livenote n JOIN live_livesession s ON s.id = n.session_id
WHERE {merchant n.merchant_id} AND s.merchant_id <> n.merchant_id
UNION ALL
SELECT r.id FROM live_rehearsal r JOIN live_livesession s ON s.id = r.session_id
LEFT JOIN merchants_merchant m ON m.party_id = r.shadow_id
WHERE {merchant r.merchant_id}
  AND (s.merchant_id <> r.merchant_id OR (m.party_id IS NOT NULL AND m.shadow_of_id IS DISTINCT FROM r.merchant_id));

-- name: deals_are_live_with_their_session
-- en: A deal counts as live exactly while its session is live, so no two live sessions sell it.
-- zh: 套餐只在本场直播进行时算作直播中，同一套餐不会同时在两场直播里售卖。
SELECT d.id AS live_deal_id FROM live_livesessiondeal d JOIN live_livesession s ON s.id = d.session_id
WHERE {merchant d.merchant_id} AND d.is_live <> (s.state = 'live');

-- name: cards_sell_the_pieces_of_their_session
-- en: The card of a session's deal sells that deal, from the pieces set aside for that session.
-- zh: 直播卡片卖的就是本场的这个套餐，用的是为本场预留的份数。
SELECT d.id AS live_deal_id FROM live_livesessiondeal d
JOIN coupons_stockpool p ON p.id = d.pool_id JOIN coupons_placement l ON l.id = d.placement_id
WHERE {merchant d.merchant_id}
  AND (p.deal_id <> d.deal_id OR l.deal_id <> d.deal_id OR l.pool_id IS DISTINCT FROM p.id OR p.kind <> 'session');

-- name: sessions_hold_pieces_while_they_last
-- en: A planned or live session holds exactly the pieces it was given; one that is over holds none.
-- zh: 待开播和直播中的场次占着分配给它的份数，一份不差；已结束或取消的场次不再占用。
SELECT d.id AS live_deal_id FROM live_livesessiondeal d
JOIN live_livesession s ON s.id = d.session_id JOIN coupons_stockpool p ON p.id = d.pool_id
WHERE {merchant d.merchant_id}
  AND CASE WHEN s.state IN ('planned', 'live') THEN p.closed_at IS NOT NULL OR p.total <> d.pieces
      ELSE p.closed_at IS NULL END;

-- name: sessions_sell_only_once_live
-- en: A session that never went live has no orders.
-- zh: 没有开播过的场次没有订单。
SELECT s.id AS session_id FROM live_livesession s
WHERE {merchant s.merchant_id} AND s.started_at IS NULL
  AND EXISTS (SELECT FROM live_livesessiondeal d JOIN coupons_order o ON o.placement_id = d.placement_id
              WHERE d.session_id = s.id);
