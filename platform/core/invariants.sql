-- The works: jobs and repeated requests. See platform/core/invariants/catalogue.py for how this file is read.

-- area: works | Jobs and requests | 任务与请求

-- name: done_jobs_have_their_time
-- en: A job is marked done exactly when it has the moment it was done.
-- zh: 任务标记为已完成时必有完成时间，未完成的没有。
SELECT j.id AS job_id FROM core_job j
WHERE {merchant j.merchant_id} AND (j.state = 'done') <> (j.done_at IS NOT NULL);

-- name: a_job_gives_up_only_after_its_tries
-- en: A job gives up only after five attempts, and a waiting one has had at most five.
-- zh: 任务试满五次才会放弃，等待中的任务最多试过五次。
SELECT j.id AS job_id FROM core_job j
WHERE {merchant j.merchant_id} AND j.state <> 'done' AND (j.attempts > 5 OR (j.state = 'dead' AND j.attempts < 5));

-- name: every_kept_request_has_its_answer
-- en: A request kept against being repeated also has the answer that a repeat will get.
-- zh: 为防重复而记录的请求，都存有重复请求时要返回的答复。
SELECT k.id AS idempotency_key_id FROM core_idempotencykey k WHERE k.status IS NULL;
