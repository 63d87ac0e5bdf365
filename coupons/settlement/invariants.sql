-- Lines, runs and statements, and what they say to the books.

-- area: settlement | Settlement | 结算

-- name: every_due_redemption_has_one_line
-- en: Every redemption past its undo window has been settled, at the latest ten minutes later, in one line.
-- zh: 过了撤销时限的核销，最迟十分钟内都已结算，且只有一条明细。
SELECT r.id AS redemption_id FROM coupons_redemption r
WHERE {merchant r.merchant_id} AND r.reversed_at IS NULL AND r.due_at <= now() - interval '10 minutes'
  AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id);

-- name: no_redemption_is_settled_twice
-- en: No redemption is in two settlement lines.
-- zh: 没有一条核销被结算两次。
SELECT l.redemption_id FROM settlement_settlementline l
WHERE {merchant l.merchant_id} AND l.redemption_id IS NOT NULL GROUP BY l.redemption_id HAVING count(*) > 1;

-- name: no_line_of_a_reversed_redemption
-- en: Nothing is settled of a redemption that was undone.
-- zh: 已撤销的核销没有结算明细。
SELECT l.id AS line_id FROM settlement_settlementline l JOIN coupons_redemption r ON r.id = l.redemption_id
WHERE {merchant l.merchant_id} AND r.reversed_at IS NOT NULL;

-- name: lines_agree_with_their_redemption
-- en: A settlement line is of the coupon, the deal, the store, the day and the amount of its redemption.
-- zh: 结算明细的券、套餐、门店、日期和金额与核销一致。
SELECT l.id AS line_id FROM settlement_settlementline l JOIN coupons_redemption r ON r.id = l.redemption_id
WHERE {merchant l.merchant_id} AND (l.coupon_id, l.deal_id, l.store_id, l.business_date, l.gross_fen)
    <> (r.coupon_id, r.deal_id, r.store_id, r.business_date, r.gross_fen);

-- name: every_refund_of_a_use_is_taken_back
-- en: Every refund of a use has been taken back from those who were given its money, at the latest ten minutes after it was paid out.
-- zh: 核销后的每笔退款，最迟在退款到账十分钟内，已从各方所得中如数追回。
SELECT f.id AS refund_id FROM coupons_refund f JOIN settlement_settlementline u ON u.redemption_id = f.redemption_id
WHERE {merchant f.merchant_id} AND f.state = 'paid_out' AND f.amount_fen > 0 AND f.paid_out_at <= now() - interval '10 minutes'
  AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.refund_id = f.id);

-- name: negative_lines_agree_with_their_refund
-- en: A negative line is of the coupon, the deal, the store, the rates and the payees of the use it takes back, and of the amount of its refund.
-- zh: 追回明细的券、套餐、门店、费率和收款方与原核销明细一致，金额等于退款金额。
SELECT l.id AS line_id FROM settlement_settlementline l JOIN coupons_refund f ON f.id = l.refund_id
LEFT JOIN settlement_settlementline u ON u.redemption_id = f.redemption_id
WHERE {merchant l.merchant_id} AND (l.coupon_id, l.deal_id, l.store_id, l.platform_fee_bps, l.service_fee_bps,
        l.station_share_bps, l.commission_bps, l.platform_payee_id, l.service_payee_id, l.station_payee_id,
        l.commission_payee_id, -l.gross_fen)
    IS DISTINCT FROM (u.coupon_id, u.deal_id, u.store_id, u.platform_fee_bps, u.service_fee_bps,
        u.station_share_bps, u.commission_bps, u.platform_payee_id, u.service_payee_id, u.station_payee_id,
        u.commission_payee_id, f.amount_fen);

-- name: lines_add_up
-- en: The parts of a settlement line sum to its amount; none is below zero where something was redeemed, none above where it was refunded.
-- zh: 结算明细各方金额合计等于明细金额；核销明细没有负数，追回明细没有正数。
SELECT l.id AS line_id FROM settlement_settlementline l
WHERE {merchant l.merchant_id}
  AND (l.gross_fen <> l.platform_fee_fen + l.service_fee_fen + l.station_share_fen + l.commission_fen + l.merchant_fen
       OR (l.refund_id IS NULL AND LEAST(l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen,
               l.merchant_fen) < 0)
       OR (l.refund_id IS NOT NULL AND GREATEST(l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen,
               l.merchant_fen) > 0));

-- name: lines_recomputed_from_terms_agree
-- en: Computed again from the shares frozen into the order, every settlement line comes out the same to the fen, with the same payees.
-- zh: 按订单固定的分成重新计算，每条结算明细都分毫不差，收款方也一致。
WITH terms AS (
    SELECT s.order_id,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'platform_fee'), 0) AS platform_fee,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'service_fee'), 0) AS service_fee,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'station_share'), 0) AS station_share,
        COALESCE(max(s.bps) FILTER (WHERE s.kind = 'commission'), 0) AS commission,
        max(s.payee_id) FILTER (WHERE s.kind = 'platform_fee') AS platform,
        max(s.payee_id) FILTER (WHERE s.kind = 'service_fee') AS service,
        max(s.payee_id) FILTER (WHERE s.kind = 'station_share') AS station,
        max(s.payee_id) FILTER (WHERE s.kind = 'commission') AS creator
    FROM coupons_ordershare s WHERE {merchant s.merchant_id} GROUP BY s.order_id),
lines AS (
    SELECT l.id, l.gross_fen, ARRAY[COALESCE(t.platform_fee, 0), COALESCE(t.service_fee, 0),
            COALESCE(t.station_share, 0), COALESCE(t.commission, 0)] AS bps,
        ARRAY[l.platform_fee_bps, l.service_fee_bps, l.station_share_bps, l.commission_bps]::int[] AS said,
        (l.platform_payee_id, l.service_payee_id, l.station_payee_id, l.commission_payee_id)
            IS NOT DISTINCT FROM (t.platform, t.service, t.station, t.creator) AS same_payees,
        ARRAY[l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen] AS parts
    FROM settlement_settlementline l JOIN coupons_redemption r ON r.id = l.redemption_id
    LEFT JOIN terms t ON t.order_id = r.order_id WHERE {merchant l.merchant_id}),
-- Few different amounts and shares stand in many lines: each is split once.
splits AS MATERIALIZED (
    SELECT d.gross_fen, d.bps, split_fen(d.gross_fen, d.bps) AS parts
    FROM (SELECT DISTINCT x.gross_fen, x.bps FROM lines x WHERE x.gross_fen >= 0) d)
SELECT l.id AS line_id FROM lines l JOIN splits s ON s.gross_fen = l.gross_fen AND s.bps = l.bps
WHERE l.parts <> s.parts OR l.bps <> l.said OR NOT l.same_payees;

-- name: negative_lines_recomputed_agree
-- en: Computed again, what each party gives back of a refunded use is its part of the refund, at most what it was given; the merchant the rest.
-- zh: 重新计算，核销后退款时每一方退回的金额等于其在退款中的份额，且不超过原先所得，其余由商户承担。
SELECT l.id AS line_id FROM settlement_settlementline l JOIN coupons_refund f ON f.id = l.refund_id
JOIN settlement_settlementline u ON u.redemption_id = f.redemption_id
CROSS JOIN LATERAL (SELECT split_fen(f.amount_fen,
    ARRAY[u.platform_fee_bps, u.service_fee_bps, u.station_share_bps, u.commission_bps]::int[]) AS parts) p
WHERE {merchant l.merchant_id} AND (-l.platform_fee_fen, -l.service_fee_fen, -l.station_share_fen, -l.commission_fen)
    <> (LEAST(p.parts[1], u.platform_fee_fen), LEAST(p.parts[2], u.service_fee_fen), LEAST(p.parts[3], u.station_share_fen),
        LEAST(p.parts[4], u.commission_fen));

-- name: lines_of_a_batch_equal_its_transfers
-- en: A settlement run says the number and sum of its lines, and its journal moves exactly that sum.
-- zh: 每次结算的笔数和金额等于其明细之和，入账金额也分毫不差。
SELECT b.id AS batch_id FROM settlement_settlementbatch b
LEFT JOIN (SELECT l.batch_id, count(*) AS lines, sum(l.gross_fen) AS fen FROM settlement_settlementline l
           WHERE {merchant l.merchant_id} GROUP BY l.batch_id) s ON s.batch_id = b.id
LEFT JOIN (SELECT t.journal_id, sum(t.amount_fen) AS fen FROM ledger_transfer t
           WHERE {merchant t.merchant_id} GROUP BY t.journal_id) j ON j.journal_id = b.journal_id
WHERE {merchant b.merchant_id}
  AND ((b.lines, b.gross_fen) IS DISTINCT FROM (COALESCE(s.lines, 0)::int, COALESCE(s.fen, 0)::bigint)
       OR abs(b.gross_fen) <> COALESCE(j.fen, 0));

-- name: payable_equals_lines
-- en: What settling and taking back moved to and from a merchant's account is the sum of what its settlement lines give it.
-- zh: 结算与追回在商户应付款账户中产生的净额等于其结算明细中商户所得之和。
SELECT m.party_id AS merchant_id FROM merchants_merchant m
LEFT JOIN (SELECT t.merchant_id, sum(CASE WHEN c.kind = 'merchant_payable' AND c.owner_id = t.merchant_id THEN t.amount_fen ELSE 0 END)
               - sum(CASE WHEN d.kind = 'merchant_payable' AND d.owner_id = t.merchant_id THEN t.amount_fen ELSE 0 END) AS fen
           FROM ledger_transfer t JOIN ledger_journal j ON j.id = t.journal_id AND j.kind IN ('settlement', 'clawback')
           JOIN ledger_account c ON c.id = t.credit_account_id JOIN ledger_account d ON d.id = t.debit_account_id
           WHERE {merchant t.merchant_id} GROUP BY t.merchant_id) k ON k.merchant_id = m.party_id
LEFT JOIN (SELECT l.merchant_id, sum(l.merchant_fen) AS fen FROM settlement_settlementline l
           WHERE {merchant l.merchant_id} GROUP BY l.merchant_id) s ON s.merchant_id = m.party_id
WHERE {merchant m.party_id} AND COALESCE(k.fen, 0) <> COALESCE(s.fen, 0);

-- name: fees_equal_lines
-- en: What settling and taking back moved to and from each account of platform, providers, stations and creators is the sum of its lines.
-- zh: 结算与追回在平台、服务商、站点和达人各账户中产生的净额等于结算明细中各自所得之和。
WITH moved AS (
    SELECT a.merchant_id, a.kind, a.owner_id, sum(x.fen) AS fen
    FROM (SELECT t.credit_account_id AS account_id, t.journal_id, t.amount_fen AS fen FROM ledger_transfer t
            WHERE {merchant t.merchant_id}
          UNION ALL SELECT t.debit_account_id, t.journal_id, -t.amount_fen FROM ledger_transfer t
            WHERE {merchant t.merchant_id}) x
    JOIN ledger_journal j ON j.id = x.journal_id AND j.kind IN ('settlement', 'clawback')
    JOIN ledger_account a ON a.id = x.account_id AND a.kind IN ('platform_fee', 'service_fee', 'station_share', 'commission')
    GROUP BY a.merchant_id, a.kind, a.owner_id),
given AS (
    SELECT l.merchant_id, p.kind, p.owner_id, sum(p.fen) AS fen FROM settlement_settlementline l
    CROSS JOIN LATERAL (VALUES ('platform_fee', l.platform_payee_id, l.platform_fee_fen),
        ('service_fee', l.service_payee_id, l.service_fee_fen), ('station_share', l.station_payee_id, l.station_share_fen),
        ('commission', l.commission_payee_id, l.commission_fen)) p (kind, owner_id, fen)
    WHERE {merchant l.merchant_id} AND p.fen <> 0 GROUP BY l.merchant_id, p.kind, p.owner_id)
SELECT COALESCE(g.owner_id, m.owner_id) AS party_id FROM moved m
FULL JOIN given g ON g.merchant_id = m.merchant_id AND g.kind = m.kind AND g.owner_id = m.owner_id
WHERE COALESCE(m.fen, 0) <> COALESCE(g.fen, 0);

-- name: prepaid_equals_booked_minus_settled
-- en: What customers have paid and not used, by the books, is payments booked less refunds booked less what was settled.
-- zh: 账簿中顾客已付未用的金额等于已入账的付款减去已入账的退款和已结算的金额。
SELECT m.party_id AS merchant_id FROM merchants_merchant m
LEFT JOIN (SELECT a.merchant_id, sum(b.credits_fen - b.debits_fen) AS fen
           FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
           WHERE {merchant a.merchant_id} AND a.kind = 'customer_prepaid' GROUP BY a.merchant_id) k ON k.merchant_id = m.party_id
LEFT JOIN (SELECT p.merchant_id, sum(p.amount_fen) AS fen FROM coupons_payment p
           WHERE {merchant p.merchant_id} AND p.journal_id IS NOT NULL GROUP BY p.merchant_id) p ON p.merchant_id = m.party_id
LEFT JOIN (SELECT f.merchant_id, sum(f.amount_fen) AS fen FROM coupons_refund f
           WHERE {merchant f.merchant_id} AND f.journal_id IS NOT NULL GROUP BY f.merchant_id) f ON f.merchant_id = m.party_id
LEFT JOIN (SELECT l.merchant_id, sum(l.gross_fen) AS fen FROM settlement_settlementline l
           WHERE {merchant l.merchant_id} GROUP BY l.merchant_id) s ON s.merchant_id = m.party_id
WHERE {merchant m.party_id}
  AND COALESCE(k.fen, 0) <> COALESCE(p.fen, 0) - COALESCE(f.fen, 0) - COALESCE(s.fen, 0);

-- area: statements | Statements | 结算单

-- name: lines_are_stated_to_their_payee
-- en: A settlement line is only in statements for its own payees, each covering its day; what is taken back of a creator may come earlier.
-- zh: 结算明细只属于其收款方自己的结算单，且日期在该结算单的期间内；追回达人佣金的明细可以提前列入。
SELECT l.id AS line_id FROM settlement_settlementline l
CROSS JOIN LATERAL (VALUES ('merchant', l.merchant_id, l.statement_id), ('provider', l.service_payee_id, l.service_statement_id),
    ('station', l.station_payee_id, l.station_statement_id), ('creator', l.commission_payee_id, l.commission_statement_id))
    p (kind, payee_id, statement_id)
JOIN settlement_statement s ON s.id = p.statement_id
WHERE {merchant l.merchant_id} AND ((s.kind, s.payee_id) IS DISTINCT FROM (p.kind, p.payee_id)
    OR (l.business_date NOT BETWEEN s.period_start AND s.period_end AND (l.refund_id IS NULL OR s.kind <> 'creator')));

-- name: statements_equal_their_lines
-- en: A statement's count and sums are those of its lines, for every party.
-- zh: 结算单的笔数和各方金额等于其明细之和。
SELECT s.id AS statement_id FROM settlement_statement s
LEFT JOIN (SELECT p.statement_id, count(*) AS lines, count(l.refund_id) AS refunds, sum(l.gross_fen) AS gross,
        COALESCE(-sum(l.gross_fen) FILTER (WHERE l.refund_id IS NOT NULL), 0) AS refunded,
        sum(l.platform_fee_fen) AS platform_fee, sum(l.service_fee_fen) AS service_fee,
        sum(l.station_share_fen) AS station_share, sum(l.commission_fen) AS commission, sum(l.merchant_fen) AS merchant
    FROM settlement_settlementline l
    CROSS JOIN LATERAL (VALUES (l.statement_id), (l.service_statement_id), (l.station_statement_id), (l.commission_statement_id))
        p (statement_id)
    WHERE {merchant l.merchant_id} AND p.statement_id IS NOT NULL GROUP BY p.statement_id) t ON t.statement_id = s.id
WHERE {merchant s.merchant_id} AND (s.lines_count, s.refund_lines, s.gross_fen, s.refunded_fen, s.platform_fee_fen,
        s.service_fee_fen, s.station_share_fen, s.commission_fen, s.merchant_fen) IS DISTINCT FROM
    (t.lines::int, t.refunds::int, t.gross::bigint, t.refunded::bigint, t.platform_fee::bigint, t.service_fee::bigint,
        t.station_share::bigint, t.commission::bigint, t.merchant::bigint);

-- name: statement_seals_hold
-- en: The seal of every statement, computed again from what it and its lines say now, is the one it was given.
-- zh: 按结算单及其明细的现状重新计算封印，结果与封存时一致，没有被改动。
WITH said AS (
    SELECT p.statement_id, jsonb_agg(f.hash ORDER BY f.line_id) AS hashes FROM settlement_linefact f
    CROSS JOIN LATERAL (VALUES (f.statement_id), (f.service_statement_id), (f.station_statement_id), (f.commission_statement_id))
        p (statement_id)
    WHERE {merchant f.merchant_id} AND p.statement_id IS NOT NULL GROUP BY p.statement_id)
SELECT s.id AS statement_id FROM settlement_statement s
JOIN merchants_merchant m ON m.party_id = s.merchant_id
LEFT JOIN settlement_statement p ON p.id = s.previous_id
LEFT JOIN said t ON t.statement_id = s.id
WHERE {merchant s.merchant_id} AND s.hash <> settlement_seal(s.merchant_id, s.payee_id, s.kind, s.number, m.currency,
    s.period_start, s.period_end, s.lines_count, s.refund_lines, s.gross_fen, s.refunded_fen, s.platform_fee_fen,
    s.service_fee_fen, s.station_share_fen, s.commission_fen, s.merchant_fen, s.amount_fen, COALESCE(p.hash, ''), t.hashes);

-- name: statements_form_one_chain
-- en: The statements of a payee hang together in one chain: each but the first names an older one, and none is named twice.
-- zh: 每个收款方的结算单首尾相连成一条链：除第一张外，每张都指向更早的一张，且没有两张指向同一张。
SELECT s.id AS statement_id FROM (
    SELECT x.id, x.merchant_id, x.payee_id, x.kind, x.previous_id,
        row_number() OVER (PARTITION BY x.merchant_id, x.payee_id, x.kind, x.previous_id ORDER BY x.id) AS place,
        min(x.id) OVER (PARTITION BY x.merchant_id, x.payee_id, x.kind) AS first_id
    FROM settlement_statement x WHERE {merchant x.merchant_id}) s
LEFT JOIN settlement_statement p ON p.id = s.previous_id
WHERE s.place > 1 OR (s.previous_id IS NULL) <> (s.id = s.first_id)
   OR p.id >= s.id OR (p.merchant_id, p.payee_id, p.kind) <> (s.merchant_id, s.payee_id, s.kind);

-- area: payouts | Payouts | 打款

-- name: payouts_equal_their_statements
-- en: A payout is the sum of the statements it was made for, and as long as it stands they and no others name it.
-- zh: 打款金额等于它所付结算单之和；打款有效期间，恰好这些结算单指向它。
SELECT p.id AS payout_id FROM settlement_payout p
LEFT JOIN (SELECT i.payout_id, sum(i.amount_fen) AS fen, count(*) AS items,
               count(*) FILTER (WHERE s.payout_id = i.payout_id AND s.amount_fen = i.amount_fen) AS standing
           FROM settlement_payoutitem i JOIN settlement_statement s ON s.id = i.statement_id
           WHERE {merchant i.merchant_id} GROUP BY i.payout_id) i ON i.payout_id = p.id
LEFT JOIN (SELECT s.payout_id, count(*) AS named FROM settlement_statement s
           WHERE {merchant s.merchant_id} AND s.payout_id IS NOT NULL GROUP BY s.payout_id) s ON s.payout_id = p.id
WHERE {merchant p.merchant_id} AND (p.amount_fen IS DISTINCT FROM i.fen::bigint OR
    CASE WHEN p.state IN ('failed', 'dropped') THEN s.named IS NOT NULL
         ELSE i.standing <> i.items OR s.named IS DISTINCT FROM i.items END);

-- name: a_statement_is_in_one_standing_payout
-- en: A statement is in at most one payout that stands, and is paid exactly when that one was paid.
-- zh: 一张结算单最多属于一笔有效打款，且只有在该笔打款成功后才算已打款。
SELECT s.id AS statement_id FROM settlement_statement s
LEFT JOIN (SELECT i.statement_id, count(*) AS standing, bool_or(p.state = 'paid') AS paid
           FROM settlement_payoutitem i JOIN settlement_payout p ON p.id = i.payout_id AND p.state NOT IN ('failed', 'dropped')
           WHERE {merchant i.merchant_id} GROUP BY i.statement_id) x ON x.statement_id = s.id
WHERE {merchant s.merchant_id} AND (x.standing > 1 OR (s.state = 'paid') <> COALESCE(x.paid, false));

-- name: payouts_agree_with_the_books
-- en: The books put aside each approved payout from its payee's account, and gave it to the bank or back, once and to the fen.
-- zh: 每笔已批准的打款都从收款方账户划出，并恰好一次、分毫不差地划给银行或退回。
WITH moved AS (
    SELECT t.journal_id, count(*) AS transfers, min(t.amount_fen) AS fen, min(d.kind) AS debit, min(d.owner_id) AS debit_owner,
        min(c.kind) AS credit, min(c.owner_id) AS credit_owner
    FROM ledger_transfer t JOIN ledger_journal j ON j.id = t.journal_id AND j.kind IN ('payout_hold', 'payout', 'payout_void')
    JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
    WHERE {merchant t.merchant_id} GROUP BY t.journal_id),
wanted AS (
    SELECT p.id, p.hold_id AS journal_id, p.amount_fen, k.account AS debit, 'payout_held' AS credit, p.payee_id AS debit_owner,
        p.payee_id AS credit_owner, p.state NOT IN ('proposed', 'dropped') AS is_wanted
    FROM settlement_payout p CROSS JOIN LATERAL (SELECT CASE p.kind WHEN 'merchant' THEN 'merchant_payable'
        WHEN 'provider' THEN 'service_fee' WHEN 'station' THEN 'station_share' ELSE 'commission' END AS account) k
    WHERE {merchant p.merchant_id}
    UNION ALL
    SELECT p.id, p.result_id, p.amount_fen, 'payout_held', CASE p.state WHEN 'paid' THEN 'bank' ELSE k.account END, p.payee_id,
        CASE p.state WHEN 'failed' THEN p.payee_id END, p.state IN ('paid', 'failed')
    FROM settlement_payout p CROSS JOIN LATERAL (SELECT CASE p.kind WHEN 'merchant' THEN 'merchant_payable'
        WHEN 'provider' THEN 'service_fee' WHEN 'station' THEN 'station_share' ELSE 'commission' END AS account) k
    WHERE {merchant p.merchant_id})
SELECT w.id AS payout_id, m.journal_id FROM (SELECT * FROM wanted x WHERE x.is_wanted OR x.journal_id IS NOT NULL) w
FULL JOIN moved m ON m.journal_id = w.journal_id
WHERE w.id IS NULL OR m.journal_id IS NULL OR NOT w.is_wanted OR m.transfers <> 1
   OR (m.fen, m.debit, m.credit, m.debit_owner) <> (w.amount_fen, w.debit, w.credit, w.debit_owner)
   OR w.credit_owner <> m.credit_owner;

-- name: held_equals_payouts_under_way
-- en: What the books keep aside for a payee is the sum of his payouts under way, and what left the bank is the sum of those paid.
-- zh: 账簿中为收款方预留的金额等于其进行中的打款之和，银行转出的金额等于已成功打款之和。
SELECT COALESCE(a.merchant_id, p.merchant_id) AS merchant_id, COALESCE(a.payee_id, p.payee_id) AS payee_id FROM (
    SELECT x.merchant_id, x.kind, CASE x.kind WHEN 'payout_held' THEN x.owner_id END AS payee_id,
        sum(b.credits_fen - b.debits_fen) AS fen
    FROM ledger_account x JOIN ledger_balance b ON b.account_id = x.id
    WHERE {merchant x.merchant_id} AND x.kind IN ('payout_held', 'bank') GROUP BY 1, 2, 3) a
FULL JOIN (
    SELECT y.merchant_id, CASE y.state WHEN 'paid' THEN 'bank' ELSE 'payout_held' END AS kind,
        CASE WHEN y.state <> 'paid' THEN y.payee_id END AS payee_id, sum(y.amount_fen) AS fen
    FROM settlement_payout y WHERE {merchant y.merchant_id} AND y.state IN ('approved', 'sent', 'paid')
    GROUP BY 1, 2, 3) p
  ON p.merchant_id = a.merchant_id AND p.kind = a.kind AND COALESCE(p.payee_id, 0) = COALESCE(a.payee_id, 0)
WHERE COALESCE(a.fen, 0) <> COALESCE(p.fen, 0);

-- name: no_payout_to_an_account_not_in_effect
-- en: Every payout goes to an account of its own payee that was in effect when it was proposed.
-- zh: 每笔打款都打到该收款方自己的账户，且该账户在提出打款时已经生效。
SELECT p.id AS payout_id FROM settlement_payout p JOIN settlement_bankaccount b ON b.id = p.account_id
WHERE {merchant p.merchant_id}
  AND (b.payee_id <> p.payee_id OR b.active_from > p.created_at OR b.cancelled_at IS NOT NULL);

-- name: two_people_let_money_go
-- en: Nobody approved a payout he proposed himself, and none is under way that nobody approved.
-- zh: 没有人批准自己提出的打款，也没有未经批准就在途的打款。
SELECT p.id AS payout_id FROM settlement_payout p JOIN settlement_payoutbatch b ON b.id = p.batch_id
WHERE {merchant p.merchant_id} AND p.state IN ('approved', 'sent', 'paid', 'failed')
  AND (b.approved_by_id IS NULL OR b.approved_by_id = b.proposed_by_id);

-- area: tenancy | Each merchant's own | 商户之间互不相混

-- name: payouts_stay_with_their_merchant
-- en: A payout, its journals and the statements it pays belong to one merchant's book.
-- zh: 打款、其分录和所付的结算单同属一个商户的账簿。
SELECT p.id AS payout_id FROM settlement_payout p
LEFT JOIN ledger_journal h ON h.id = p.hold_id
LEFT JOIN ledger_journal r ON r.id = p.result_id
LEFT JOIN settlement_payoutitem i ON i.payout_id = p.id
LEFT JOIN settlement_statement s ON s.id = i.statement_id
WHERE {merchant p.merchant_id} AND (h.merchant_id <> p.merchant_id OR r.merchant_id <> p.merchant_id
    OR i.merchant_id <> p.merchant_id OR s.merchant_id <> p.merchant_id);

-- name: objections_are_to_lines_of_their_statement
-- en: An objection is to a line that stands in its statement, in the same merchant's book.
-- zh: 异议针对的明细就在该结算单里，且同属一个商户的账簿。
SELECT o.id AS objection_id FROM settlement_objection o
JOIN settlement_statement s ON s.id = o.statement_id
JOIN settlement_settlementline l ON l.id = o.line_id
WHERE {merchant o.merchant_id} AND (s.merchant_id <> o.merchant_id OR l.merchant_id <> o.merchant_id
    OR s.id IS DISTINCT FROM CASE s.kind WHEN 'merchant' THEN l.statement_id WHEN 'provider' THEN l.service_statement_id
        WHEN 'station' THEN l.station_statement_id ELSE l.commission_statement_id END);

-- name: lines_stay_with_their_merchant
-- en: A settlement line belongs to the merchant of its redemption or refund, coupon, deal, store, run and statements.
-- zh: 结算明细与其核销或退款、券、套餐、门店、结算批次和结算单同属一个商户。
SELECT l.id AS line_id FROM settlement_settlementline l
JOIN coupons_coupon c ON c.id = l.coupon_id
JOIN coupons_deal d ON d.id = l.deal_id
JOIN merchants_store o ON o.id = l.store_id
JOIN settlement_settlementbatch b ON b.id = l.batch_id
LEFT JOIN coupons_redemption r ON r.id = l.redemption_id
LEFT JOIN coupons_refund f ON f.id = l.refund_id
WHERE {merchant l.merchant_id} AND (r.merchant_id <> l.merchant_id OR f.merchant_id <> l.merchant_id
    OR c.merchant_id <> l.merchant_id OR d.merchant_id <> l.merchant_id OR o.merchant_id <> l.merchant_id
    OR b.merchant_id <> l.merchant_id OR EXISTS (SELECT FROM settlement_statement s WHERE s.merchant_id <> l.merchant_id
        AND s.id IN (l.statement_id, l.service_statement_id, l.station_statement_id, l.commission_statement_id)));

-- name: runs_stay_in_their_book
-- en: The journal of a settlement run is in the book of the run's merchant.
-- zh: 结算批次的分录记在该商户自己的账簿里。
SELECT b.id AS batch_id FROM settlement_settlementbatch b JOIN ledger_journal j ON j.id = b.journal_id
WHERE {merchant b.merchant_id} AND j.merchant_id <> b.merchant_id;

-- name: no_statement_of_a_shadow_shop
-- en: Nothing of a rehearsal is ever in a statement.
-- zh: 彩排产生的数据不会进入任何结算单。
SELECT s.id AS statement_id FROM settlement_statement s JOIN merchants_merchant m ON m.party_id = s.merchant_id
WHERE {merchant s.merchant_id} AND m.shadow_of_id IS NOT NULL;

-- area: reconciliation | Reconciliation | 对账

-- name: bills_equal_their_entries
-- en: A provider's bill says the number and sum of its payments and refunds, and its entries are exactly those, each inside its days.
-- zh: 支付渠道账单的付款、退款笔数和金额等于其明细之和，且明细都在账单的日期之内。
SELECT b.id AS bill_id FROM settlement_providerbill b
LEFT JOIN (SELECT e.bill_id, count(*) FILTER (WHERE e.kind = 'payment') AS payments,
        COALESCE(sum(e.amount_fen) FILTER (WHERE e.kind = 'payment'), 0) AS payments_fen,
        count(*) FILTER (WHERE e.kind = 'refund') AS refunds,
        COALESCE(sum(e.amount_fen) FILTER (WHERE e.kind = 'refund'), 0) AS refunds_fen,
        min(e.business_date) AS first_day, max(e.business_date) AS last_day
    FROM settlement_billentry e WHERE {merchant e.merchant_id} GROUP BY e.bill_id) t ON t.bill_id = b.id
WHERE {merchant b.merchant_id}
  AND ((b.payments_count, b.payments_fen, b.refunds_count, b.refunds_fen) IS DISTINCT FROM
       (COALESCE(t.payments, 0)::int, COALESCE(t.payments_fen, 0)::bigint, COALESCE(t.refunds, 0)::int,
        COALESCE(t.refunds_fen, 0)::bigint)
       OR t.first_day < b.first_day OR t.last_day > b.last_day);

-- name: no_day_is_billed_twice
-- en: Of the bills that stand, no two of one provider cover the same day of a merchant.
-- zh: 同一商户、同一支付渠道，有效账单的日期互不重叠。
SELECT b.id AS bill_id FROM settlement_providerbill b
JOIN settlement_providerbill o ON o.merchant_id = b.merchant_id AND o.provider = b.provider AND o.id > b.id
    AND o.replaced_by_id IS NULL AND o.first_day <= b.last_day AND o.last_day >= b.first_day
WHERE {merchant b.merchant_id} AND b.replaced_by_id IS NULL;

-- name: adjustments_book_their_break
-- en: Every adjusted difference has one entry of the ledger, which moves exactly that difference; no other entry adjusts anything.
-- zh: 每条已调账的差异都有且只有一笔账簿分录，金额正好是该差异；没有其他调账分录。
SELECT COALESCE(j.id, b.journal_id) AS journal_id
FROM (SELECT x.id, sum(CASE WHEN d.kind = 'psp_clearing' THEN t.amount_fen ELSE -t.amount_fen END) AS fen,
        count(*) FILTER (WHERE (d.kind, c.kind) NOT IN (('psp_clearing', 'differences'), ('differences', 'psp_clearing'))) AS others
      FROM ledger_journal x JOIN ledger_transfer t ON t.journal_id = x.id
      JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
      WHERE {merchant x.merchant_id} AND x.kind = 'adjustment' GROUP BY x.id) j
FULL JOIN (SELECT x.journal_id, x.clearing_fen FROM settlement_break x
           WHERE {merchant x.merchant_id} AND x.journal_id IS NOT NULL) b ON b.journal_id = j.id
WHERE j.fen IS DISTINCT FROM b.clearing_fen OR j.others > 0;

-- area: tenancy | Each merchant's own | 商户之间互不相混

-- name: reconciliation_stays_with_its_merchant
-- en: Bills, their entries, uploads and differences belong to the merchant of all they name.
-- zh: 账单、账单明细、上传的文件和差异，与它们所指的一切同属一个商户。
SELECT 'bill' AS noun, b.id FROM settlement_providerbill b JOIN settlement_providerbill r ON r.id = b.replaced_by_id
    WHERE {merchant b.merchant_id} AND r.merchant_id <> b.merchant_id
UNION ALL SELECT 'entry', e.id FROM settlement_billentry e JOIN settlement_providerbill b ON b.id = e.bill_id
    WHERE {merchant e.merchant_id} AND b.merchant_id <> e.merchant_id
UNION ALL SELECT 'upload', u.id FROM settlement_billupload u JOIN settlement_providerbill b ON b.id = u.bill_id
    WHERE {merchant u.merchant_id} AND b.merchant_id <> u.merchant_id
UNION ALL SELECT 'break', k.id FROM settlement_break k JOIN settlement_reconciliationrun r ON r.id = k.run_id
    LEFT JOIN coupons_payment p ON p.id = k.payment_id LEFT JOIN coupons_order o ON o.id = k.order_id
    LEFT JOIN settlement_billentry e ON e.id = k.entry_id LEFT JOIN ledger_journal j ON j.id = k.journal_id
    WHERE {merchant k.merchant_id} AND (r.merchant_id <> k.merchant_id OR r.day <> k.day OR p.merchant_id <> k.merchant_id
        OR o.merchant_id <> k.merchant_id OR e.merchant_id <> k.merchant_id OR j.merchant_id <> k.merchant_id);
