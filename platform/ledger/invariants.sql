-- The books.

-- area: ledger | Ledger | 账簿

-- name: debits_equal_credits
-- en: In every merchant's book all debits together equal all credits.
-- zh: 每个商户的账簿中，借方合计等于贷方合计。
SELECT b.merchant_id FROM ledger_balance b WHERE {merchant b.merchant_id}
GROUP BY b.merchant_id HAVING sum(b.debits_fen) <> sum(b.credits_fen);

-- name: balances_equal_transfers
-- en: The balance of every account is the sum of the transfers that name it.
-- zh: 每个账户的余额等于涉及该账户的全部转账之和。
SELECT COALESCE(b.account_id, t.account_id) AS account_id
FROM (SELECT * FROM ledger_balance x WHERE {merchant x.merchant_id}) b
FULL JOIN (
    SELECT s.account_id, sum(s.debit) AS debits, sum(s.credit) AS credits FROM (
        SELECT x.debit_account_id AS account_id, x.amount_fen AS debit, 0 AS credit
            FROM ledger_transfer x WHERE {merchant x.merchant_id}
        UNION ALL SELECT x.credit_account_id, 0, x.amount_fen FROM ledger_transfer x WHERE {merchant x.merchant_id}) s
    GROUP BY s.account_id) t ON t.account_id = b.account_id
WHERE b.debits_fen IS DISTINCT FROM COALESCE(t.debits, 0) OR b.credits_fen IS DISTINCT FROM COALESCE(t.credits, 0);

-- name: every_account_has_a_balance
-- en: Every account has its balance, in the same book and with the same bound.
-- zh: 每个账户都有余额记录，且账簿归属和余额限制与账户一致。
SELECT a.id AS account_id FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE {merchant a.merchant_id} AND (b.merchant_id, b.bound) IS DISTINCT FROM (a.merchant_id, a.bound);

-- name: no_empty_journal
-- en: Every journal moves money: it has at least one transfer.
-- zh: 每笔分录都至少包含一条转账，没有空分录。
SELECT j.id AS journal_id FROM ledger_journal j
WHERE {merchant j.merchant_id} AND NOT EXISTS (SELECT FROM ledger_transfer t WHERE t.journal_id = j.id);

-- name: transfers_move_a_positive_amount
-- en: Every transfer moves more than nothing, between two different accounts.
-- zh: 每条转账的金额都大于零，且在两个不同账户之间。
SELECT t.id AS transfer_id FROM ledger_transfer t
WHERE {merchant t.merchant_id} AND (t.amount_fen <= 0 OR t.debit_account_id = t.credit_account_id);

-- name: bounds_hold
-- en: What was sold and not used is never overdrawn, and no more leaves the payment provider's account than came in.
-- zh: 已售未用的预收款不会透支，支付渠道账户转出的钱不会多于转入的钱。
SELECT b.account_id FROM ledger_balance b
WHERE {merchant b.merchant_id}
  AND ((b.bound = 'D' AND b.debits_fen > b.credits_fen) OR (b.bound = 'C' AND b.credits_fen > b.debits_fen));

-- area: tenancy | Each merchant's own | 商户之间互不相混

-- name: transfers_stay_in_their_book
-- en: A transfer, its journal and both its accounts belong to one merchant's book and one currency.
-- zh: 一条转账与它的分录、借贷两个账户同属一个商户的账簿，币种相同。
SELECT t.id AS transfer_id FROM ledger_transfer t
LEFT JOIN ledger_journal j ON j.id = t.journal_id
LEFT JOIN ledger_account d ON d.id = t.debit_account_id
LEFT JOIN ledger_account c ON c.id = t.credit_account_id
WHERE {merchant t.merchant_id}
  AND (j.merchant_id, d.merchant_id, c.merchant_id, d.currency, c.currency)
      IS DISTINCT FROM (t.merchant_id, t.merchant_id, t.merchant_id, t.currency, t.currency);

-- name: a_reversal_stays_in_its_book
-- en: A journal that takes back another belongs to the same merchant's book.
-- zh: 冲正分录与被冲正的分录同属一个商户的账簿。
SELECT j.id AS journal_id FROM ledger_journal j JOIN ledger_journal r ON r.id = j.reverses_id
WHERE {merchant j.merchant_id} AND r.merchant_id <> j.merchant_id;
