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

-- area: stations | City stations | 城市站点

-- name: serving_posts_and_grants_agree
-- en: Whoever works for a provider or a station has access there exactly by his post, and whoever left has none.
-- zh: 服务商和站点的在职人员按岗位持有权限，离职人员没有任何权限。
SELECT COALESCE(p.party_id, g.party_id) AS party_id, COALESCE(p.user_id, g.user_id) AS user_id
FROM (SELECT m.provider_id AS party_id, m.user_id, m.role FROM providers_providermembership m WHERE m.is_active
      UNION ALL SELECT s.station_id, s.user_id, s.role FROM providers_stationmembership s WHERE s.is_active) p
FULL JOIN (SELECT i.party_id, i.user_id, i.role FROM identity_grant i JOIN identity_party o ON o.id = i.party_id
           WHERE o.kind IN ('provider', 'station') AND i.why = 'membership' AND i.valid_until IS NULL) g
  ON g.party_id = p.party_id AND g.user_id = p.user_id
WHERE p.role IS DISTINCT FROM g.role;

-- name: a_station_opens_trained
-- en: A station that opened had passed every point of the training its provider asked for then.
-- zh: 已开业的站点都通过了服务商当时要求的全部培训项。
SELECT s.party_id AS station_id, i.id AS item_id FROM providers_station s
JOIN providers_trainingitem i ON i.provider_id = s.provider_id AND i.created_at <= s.opened_at
    AND (i.retired_at IS NULL OR i.retired_at > s.opened_at)
WHERE NOT EXISTS (SELECT FROM providers_trainingcompletion c
    WHERE c.station_id = s.party_id AND c.item_id = i.id AND c.passed_at <= s.opened_at);

-- name: one_trade_of_a_place_has_one_station
-- en: No trade of an area is held twice at once among one provider's stations, and a territory is of its station's provider.
-- zh: 同一服务商的同一区域同一行业同一时间只归一个站点，且辖区与站点同属一个服务商。
SELECT a.id AS territory_id, b.id AS other_id FROM providers_stationterritory a
JOIN providers_stationterritory b ON b.id > a.id AND b.provider_id = a.provider_id AND b.category = a.category
    AND b.area && a.area AND b.period && a.period
UNION ALL
SELECT t.id, NULL FROM providers_stationterritory t JOIN providers_station s ON s.party_id = t.station_id
WHERE s.provider_id <> t.provider_id;

-- name: open_stations_look_after_shops
-- en: A shop is looked after by an open station only; one that closed looks after none and holds no territory.
-- zh: 只有营业中的站点在服务商户；已关闭的站点不再服务商户，也不持有辖区。
SELECT m.id FROM providers_stationmerchant m JOIN providers_station s ON s.party_id = m.station_id
WHERE {merchant m.merchant_id} AND m.state = 'active'
  AND (s.state <> 'open' OR EXISTS (SELECT FROM providers_stationmerchant o
      WHERE o.merchant_id = m.merchant_id AND o.state = 'active' AND o.id <> m.id));
