-- Who is who and who may do what.

-- area: access | People and access | 人员与权限

-- name: one_platform
-- en: There is one platform at most, so that its fees go to one account per book.
-- zh: 平台主体最多只有一个，平台服务费才会记在同一个账户里。
SELECT p.id AS party_id FROM identity_party p
WHERE p.kind = 'platform' AND p.id <> (SELECT min(q.id) FROM identity_party q WHERE q.kind = 'platform');

-- name: one_open_grant_per_post
-- en: A person has one open grant at most for the same post at the same party: ending the post ends all access.
-- zh: 同一人在同一主体、同一缘由下最多只有一条有效授权，离职时收回的就是全部权限。
SELECT min(g.id) AS grant_id, g.user_id, g.party_id FROM identity_grant g
WHERE {merchant g.party_id} AND g.valid_until IS NULL
GROUP BY g.user_id, g.party_id, g.why HAVING count(*) > 1;
