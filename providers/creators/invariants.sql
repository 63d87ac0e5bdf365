-- Creators, the tasks they choose, the places they take and what is sold by their links.

-- area: creators | Creators and tasks | 达人与任务

-- name: creator_rows_stay_in_one_shop
-- en: A task's deal and store belong to its merchant, and a claim to the merchant of its task.
-- zh: 任务的套餐和门店属于发布它的商户，领取记录和它的任务属于同一个商户。
SELECT t.id FROM creators_creatortask t JOIN coupons_deal d ON d.id = t.deal_id JOIN merchants_store s ON s.id = t.store_id
WHERE {merchant t.merchant_id} AND (d.merchant_id <> t.merchant_id OR s.merchant_id <> t.merchant_id)
UNION ALL
SELECT c.id FROM creators_taskclaim c JOIN creators_creatortask t ON t.id = c.task_id
WHERE {merchant c.merchant_id} AND t.merchant_id <> c.merchant_id;

-- name: places_taken_are_claims_that_hold_one
-- en: A task counts as taken exactly the places its claims hold, never more than there are.
-- zh: 任务已占名额等于仍占名额的领取数，且从不超过名额总数。
SELECT t.id AS task_id FROM creators_creatortask t
WHERE {merchant t.merchant_id}
  AND (t.taken > t.quota OR t.taken <> (SELECT count(*) FROM creators_taskclaim c WHERE c.task_id = t.id
    AND c.state IN ('claimed', 'approved', 'visited', 'submitted', 'returned', 'accepted')));

-- name: links_pay_the_creator_of_their_claim
-- en: A link of a claim sells the deal of its task and pays that claim's creator the commission the place was taken for.
-- zh: 领取所生成的链接只卖该任务的套餐，佣金按领取时的比例归该达人。
SELECT p.id AS placement_id FROM coupons_placement p
LEFT JOIN creators_taskclaim c ON c.id = substring(p.rule FROM '^claim:([0-9]{1,18})$')::bigint
LEFT JOIN creators_creatortask t ON t.id = c.task_id
WHERE {merchant p.merchant_id} AND p.rule LIKE 'claim:%'
  AND (c.id IS NULL OR c.approved_at IS NULL OR p.merchant_id <> c.merchant_id OR p.deal_id <> t.deal_id
    OR p.payee_id <> c.creator_id OR p.commission_bps <> c.commission_bps);

-- name: links_are_open_while_their_claim_holds
-- en: The links of a claim are open exactly while its creator has a place in a task that goes on.
-- zh: 达人仍占名额且任务未结束时，他的链接才有效。
SELECT p.id AS placement_id FROM coupons_placement p
JOIN creators_taskclaim c ON p.rule = 'claim:' || c.id JOIN creators_creatortask t ON t.id = c.task_id
WHERE {merchant p.merchant_id}
  AND (p.closed_at IS NULL) <> (c.ended_at IS NULL AND t.state <> 'ended');

-- name: orders_count_for_whoever_brought_them
-- en: An order by a creator's link carries the commission of that link's payee and rule, and no other order carries one of a claim.
-- zh: 由达人链接带来的订单，其佣金收款方和归属规则与该链接一致；其他订单不带领取佣金。
SELECT o.id AS order_id FROM coupons_placement p JOIN coupons_order o ON o.placement_id = p.id
LEFT JOIN coupons_ordershare s ON s.order_id = o.id AND s.kind = 'commission'
WHERE {merchant p.merchant_id} AND p.rule LIKE 'claim:%' AND (p.payee_id IS DISTINCT FROM s.payee_id OR p.rule <> s.rule)
UNION ALL
SELECT o.id FROM coupons_ordershare s JOIN coupons_order o ON o.id = s.order_id
LEFT JOIN coupons_placement p ON p.id = o.placement_id
WHERE {merchant s.merchant_id} AND s.rule LIKE 'claim:%' AND p.rule IS NULL;

-- name: exclusive_rights_never_overlap
-- en: Of one merchant's exclusive rights in force no two cover the same deal in the same area at the same time.
-- zh: 同一商户生效中的独家权，不会有两项同时覆盖同一套餐的同一区域。
SELECT a.id AS exclusivity_id, b.id AS other_id FROM creators_exclusivity a
JOIN creators_exclusivity b ON b.merchant_id = a.merchant_id AND b.id > a.id AND b.state = 'in_force'
    AND b.area && a.area AND b.period && a.period
    AND (a.deal_id IS NULL OR b.deal_id IS NULL OR a.deal_id = b.deal_id)
WHERE {merchant a.merchant_id} AND a.state = 'in_force';

-- name: exclusive_rights_are_of_their_shop
-- en: An exclusive right names a deal of its own merchant, or none.
-- zh: 独家权所指的套餐属于本商户（或不指定套餐）。
SELECT x.id AS exclusivity_id FROM creators_exclusivity x JOIN coupons_deal d ON d.id = x.deal_id
WHERE {merchant x.merchant_id} AND d.merchant_id <> x.merchant_id;

-- name: exclusive_rights_have_holders
-- en: An exclusive right in force has a holder, each a provider or a creator, and its merchant's consent.
-- zh: 生效中的独家权都有专属方（服务商或达人），并经商户同意。
SELECT x.id AS exclusivity_id FROM creators_exclusivity x
WHERE {merchant x.merchant_id} AND x.state = 'in_force'
  AND (x.answered_by_id IS NULL
    OR NOT EXISTS (SELECT FROM creators_exclusivity_holders h WHERE h.exclusivity_id = x.id)
    OR EXISTS (SELECT FROM creators_exclusivity_holders h JOIN identity_party p ON p.id = h.party_id
        WHERE h.exclusivity_id = x.id AND p.kind NOT IN ('provider', 'creator')));
