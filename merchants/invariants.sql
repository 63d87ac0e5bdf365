-- Shops and their people.

-- area: access | People and access | 人员与权限

-- name: posts_and_grants_agree
-- en: Whoever works for a merchant has access exactly by his post, in that role, and whoever left has none.
-- zh: 在职员工按其岗位持有对应角色的权限，离职员工没有任何权限。
SELECT COALESCE(p.merchant_id, g.party_id) AS merchant_id, COALESCE(p.user_id, g.user_id) AS user_id
FROM (SELECT m.merchant_id, m.user_id, m.role FROM merchants_membership m
      WHERE m.is_active AND {merchant m.merchant_id}) p
FULL JOIN (SELECT i.party_id, i.user_id, i.role FROM identity_grant i
           WHERE i.why = 'membership' AND i.valid_until IS NULL AND {merchant i.party_id}) g
  ON g.party_id = p.merchant_id AND g.user_id = p.user_id
WHERE p.role IS DISTINCT FROM g.role;

-- name: a_clerk_has_a_store
-- en: A clerk's access names the stores he works in; it is never for all of them.
-- zh: 店员的权限必须限定到具体门店，不能是全部门店。
SELECT g.id AS grant_id FROM identity_grant g
WHERE {merchant g.party_id} AND g.role = 'clerk' AND g.why = 'membership' AND g.valid_until IS NULL
  AND COALESCE(cardinality(g.store_ids), 0) = 0;

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
    WHERE {merchant g.party_id} AND g.why = 'membership' AND s.merchant_id IS DISTINCT FROM g.party_id;

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
