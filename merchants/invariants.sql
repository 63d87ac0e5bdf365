-- Shops and their people.

-- area: access | People and access | 人员与权限

-- name: posts_and_grants_agree
-- en: Whoever works for a merchant has access exactly by his post, in that role, and whoever left has none.
-- zh: 在职员工按其岗位持有对应角色的权限，离职员工没有任何权限。
SELECT COALESCE(p.merchant_id, g.party_id) AS merchant_id, COALESCE(p.user_id, g.user_id) AS user_id
FROM (SELECT m.merchant_id, m.user_id, m.role FROM merchants_membership m
      WHERE m.is_active AND {merchant m.merchant_id}) p
FULL JOIN (SELECT i.party_id, i.user_id, i.role FROM identity_grant i
           JOIN merchants_merchant o ON o.party_id = i.party_id
           WHERE i.why = 'membership' AND i.valid_until IS NULL AND {merchant i.party_id}) g
  ON g.party_id = p.merchant_id AND g.user_id = p.user_id
WHERE p.role IS DISTINCT FROM g.role;

-- name: a_clerk_has_a_store
-- en: A clerk's access names the stores he works in; it is never for all of them.
-- zh: 店员的权限必须限定到具体门店，不能是全部门店。
SELECT g.id AS grant_id FROM identity_grant g
WHERE {merchant g.party_id} AND g.role = 'clerk' AND g.why = 'membership' AND g.valid_until IS NULL
  AND COALESCE(cardinality(g.store_ids), 0) = 0;

-- area: terms | Terms | 费率约定

-- name: one_platform_fee_is_in_force
-- en: Every merchant has exactly one platform fee in force, which each of its orders freezes.
-- zh: 每个商户有且只有一个生效的平台费率，每笔订单下单时都按它固定。
SELECT m.party_id AS merchant_id FROM merchants_merchant m
LEFT JOIN (SELECT t.merchant_id, count(*) AS fees FROM merchants_terms t
           WHERE t.kind = 'platform_fee' AND t.state = 'in_force' GROUP BY t.merchant_id) t ON t.merchant_id = m.party_id
WHERE {merchant m.party_id} AND t.fees IS DISTINCT FROM 1;

-- name: terms_in_force_are_at_most_the_whole
-- en: What a merchant agreed to give others of each use, with the largest commission, is at most the whole.
-- zh: 商户约定分给各方的比例（佣金取最高一档）合计不超过全部金额。
SELECT t.merchant_id FROM merchants_terms t WHERE {merchant t.merchant_id} AND t.state = 'in_force'
GROUP BY t.merchant_id
HAVING COALESCE(sum(t.bps) FILTER (WHERE t.kind <> 'commission'), 0)
    + COALESCE(max(t.bps) FILTER (WHERE t.kind = 'commission'), 0) > 10000;

-- name: terms_were_agreed_by_both_sides
-- en: Terms that are or were in force pay a party of the right kind, and somebody other than who proposed them agreed.
-- zh: 生效过的费率都支付给类型相符的一方，并由提出者以外的另一方同意。
SELECT t.id AS terms_id FROM merchants_terms t JOIN identity_party p ON p.id = t.payee_id
WHERE {merchant t.merchant_id} AND (p.kind <> CASE t.kind WHEN 'platform_fee' THEN 'platform' WHEN 'service_fee' THEN 'provider'
        WHEN 'station_share' THEN 'station' ELSE 'creator' END
    OR (t.in_force_at IS NOT NULL AND t.proposed_by_id IS NOT NULL
        AND (t.answered_by_id IS NULL OR t.answered_by_id = t.proposed_by_id)));

-- name: versions_of_terms_follow_each_other
-- en: The versions agreed with one party are numbered without a gap, and one ends no later than the next begins.
-- zh: 与同一方约定的费率版本号连续，上一版结束不晚于下一版生效。
SELECT t.id AS terms_id FROM (
    SELECT t.id, t.version, row_number() OVER w AS place, t.in_force_at,
        max(COALESCE(t.ended_at, CASE WHEN t.state = 'in_force' THEN 'infinity'::timestamptz END))
            OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last_ended_at
    FROM merchants_terms t WHERE {merchant t.merchant_id}
    WINDOW w AS (PARTITION BY t.merchant_id, t.kind, t.payee_id ORDER BY t.version)) t
WHERE t.version <> t.place OR t.in_force_at < t.last_ended_at;

-- area: tenancy | Each merchant's own | 商户之间互不相混

-- name: every_merchant_is_a_party_of_its_kind
-- en: Every merchant is a party registered as a merchant.
-- zh: 每个商户对应的主体类型都是商户。
SELECT m.party_id AS merchant_id FROM merchants_merchant m JOIN identity_party p ON p.id = m.party_id
WHERE {merchant m.party_id} AND p.kind <> 'merchant';

-- name: posts_name_stores_of_their_merchant
-- en: Posts, invitations and grants name stores of their own merchant only.
-- zh: 岗位、邀请和授权只涉及本商户的门店。
SELECT 'membership' AS noun, m.id FROM merchants_membership_stores l
    JOIN merchants_membership m ON m.id = l.membership_id JOIN merchants_store s ON s.id = l.store_id
    WHERE {merchant m.merchant_id} AND s.merchant_id <> m.merchant_id
UNION ALL
SELECT 'invitation', i.id FROM merchants_staffinvitation_stores l
    JOIN merchants_staffinvitation i ON i.id = l.staffinvitation_id JOIN merchants_store s ON s.id = l.store_id
    WHERE {merchant i.merchant_id} AND s.merchant_id <> i.merchant_id
UNION ALL
SELECT 'grant', g.id FROM identity_grant g CROSS JOIN LATERAL unnest(g.store_ids) n (store_id)
    LEFT JOIN merchants_store s ON s.id = n.store_id
    WHERE {merchant g.party_id} AND (g.why = 'membership' OR g.scopes <> '{}') AND s.merchant_id IS DISTINCT FROM g.party_id;

-- name: books_belong_to_a_merchant
-- en: Every ledger account, journal and audited act that names a merchant names one that exists.
-- zh: 账户、分录和操作记录所属的商户都真实存在。
SELECT 'account' AS noun, a.id FROM ledger_account a
    WHERE {merchant a.merchant_id} AND NOT EXISTS (SELECT FROM merchants_merchant m WHERE m.party_id = a.merchant_id)
UNION ALL
SELECT 'journal', j.id FROM ledger_journal j
    WHERE {merchant j.merchant_id} AND NOT EXISTS (SELECT FROM merchants_merchant m WHERE m.party_id = j.merchant_id)
UNION ALL
SELECT 'audit event', e.id FROM identity_auditevent e
    WHERE {merchant e.merchant_id} AND e.merchant_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM merchants_merchant m WHERE m.party_id = e.merchant_id);

-- name: a_shadow_is_of_a_real_merchant
-- en: A shadow shop is the shadow of a real merchant, never of itself or of another shadow.
-- zh: 影子商户对应的都是真实商户，不会是自己或另一个影子。
SELECT m.party_id AS merchant_id FROM merchants_merchant m JOIN merchants_merchant r ON r.party_id = m.shadow_of_id
WHERE {merchant m.party_id} AND (r.shadow_of_id IS NOT NULL OR r.party_id = m.party_id);
