-- Writes down what became of tries: a line of the log for each, and the delivery's state. What was delivered is
-- delivered, whoever claims it by now; a failure counts only while our claim stands.
-- params: tenant_id uuid, ids uuid[], ats timestamptz[], statuses int[], errors text[], responses text[],
--         durations int[], next_ats timestamptz[], claimed_until timestamptz
--         (arrays of one length; next_ats: when to try again, null for never)
-- returns: nothing
-- locks: the deliveries in order of id; writes: webhook_deliveries, webhook_attempts
WITH tried AS (
    SELECT d.id, given.at, given.status, given.error, given.response, given.duration, given.next_at,
           COALESCE(given.status BETWEEN 200 AND 299, false) AS is_success,
           d.next_attempt_at = %(claimed_until)s::timestamptz AS is_ours
    FROM webhook_deliveries d
    JOIN unnest(%(ids)s::uuid[], %(ats)s::timestamptz[], %(statuses)s::int[], %(errors)s::text[], %(responses)s::text[],
                %(durations)s::int[], %(next_ats)s::timestamptz[])
        AS given (id, at, status, error, response, duration, next_at) ON given.id = d.id
    WHERE d.tenant_id = %(tenant_id)s::uuid
    ORDER BY d.id
    FOR UPDATE OF d
), logged AS (
    INSERT INTO webhook_attempts (tenant_id, delivery_id, attempted_at, status, error, response, duration_ms)
    SELECT %(tenant_id)s::uuid, id, at, status, error, response, duration FROM tried ORDER BY at, id
)
UPDATE webhook_deliveries d
SET state = CASE WHEN tried.is_success THEN 'delivered' WHEN tried.next_at IS NULL THEN 'failed' ELSE 'pending' END,
    attempt_count = d.attempt_count + 1,
    next_attempt_at = CASE WHEN NOT tried.is_success THEN tried.next_at END,
    last_attempt_at = tried.at,
    last_status = tried.status,
    last_error = tried.error,
    last_response = tried.response,
    last_duration_ms = tried.duration,
    delivered_at = CASE WHEN tried.is_success THEN tried.at ELSE d.delivered_at END
FROM tried
WHERE d.id = tried.id AND (tried.is_success OR tried.is_ours)
