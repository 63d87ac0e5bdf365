-- Deals, stock, orders, payments, coupons, redemptions, refunds.
-- Large tables are grouped first and joined once, so that millions of rows cost seconds, not hours.

-- area: stock | Stock | 库存

-- name: stock_equals_orders
-- en: The pieces counted as held and sold are exactly those of the unpaid and paid orders, less what was refunded before use.
-- zh: 库存中记为占用和已售的件数，正好等于未付款和已付款订单的件数（减去使用前退款的件数）。
SELECT k.id AS stock_slot_id, k.deal_id FROM coupons_stockslot k
LEFT JOIN (
    SELECT o.stock_slot_id, sum(o.quantity) FILTER (WHERE o.state = 'created') AS held,
        sum(o.quantity) FILTER (WHERE o.state IN ('paid', 'completed')) AS sold
    FROM coupons_order o WHERE {merchant o.merchant_id} GROUP BY o.stock_slot_id) t ON t.stock_slot_id = k.id
LEFT JOIN (
    SELECT o.stock_slot_id, count(*) AS pieces FROM coupons_refund f JOIN coupons_order o ON o.id = f.order_id
    WHERE {merchant f.merchant_id} AND f.reason = 'customer' AND f.state = 'paid_out' GROUP BY o.stock_slot_id) b
  ON b.stock_slot_id = k.id
WHERE {merchant k.merchant_id} AND (k.held, k.sold) IS DISTINCT FROM
    (COALESCE(t.held, 0)::int, (COALESCE(t.sold, 0) - COALESCE(b.pieces, 0))::int);

-- name: stock_adds_up
-- en: Of every deal and every allotment, the pieces free, held and sold together are exactly its stock; without end none are counted free.
-- zh: 每个套餐和每份专属库存，可售、占用、已售三者之和正好等于库存总数；不限量的不计可售数。
SELECT p.id AS stock_pool_id, p.deal_id FROM coupons_stockpool p
LEFT JOIN (
    SELECT k.pool_id, count(*) AS slots, count(k.free) AS ended, sum(k.free) AS free, sum(k.held + k.sold) AS taken
    FROM coupons_stockslot k WHERE {merchant k.merchant_id} GROUP BY k.pool_id) t ON t.pool_id = p.id
WHERE {merchant p.merchant_id}
  AND (t.slots IS NULL OR t.ended <> CASE WHEN p.total IS NULL THEN 0 ELSE t.slots END OR p.total <> t.free + t.taken);

-- name: nothing_is_oversold
-- en: No deal and no allotment has more pieces in unpaid and paid orders than its stock.
-- zh: 任何套餐、任何专属库存，未付款和已付款订单的件数都不超过库存，没有超卖。
SELECT p.id AS stock_pool_id, p.deal_id FROM coupons_stockpool p
JOIN (
    SELECT k.pool_id, sum(t.pieces) AS pieces FROM coupons_stockslot k JOIN (
        SELECT o.stock_slot_id, sum(o.quantity) AS pieces FROM coupons_order o
        WHERE {merchant o.merchant_id} AND o.state <> 'closed' GROUP BY o.stock_slot_id) t ON t.stock_slot_id = k.id
    GROUP BY k.pool_id) t ON t.pool_id = p.id
LEFT JOIN (
    SELECT k.pool_id, count(*) AS pieces FROM coupons_refund f JOIN coupons_order o ON o.id = f.order_id
    JOIN coupons_stockslot k ON k.id = o.stock_slot_id
    WHERE {merchant f.merchant_id} AND f.reason = 'customer' AND f.state = 'paid_out' GROUP BY k.pool_id) b ON b.pool_id = p.id
WHERE {merchant p.merchant_id} AND t.pieces - COALESCE(b.pieces, 0) > p.total;

-- name: stock_is_never_negative
-- en: No count of pieces, free, held or sold, is below zero.
-- zh: 可售、占用、已售的件数都不会小于零。
SELECT k.id AS stock_slot_id, k.deal_id FROM coupons_stockslot k
WHERE {merchant k.merchant_id} AND (LEAST(k.held, k.sold) < 0 OR k.free < 0);

-- name: every_deal_has_its_stock
-- en: Every deal has one general stock, from which everybody can buy.
-- zh: 每个套餐有且只有一份所有人都能购买的公共库存。
SELECT d.id AS deal_id FROM coupons_deal d
LEFT JOIN (SELECT p.deal_id, count(*) AS pools FROM coupons_stockpool p
           WHERE {merchant p.merchant_id} AND p.kind = 'general' GROUP BY p.deal_id) t ON t.deal_id = d.id
WHERE {merchant d.merchant_id} AND t.pools IS DISTINCT FROM 1;

-- name: ended_allotments_hold_nothing_back
-- en: An allotment that ended has given all its free pieces back to the general stock.
-- zh: 已结束的专属库存，剩余件数都已退回公共库存。
SELECT p.id AS stock_pool_id, p.deal_id FROM coupons_stockpool p JOIN coupons_stockslot k ON k.pool_id = p.id
WHERE {merchant p.merchant_id} AND p.closed_at IS NOT NULL AND k.free <> 0;

-- name: orders_take_the_stock_of_their_entrance
-- en: An order takes its pieces from its own deal's general stock or from what was allotted to the link it came by, and counts for that link's entrance.
-- zh: 订单只占用本套餐的公共库存或其来源链接的专属库存，并计入该链接的入口。
SELECT o.id AS order_id FROM coupons_order o
JOIN coupons_stockslot k ON k.id = o.stock_slot_id JOIN coupons_stockpool p ON p.id = k.pool_id
LEFT JOIN coupons_placement l ON l.id = o.placement_id
WHERE {merchant o.merchant_id} AND (k.deal_id <> o.deal_id OR p.deal_id <> o.deal_id OR l.deal_id <> o.deal_id
    OR o.entrance <> COALESCE(l.entrance, '') OR (p.kind <> 'general' AND p.id IS DISTINCT FROM l.pool_id));

-- name: purchases_equal_orders
-- en: What a customer is counted to have bought of a deal is what his open and paid orders say, less what was refunded before use.
-- zh: 记在顾客名下的某套餐购买件数，等于其待付款和已付款订单的件数（减去使用前退款的件数），限购才准确。
SELECT COALESCE(p.deal_id, t.deal_id) AS deal_id, COALESCE(p.customer_id, t.customer_id) AS customer_id
FROM (SELECT x.deal_id, x.customer_id, x.quantity FROM coupons_dealpurchase x WHERE {merchant x.merchant_id}) p
FULL JOIN (
    SELECT o.deal_id, o.customer_id, sum(o.quantity) AS quantity FROM coupons_order o
    WHERE {merchant o.merchant_id} AND o.state <> 'closed' GROUP BY o.deal_id, o.customer_id) t
  ON t.deal_id = p.deal_id AND t.customer_id = p.customer_id
LEFT JOIN (
    SELECT o.deal_id, o.customer_id, count(*) AS pieces FROM coupons_refund f JOIN coupons_order o ON o.id = f.order_id
    WHERE {merchant f.merchant_id} AND f.reason = 'customer' AND f.state = 'paid_out' GROUP BY o.deal_id, o.customer_id) b
  ON b.deal_id = COALESCE(p.deal_id, t.deal_id) AND b.customer_id = COALESCE(p.customer_id, t.customer_id)
WHERE COALESCE(p.quantity, 0) <> COALESCE(t.quantity, 0) - COALESCE(b.pieces, 0);

-- area: orders | Orders | 订单

-- name: order_amounts_add_up
-- en: An order's total is its price times its quantity, and no more goes back than was paid.
-- zh: 订单总额等于单价乘以数量，退款不超过实付。
SELECT o.id AS order_id FROM coupons_order o
WHERE {merchant o.merchant_id}
  AND (o.total_fen <> o.unit_price_fen * o.quantity OR o.refunded_fen > o.paid_fen OR o.refunded_fen < 0);

-- name: orders_have_the_times_of_their_state
-- en: A paid order has the moment it was paid, a closed one the moment it was closed, and no other has either.
-- zh: 已付款的订单有付款时间，已关闭的订单有关闭时间，其他状态都没有。
SELECT o.id AS order_id FROM coupons_order o
WHERE {merchant o.merchant_id}
  AND ((o.state IN ('paid', 'completed')) <> (o.paid_at IS NOT NULL) OR (o.state = 'closed') <> (o.closed_at IS NOT NULL));

-- name: paid_orders_have_their_coupons
-- en: A paid order has exactly the coupons it was paid for; an order that was not paid has none.
-- zh: 已付款的订单有且只有所购张数的券，未付款的订单没有券。
SELECT o.id AS order_id FROM coupons_order o
LEFT JOIN (SELECT c.order_id, count(*) AS coupons FROM coupons_coupon c WHERE {merchant c.merchant_id} GROUP BY c.order_id) t
  ON t.order_id = o.id
WHERE {merchant o.merchant_id}
  AND COALESCE(t.coupons, 0) <> CASE WHEN o.state IN ('paid', 'completed') THEN o.quantity ELSE 0 END;

-- name: orders_count_their_payments
-- en: What an order says was paid is the sum of the payments received for it.
-- zh: 订单记录的实付金额等于该订单收到的全部付款之和。
SELECT o.id AS order_id FROM coupons_order o
LEFT JOIN (SELECT p.order_id, sum(p.amount_fen) AS fen FROM coupons_payment p
           WHERE {merchant p.merchant_id} AND p.state = 'succeeded' GROUP BY p.order_id) t ON t.order_id = o.id
WHERE {merchant o.merchant_id} AND o.paid_fen <> COALESCE(t.fen, 0);

-- name: orders_count_their_refunds
-- en: What an order says was refunded is the sum of the refunds paid back for it.
-- zh: 订单记录的退款金额等于该订单已退回的全部退款之和。
SELECT o.id AS order_id FROM coupons_order o
LEFT JOIN (SELECT f.order_id, sum(f.amount_fen) AS fen FROM coupons_refund f
           WHERE {merchant f.merchant_id} AND f.state = 'paid_out' GROUP BY f.order_id) t ON t.order_id = o.id
WHERE {merchant o.merchant_id} AND o.refunded_fen <> COALESCE(t.fen, 0);

-- name: only_the_price_is_kept
-- en: A paid order keeps exactly its price and any other order nothing: money that came late or twice is on its way back.
-- zh: 已付款的订单只留下应付金额，其他订单一分不留；迟到或重复的付款都已安排退回。
SELECT o.id AS order_id FROM coupons_order o
LEFT JOIN (SELECT f.order_id, sum(f.amount_fen) AS fen FROM coupons_refund f
           WHERE {merchant f.merchant_id} AND f.coupon_id IS NULL GROUP BY f.order_id) t ON t.order_id = o.id
WHERE {merchant o.merchant_id}
  AND o.paid_fen - COALESCE(t.fen, 0) <> CASE WHEN o.state IN ('paid', 'completed') THEN o.total_fen ELSE 0 END;

-- name: every_order_froze_its_shares
-- en: Every order keeps the platform's share it was sold under, and all its shares together are at most the whole.
-- zh: 每个订单都固定了下单时的平台费率，各方分成合计不超过全部金额。
SELECT o.id AS order_id FROM coupons_order o
LEFT JOIN (SELECT s.order_id, sum(s.bps) AS bps, count(*) FILTER (WHERE s.kind = 'platform_fee') AS fees
           FROM coupons_ordershare s WHERE {merchant s.merchant_id} GROUP BY s.order_id) t ON t.order_id = o.id
WHERE {merchant o.merchant_id} AND (t.fees IS DISTINCT FROM 1 OR t.bps > 10000);

-- name: shares_are_the_terms_of_their_order
-- en: Every share of an order names the terms that were in force when it was placed, with their rate and their payee.
-- zh: 订单的每一份分成都对应下单时生效的那一版费率，比例和收款方一致。
-- A minute is left for orders placed while terms changed. The first platform fee counts from the shop's beginning; orders
-- older than terms kept their rule; a commission comes with its link.
SELECT s.id AS share_id, s.order_id FROM coupons_ordershare s JOIN coupons_order o ON o.id = s.order_id
LEFT JOIN merchants_terms t ON 'terms:' || t.id = s.rule
WHERE {merchant s.merchant_id} AND s.kind <> 'commission' AND s.rule <> 'merchant.platform_fee_bps' AND (t.id IS NULL
    OR (t.merchant_id, t.kind, t.payee_id, t.bps::int) IS DISTINCT FROM (o.merchant_id, s.kind, s.payee_id, s.bps)
    OR (o.placed_at < t.in_force_at - interval '1 minute' AND NOT (t.kind = 'platform_fee' AND t.version = 1))
    OR t.in_force_at IS NULL OR o.placed_at > t.ended_at + interval '1 minute');

-- name: every_unpaid_order_will_be_closed
-- en: Every order that waits for its payment has a job that closes it in time, so that no stock is held for ever.
-- zh: 每个待付款订单都有到时自动关闭的任务，库存不会被一直占用。
SELECT o.id AS order_id FROM coupons_order o
WHERE {merchant o.merchant_id} AND o.state = 'created'
  AND NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'close_order' AND j.key = o.id::text AND j.state <> 'done');

-- area: payments | Payments | 付款

-- name: payments_ask_for_the_order_total
-- en: A payment is for the whole order, no fen more or less.
-- zh: 每笔付款的金额都等于订单总额，不多不少。
SELECT p.id AS payment_id FROM coupons_payment p JOIN coupons_order o ON o.id = p.order_id
WHERE {merchant p.merchant_id} AND p.amount_fen <> o.total_fen;

-- name: payments_have_the_times_of_their_state
-- en: A payment has the moment it was received exactly when it was received, and only such a payment is in the books.
-- zh: 只有已到账的付款才有到账时间，也只有已到账的付款才会入账。
SELECT p.id AS payment_id FROM coupons_payment p
WHERE {merchant p.merchant_id}
  AND ((p.state = 'succeeded') <> (p.succeeded_at IS NOT NULL) OR (p.state <> 'succeeded' AND p.journal_id IS NOT NULL));

-- name: a_notified_payment_was_received
-- en: Where the payment provider told us that money came, the payment is recorded as received.
-- zh: 支付渠道通知已收款的，系统中都记为已到账。
SELECT n.id AS payment_notification_id FROM coupons_paymentnotification n
LEFT JOIN coupons_payment p ON p.reference = n.reference AND p.provider = n.provider
WHERE {merchant p.merchant_id} AND n.kind = 'payment.succeeded' AND p.state IS DISTINCT FROM 'succeeded';

-- name: payments_are_booked_to_the_fen
-- en: Every journal of received payments moves exactly the sum of the payments that name it.
-- zh: 每笔收款分录的金额正好等于其所含付款之和。
SELECT COALESCE(j.id, p.journal_id) AS journal_id
FROM (SELECT x.id, sum(t.amount_fen) AS fen FROM ledger_journal x JOIN ledger_transfer t ON t.journal_id = x.id
      WHERE {merchant x.merchant_id} AND x.kind = 'payments' GROUP BY x.id) j
FULL JOIN (SELECT x.journal_id, sum(x.amount_fen) AS fen FROM coupons_payment x
           WHERE {merchant x.merchant_id} AND x.journal_id IS NOT NULL GROUP BY x.journal_id) p ON p.journal_id = j.id
WHERE j.fen IS DISTINCT FROM p.fen;

-- area: coupons | Coupons | 券

-- name: coupons_agree_with_their_order
-- en: A coupon is of the deal, the customer, the price and the number of uses that its order says.
-- zh: 券的套餐、顾客、价格和可用次数都与订单一致。
SELECT c.id AS coupon_id FROM coupons_coupon c JOIN coupons_order o ON o.id = c.order_id
WHERE {merchant c.merchant_id}
  AND (c.deal_id, c.customer_id, c.price_fen, c.uses_total) IS DISTINCT FROM
      (o.deal_id, o.customer_id, o.unit_price_fen, (o.terms ->> 'uses_total')::smallint);

-- name: coupon_codes_are_once_per_merchant
-- en: No two coupons of a merchant bear the same code, and every code is 15 digits.
-- zh: 同一商户没有重复的券码，券码都是15位数字。
SELECT min(c.id) AS coupon_id FROM coupons_coupon c
WHERE {merchant c.merchant_id} GROUP BY c.merchant_id, c.code HAVING count(*) > 1 OR c.code !~ '^[0-9]{15}$';

-- name: coupon_uses_equal_redemptions
-- en: The uses gone from a coupon are exactly its redemptions that were not undone.
-- zh: 券已用掉的次数正好等于未撤销的核销次数。
SELECT c.id AS coupon_id FROM coupons_coupon c
LEFT JOIN (SELECT r.coupon_id, count(*) AS uses FROM coupons_redemption r
           WHERE {merchant r.merchant_id} AND r.reversed_at IS NULL GROUP BY r.coupon_id) t ON t.coupon_id = c.id
WHERE {merchant c.merchant_id} AND c.uses_total - c.uses_left <> COALESCE(t.uses, 0);

-- name: coupon_state_says_its_uses
-- en: A coupon counts as used exactly when no use is left, and never has more or fewer uses left than it can.
-- zh: 券用完时才标记为已使用，剩余次数不会小于零或超过总次数。
SELECT c.id AS coupon_id FROM coupons_coupon c
WHERE {merchant c.merchant_id}
  AND ((c.state = 'redeemed') <> (c.uses_left = 0) OR c.uses_left NOT BETWEEN 0 AND c.uses_total);

-- name: coupon_state_says_its_refund
-- en: A coupon is refunded exactly when the money of what was unused went back, and locked exactly while it is on the way.
-- zh: 券只有在未使用部分的钱已退回时才是已退款，只有在退款途中才处于锁定状态。
SELECT c.id AS coupon_id FROM coupons_coupon c
FULL JOIN (SELECT x.coupon_id, x.state FROM coupons_refund x
           WHERE {merchant x.merchant_id} AND x.coupon_id IS NOT NULL AND x.redemption_id IS NULL) f ON f.coupon_id = c.id
WHERE {merchant c.merchant_id} AND (c.state IN ('refunded', 'refund_locked') OR f.state IS NOT NULL)
  AND c.state IS DISTINCT FROM CASE WHEN f.state = 'paid_out' THEN 'refunded' WHEN f.state IS NOT NULL THEN 'refund_locked' END;

-- name: expired_coupons_owe_nothing
-- en: A coupon that expired is refunded where its deal promised so; none lies expired with the customer's money.
-- zh: 承诺过期自动退的券，过期时就已安排退款，不会压着顾客的钱。
SELECT c.id AS coupon_id FROM coupons_coupon c JOIN coupons_order o ON o.id = c.order_id
WHERE {merchant c.merchant_id} AND c.state = 'expired' AND (o.terms ->> 'refund_on_expiry')::boolean;

-- area: redemptions | Redemptions | 核销

-- name: no_use_is_redeemed_twice
-- en: Each use of a coupon stands redeemed once at most.
-- zh: 券的每一次使用最多只有一条有效核销。
SELECT r.coupon_id, r.use_no FROM coupons_redemption r
WHERE {merchant r.merchant_id} AND r.reversed_at IS NULL
GROUP BY r.coupon_id, r.use_no HAVING count(*) > 1;

-- name: redeemed_uses_exist
-- en: Every redeemed use is one the coupon has: its number lies between one and the coupon's uses.
-- zh: 每条核销的使用序号都在一到券的总次数之间。
SELECT r.id AS redemption_id FROM coupons_redemption r JOIN coupons_coupon c ON c.id = r.coupon_id
WHERE {merchant r.merchant_id} AND r.use_no NOT BETWEEN 1 AND c.uses_total;

-- name: uses_sum_to_the_price
-- en: Every use is redeemed for its own part of the coupon's price, so that all uses together are the price to the fen.
-- zh: 每次核销的金额都是券价中属于该次的份额，各次合计正好等于券价。
SELECT r.id AS redemption_id FROM coupons_redemption r JOIN coupons_coupon c ON c.id = r.coupon_id
WHERE {merchant r.merchant_id}
  AND r.gross_fen <> c.price_fen * r.use_no / c.uses_total - c.price_fen * (r.use_no - 1) / c.uses_total;

-- name: redemptions_agree_with_their_coupon
-- en: A redemption names the order and the deal of its coupon.
-- zh: 核销记录中的订单和套餐与券一致。
SELECT r.id AS redemption_id FROM coupons_redemption r JOIN coupons_coupon c ON c.id = r.coupon_id
WHERE {merchant r.merchant_id} AND (r.order_id, r.deal_id) <> (c.order_id, c.deal_id);

-- name: redeemed_while_valid
-- en: No coupon was redeemed before it was valid or after it had run out.
-- zh: 没有在生效前或过期后核销的券。
SELECT r.id AS redemption_id FROM coupons_redemption r JOIN coupons_coupon c ON c.id = r.coupon_id
WHERE {merchant r.merchant_id} AND NOT (r.redeemed_at >= c.valid_from AND r.redeemed_at < c.valid_until);

-- name: redeemed_where_sold_for
-- en: Every coupon was redeemed in a store its order allows.
-- zh: 每张券都是在订单允许的门店核销的。
SELECT r.id AS redemption_id FROM coupons_redemption r JOIN coupons_order o ON o.id = r.order_id
WHERE {merchant r.merchant_id} AND NOT (o.terms ->> 'all_stores')::boolean
  AND NOT (o.terms -> 'store_ids') ? r.store_id::text;

-- name: every_undoing_has_its_row
-- en: A redemption is undone exactly when there is a row that says who undid it.
-- zh: 被撤销的核销都有对应的撤销记录，未撤销的都没有。
SELECT r.id AS redemption_id FROM coupons_redemption r
LEFT JOIN coupons_redemptionreversal x ON x.redemption_id = r.id
WHERE {merchant r.merchant_id} AND (r.reversed_at IS NOT NULL) <> (x.id IS NOT NULL);

-- name: undone_inside_the_window
-- en: No redemption was undone after the time for it was over.
-- zh: 没有超过撤销时限才撤销的核销。
SELECT r.id AS redemption_id FROM coupons_redemption r
WHERE {merchant r.merchant_id} AND r.reversed_at >= r.due_at;

-- area: refunds | Refunds | 退款

-- name: a_coupon_is_used_or_refunded_never_both
-- en: What a coupon's refund before use gives back and what was redeemed of it are together exactly its price.
-- zh: 一张券使用前退款的金额与已核销的金额合计正好等于券价，用过的部分不会再当作未使用退。
SELECT f.id AS refund_id FROM coupons_refund f JOIN coupons_coupon c ON c.id = f.coupon_id
LEFT JOIN (SELECT r.coupon_id, sum(r.gross_fen) AS fen FROM coupons_redemption r
           WHERE {merchant r.merchant_id} AND r.reversed_at IS NULL GROUP BY r.coupon_id) t ON t.coupon_id = c.id
WHERE {merchant f.merchant_id} AND f.redemption_id IS NULL AND f.amount_fen + COALESCE(t.fen, 0) <> c.price_fen;

-- name: refunds_at_most_the_payment
-- en: All refunds of a payment together are at most what was received by it.
-- zh: 同一笔付款的全部退款合计不超过该笔到账金额。
SELECT p.id AS payment_id FROM coupons_payment p
JOIN (SELECT f.payment_id, sum(f.amount_fen) AS fen FROM coupons_refund f
      WHERE {merchant f.merchant_id} AND f.state <> 'rejected' GROUP BY f.payment_id) t ON t.payment_id = p.id
WHERE {merchant p.merchant_id} AND (t.fen > p.amount_fen OR (p.state <> 'succeeded' AND t.fen > 0));

-- name: refunds_agree_with_their_order
-- en: A refund names the order of its payment and of its coupon, and gives a coupon's money back from the payment kept for it.
-- zh: 退款中的订单与付款、券的订单一致；券的退款从订单留下的那笔付款中退，不从已整笔退回的付款中退。
SELECT f.id AS refund_id FROM coupons_refund f
JOIN coupons_payment p ON p.id = f.payment_id
LEFT JOIN coupons_coupon c ON c.id = f.coupon_id
LEFT JOIN coupons_refund whole ON whole.payment_id = f.payment_id AND whole.coupon_id IS NULL AND f.coupon_id IS NOT NULL
WHERE {merchant f.merchant_id} AND (p.order_id <> f.order_id OR c.order_id <> f.order_id OR whole.id IS NOT NULL);

-- name: refunds_have_the_times_of_their_state
-- en: A refund has the moment it was agreed to, rejected or paid back exactly when it was, and only one paid back is in the books.
-- zh: 退款只有在同意、拒绝或退回之后才有相应的时间，也只有已退回的退款才会入账。
SELECT f.id AS refund_id FROM coupons_refund f
WHERE {merchant f.merchant_id}
  AND ((f.state = 'paid_out') <> (f.paid_out_at IS NOT NULL) OR (f.state <> 'paid_out' AND f.journal_id IS NOT NULL)
    OR (f.state = 'rejected') <> (f.rejected_at IS NOT NULL)
    OR (f.state IN ('approved', 'failed', 'paid_out')) <> (f.approved_at IS NOT NULL));

-- name: every_open_refund_has_its_job
-- en: Every refund that was agreed to and is not paid back yet has a job that will pay it, or one that gave up and is shown to the operator.
-- zh: 每笔已同意但未退回的退款都有待执行的退款任务，或有已放弃并提示运营处理的任务。
SELECT f.id AS refund_id FROM coupons_refund f
WHERE {merchant f.merchant_id} AND f.state IN ('approved', 'failed')
  AND NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'pay_refund' AND j.key = f.id::text AND j.state <> 'done');

-- name: refunds_of_uses_are_within_their_use
-- en: A refund of a use names its own coupon and order, gives back at most what the use cost, and the use was never undone.
-- zh: 使用后退款对应的核销与券、订单一致，退款不超过该次核销的金额，且该次核销没有被撤销。
SELECT f.id AS refund_id FROM coupons_refund f JOIN coupons_redemption r ON r.id = f.redemption_id
WHERE {merchant f.merchant_id} AND f.state <> 'rejected'
  AND ((r.coupon_id, r.order_id) IS DISTINCT FROM (f.coupon_id, f.order_id) OR r.reversed_at IS NOT NULL
       OR f.amount_fen NOT BETWEEN 1 AND f.asked_fen OR f.asked_fen > r.gross_fen);

-- name: no_use_is_refunded_twice
-- en: Each use has one refund at most that was not rejected.
-- zh: 每次核销最多只有一笔未被拒绝的退款。
SELECT f.redemption_id FROM coupons_refund f
WHERE {merchant f.merchant_id} AND f.redemption_id IS NOT NULL AND f.state <> 'rejected'
GROUP BY f.redemption_id HAVING count(*) > 1;

-- name: refunds_of_uses_are_in_time
-- en: A refund of a use was asked for after the time to undo it and within 30 days of it.
-- zh: 使用后退款都在撤销时限之后、核销后30天之内提出。
SELECT f.id AS refund_id FROM coupons_refund f JOIN coupons_redemption r ON r.id = f.redemption_id
WHERE {merchant f.merchant_id}
  AND NOT (f.requested_at >= r.due_at AND f.requested_at < r.redeemed_at + interval '30 days');

-- name: refunds_of_a_coupon_are_at_most_its_price
-- en: All refunds of a coupon together, before and after use, are at most its price.
-- zh: 同一张券使用前和使用后的退款合计不超过券价。
SELECT c.id AS coupon_id FROM coupons_coupon c
JOIN (SELECT f.coupon_id, sum(f.amount_fen) AS fen FROM coupons_refund f
      WHERE {merchant f.merchant_id} AND f.state <> 'rejected' GROUP BY f.coupon_id) t ON t.coupon_id = c.id
WHERE {merchant c.merchant_id} AND t.fen > c.price_fen;

-- name: every_open_review_has_its_job
-- en: Every request that waits for the merchant has a job that agrees to it when its day is over.
-- zh: 每笔待商家处理的退款申请都有到期自动同意的任务。
SELECT f.id AS refund_id FROM coupons_refund f
WHERE {merchant f.merchant_id} AND f.state = 'requested'
  AND NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'review_refund' AND j.key = f.id::text AND j.state <> 'done');

-- name: recalls_count_what_they_took
-- en: A recall says exactly how many coupons it took back and how much money goes back for them.
-- zh: 每次召回记录的券数和退款金额，正好等于它实际收回的券和产生的退款。
SELECT l.id AS recall_id FROM coupons_recall l
LEFT JOIN (SELECT f.recall_id, count(*) AS coupons, sum(f.amount_fen) AS fen FROM coupons_refund f
           WHERE {merchant f.merchant_id} AND f.recall_id IS NOT NULL GROUP BY f.recall_id) t ON t.recall_id = l.id
WHERE {merchant l.merchant_id}
  AND (l.coupons - l.voided, l.amount_fen) IS DISTINCT FROM (COALESCE(t.coupons, 0)::int, COALESCE(t.fen, 0)::bigint);

-- name: recalled_coupons_are_of_their_recall
-- en: A recall takes back coupons of its own deal only.
-- zh: 召回只收回本套餐的券。
SELECT f.id AS refund_id FROM coupons_refund f JOIN coupons_recall l ON l.id = f.recall_id
JOIN coupons_coupon c ON c.id = f.coupon_id
WHERE {merchant f.merchant_id} AND (f.reason <> 'recall' OR c.deal_id <> l.deal_id OR c.issued_at >= l.issued_before);

-- name: every_running_recall_has_its_job
-- en: Every recall that is not done has a job that goes on with it, or one that gave up and is shown to the operator.
-- zh: 每次未完成的召回都有继续执行的任务，或有已放弃并提示运营处理的任务。
SELECT l.id AS recall_id FROM coupons_recall l
WHERE {merchant l.merchant_id} AND l.state = 'running'
  AND NOT EXISTS (SELECT FROM core_job j WHERE j.kind = 'recall' AND j.key LIKE l.id || ':%' AND j.state <> 'done');

-- name: refunds_are_booked_to_the_fen
-- en: Every journal of refunds moves exactly the sum of the refunds that name it.
-- zh: 每笔退款分录的金额正好等于其所含退款之和。
SELECT COALESCE(j.id, f.journal_id) AS journal_id
FROM (SELECT x.id, sum(t.amount_fen) AS fen FROM ledger_journal x JOIN ledger_transfer t ON t.journal_id = x.id
      WHERE {merchant x.merchant_id} AND x.kind IN ('refunds', 'clawback') GROUP BY x.id) j
FULL JOIN (SELECT x.journal_id, sum(x.amount_fen) AS fen FROM coupons_refund x
           WHERE {merchant x.merchant_id} AND x.journal_id IS NOT NULL GROUP BY x.journal_id) f ON f.journal_id = j.id
WHERE j.fen IS DISTINCT FROM f.fen;

-- area: tenancy | Each merchant's own | 商户之间互不相混

-- name: deals_and_their_parts_share_a_merchant
-- en: A deal, its contents, reviews, stores, stock, audience and purchases belong to one merchant.
-- zh: 套餐与它的内容、审核、门店、库存、人群和限购记录同属一个商户。
SELECT 'deal' AS noun, d.id FROM coupons_deal d JOIN coupons_audience a ON a.id = d.audience_id
    WHERE {merchant d.merchant_id} AND a.merchant_id <> d.merchant_id
UNION ALL SELECT 'audience member', x.id FROM coupons_audiencemember x JOIN coupons_audience a ON a.id = x.audience_id
    WHERE {merchant x.merchant_id} AND a.merchant_id <> x.merchant_id
UNION ALL SELECT 'deal store', l.deal_id FROM coupons_deal_stores l
    JOIN coupons_deal d ON d.id = l.deal_id JOIN merchants_store s ON s.id = l.store_id
    WHERE {merchant d.merchant_id} AND s.merchant_id <> d.merchant_id
UNION ALL SELECT 'stock pool', x.id FROM coupons_stockpool x JOIN coupons_deal d ON d.id = x.deal_id
    WHERE {merchant x.merchant_id} AND d.merchant_id <> x.merchant_id
UNION ALL SELECT 'stock slot', x.id FROM coupons_stockslot x
    JOIN coupons_stockpool p ON p.id = x.pool_id JOIN coupons_deal d ON d.id = x.deal_id
    WHERE {merchant x.merchant_id} AND (p.merchant_id <> x.merchant_id OR d.merchant_id <> x.merchant_id)
UNION ALL SELECT 'placement', x.id FROM coupons_placement x
    JOIN coupons_deal d ON d.id = x.deal_id LEFT JOIN coupons_stockpool p ON p.id = x.pool_id
    WHERE {merchant x.merchant_id} AND (d.merchant_id <> x.merchant_id OR p.merchant_id <> x.merchant_id)
UNION ALL SELECT 'group', x.id FROM coupons_dealgroup x JOIN coupons_deal d ON d.id = x.deal_id
    WHERE {merchant x.merchant_id} AND d.merchant_id <> x.merchant_id
UNION ALL SELECT 'item', x.id FROM coupons_dealitem x JOIN coupons_dealgroup g ON g.id = x.group_id
    WHERE {merchant x.merchant_id} AND g.merchant_id <> x.merchant_id
UNION ALL SELECT 'review', x.id FROM coupons_dealreview x JOIN coupons_deal d ON d.id = x.deal_id
    WHERE {merchant x.merchant_id} AND d.merchant_id <> x.merchant_id
UNION ALL SELECT 'purchase', x.id FROM coupons_dealpurchase x JOIN coupons_deal d ON d.id = x.deal_id
    WHERE {merchant x.merchant_id} AND d.merchant_id <> x.merchant_id;

-- name: orders_stay_with_their_merchant
-- en: An order belongs to the merchant of its deal, its stock and the link it came by; its shares and payments belong to the same.
-- zh: 订单与其套餐、库存、来源链接同属一个商户，分成和付款也属于该商户。
SELECT 'order' AS noun, o.id FROM coupons_order o JOIN coupons_deal d ON d.id = o.deal_id
    JOIN coupons_stockslot k ON k.id = o.stock_slot_id LEFT JOIN coupons_placement l ON l.id = o.placement_id
    WHERE {merchant o.merchant_id}
      AND (d.merchant_id <> o.merchant_id OR k.merchant_id <> o.merchant_id OR l.merchant_id <> o.merchant_id)
UNION ALL SELECT 'share', s.id FROM coupons_ordershare s JOIN coupons_order o ON o.id = s.order_id
    WHERE {merchant s.merchant_id} AND o.merchant_id <> s.merchant_id
UNION ALL SELECT 'payment', p.id FROM coupons_payment p JOIN coupons_order o ON o.id = p.order_id
    LEFT JOIN ledger_journal j ON j.id = p.journal_id
    WHERE {merchant p.merchant_id} AND (o.merchant_id <> p.merchant_id OR j.merchant_id <> p.merchant_id);

-- name: coupons_stay_with_their_merchant
-- en: A coupon belongs to the merchant of its order and of its deal.
-- zh: 券与其订单、套餐同属一个商户。
SELECT c.id AS coupon_id FROM coupons_coupon c
JOIN coupons_order o ON o.id = c.order_id JOIN coupons_deal d ON d.id = c.deal_id
WHERE {merchant c.merchant_id} AND (o.merchant_id <> c.merchant_id OR d.merchant_id <> c.merchant_id);

-- name: redemptions_stay_with_their_merchant
-- en: A redemption, its undoing and every refused code belong to the merchant of the coupon, the order, the deal and the store.
-- zh: 核销、撤销和被拒券码与券、订单、套餐、门店同属一个商户。
SELECT 'redemption' AS noun, r.id FROM coupons_redemption r
    JOIN coupons_coupon c ON c.id = r.coupon_id JOIN coupons_order o ON o.id = r.order_id
    JOIN coupons_deal d ON d.id = r.deal_id JOIN merchants_store s ON s.id = r.store_id
    WHERE {merchant r.merchant_id} AND (c.merchant_id <> r.merchant_id OR o.merchant_id <> r.merchant_id
        OR d.merchant_id <> r.merchant_id OR s.merchant_id <> r.merchant_id)
UNION ALL SELECT 'undoing', x.id FROM coupons_redemptionreversal x JOIN coupons_redemption r ON r.id = x.redemption_id
    WHERE {merchant x.merchant_id} AND r.merchant_id <> x.merchant_id
UNION ALL SELECT 'refusal', x.id FROM coupons_redemptionrefusal x
    LEFT JOIN coupons_coupon c ON c.id = x.coupon_id LEFT JOIN merchants_store s ON s.id = x.store_id
    WHERE {merchant x.merchant_id} AND (c.merchant_id <> x.merchant_id OR s.merchant_id <> x.merchant_id);

-- name: refunds_stay_with_their_merchant
-- en: A refund belongs to the merchant of its order, its payment, its coupon, its redemption, its recall and its journal; a recall to that of its deal and link.
-- zh: 退款与其订单、付款、券、核销、召回和分录同属一个商户，召回与其套餐和来源链接同属一个商户。
SELECT f.id AS refund_id FROM coupons_refund f
JOIN coupons_order o ON o.id = f.order_id JOIN coupons_payment p ON p.id = f.payment_id
LEFT JOIN coupons_coupon c ON c.id = f.coupon_id LEFT JOIN ledger_journal j ON j.id = f.journal_id
LEFT JOIN coupons_redemption r ON r.id = f.redemption_id LEFT JOIN coupons_recall l ON l.id = f.recall_id
WHERE {merchant f.merchant_id} AND (o.merchant_id <> f.merchant_id OR p.merchant_id <> f.merchant_id
    OR c.merchant_id <> f.merchant_id OR j.merchant_id <> f.merchant_id OR r.merchant_id <> f.merchant_id
    OR l.merchant_id <> f.merchant_id)
UNION ALL SELECT l.id FROM coupons_recall l
JOIN coupons_deal d ON d.id = l.deal_id LEFT JOIN coupons_placement p ON p.id = l.placement_id
WHERE {merchant l.merchant_id} AND (d.merchant_id <> l.merchant_id OR p.merchant_id <> l.merchant_id OR p.deal_id <> l.deal_id);

-- name: shadows_and_customers_never_meet
-- en: Customers made for a rehearsal buy in shadow shops only, and nobody else buys there.
-- zh: 彩排用的虚拟顾客只在影子商户下单，真实顾客不会在影子商户下单。
SELECT o.id AS order_id FROM coupons_order o
JOIN merchants_merchant m ON m.party_id = o.merchant_id JOIN identity_customer u ON u.id = o.customer_id
WHERE {merchant o.merchant_id} AND u.is_shadow <> (m.shadow_of_id IS NOT NULL);
