-- Who serves merchants: what was agreed, and what may be done by it.

-- area: partners | Partners | 合作方

-- name: engagements_grant_what_they_say
-- en: Whoever acts at a merchant for its provider works there, and may do no more, and in no other stores, than the engagement in force grants.
-- zh: 代服务商操作商户店铺的人都在该服务商任职，权限和门店不超出生效合作所授予的范围。
SELECT g.id AS grant_id FROM identity_grant g
LEFT JOIN providers_engagement e ON g.why = 'engagement:' || e.id
WHERE {merchant g.party_id} AND g.valid_until IS NULL AND (g.for_party_id IS NOT NULL OR g.why LIKE 'engagement:%')
  AND (e.id IS NULL OR e.state NOT IN ('active', 'changing') OR e.merchant_id <> g.party_id
    OR e.provider_id IS DISTINCT FROM g.for_party_id OR NOT g.scopes <@ e.scopes
    OR g.store_ids IS DISTINCT FROM e.store_ids
    OR NOT EXISTS (SELECT FROM providers_providermembership m
        WHERE m.provider_id = e.provider_id AND m.user_id = g.user_id AND m.is_active));

-- name: engagements_in_force_are_at_work
-- en: Every owner and manager of a provider may do at its clients all that its engagements grant.
-- zh: 服务商的负责人和经理，在每个客户店铺都拥有合作授予的全部权限。
SELECT e.id AS engagement_id, m.user_id FROM providers_engagement e
JOIN providers_providermembership m ON m.provider_id = e.provider_id AND m.is_active AND m.role IN ('owner', 'manager')
WHERE {merchant e.merchant_id} AND e.state IN ('active', 'changing') AND e.scopes <> '{}'
  AND NOT EXISTS (SELECT FROM identity_grant g WHERE g.why = 'engagement:' || e.id AND g.user_id = m.user_id
      AND g.valid_until IS NULL AND g.scopes @> e.scopes);

-- name: a_change_waits_exactly_where_one_is_proposed
-- en: An engagement is proposed or changing exactly while an offer waits for its answer.
-- zh: 合作处于待同意或变更中，当且仅当有一份条款正等待答复。
SELECT e.id AS engagement_id FROM providers_engagement e
WHERE {merchant e.merchant_id} AND (e.state IN ('proposed', 'changing'))
  <> EXISTS (SELECT FROM providers_engagementoffer o WHERE o.engagement_id = e.id AND o.state = 'proposed');

-- name: engagements_rest_on_their_last_agreed_offer
-- en: What an engagement grants lies within the last offer both sides agreed to, and its fee is that offer's, owed to its provider.
-- zh: 合作的授权不超出双方最后同意的条款，服务费就是该条款约定的比例，且归该服务商。
SELECT e.id AS engagement_id FROM providers_engagement e
LEFT JOIN LATERAL (SELECT o.scopes, o.service_fee_bps FROM providers_engagementoffer o
    WHERE o.engagement_id = e.id AND o.state = 'agreed' ORDER BY o.version DESC LIMIT 1) o ON true
LEFT JOIN merchants_terms t ON t.id = e.terms_id
WHERE {merchant e.merchant_id} AND e.active_at IS NOT NULL
  AND (o.scopes IS NULL OR NOT e.scopes <@ o.scopes OR o.service_fee_bps <> COALESCE(t.bps, 0)
    OR (t.id IS NOT NULL AND (t.merchant_id <> e.merchant_id OR t.payee_id <> e.provider_id OR t.kind <> 'service_fee')));
