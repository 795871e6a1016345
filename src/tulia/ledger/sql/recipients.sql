-- People of a campaign with what happened to each, in order of the customer's id, from a place on. Two branches, of which
-- the planner drops one, so that each reads in the order of the unique index and stops when it has enough. Those who failed
-- have an index of their own, for which the marked places name what they have in common (queries.page).
-- params: tenant_id uuid, campaign_id uuid, states smallint[] (null: any), reason text (null: any),
--         beyond uuid (null: from the start), is_backward boolean, batch int
-- returns: customer_id, external_id, name, phone, arm, state, reason, attempts, due_at, accepted_at, sent_at,
--          delivered_at, read_at, failed_at, replied_at, converted_at, message_id, failure_kind, failure_code, cost_micros,
--          clicked_at
WITH there_are AS MATERIALIZED (
    -- The sums know whether there is anybody to look for: else the whole campaign would be read for an empty page.
    SELECT EXISTS (
        SELECT FROM ledger_tallies t
        WHERE t.tenant_id = %(tenant_id)s::uuid AND t.campaign_id = %(campaign_id)s::uuid AND t.people > 0
          AND (%(states)s::smallint[] IS NULL OR t.state = ANY (%(states)s::smallint[]))
          AND (%(reason)s::text IS NULL OR t.reason = %(reason)s::text OR t.failure_kind = %(reason)s::text
               OR t.failure_code = %(reason)s::text)
    ) AS is_anybody
), wanted AS (
    (
        SELECT r.*
        FROM ledger_recipients r
        WHERE NOT %(is_backward)s::boolean AND (SELECT is_anybody FROM there_are)
          AND r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
          AND (%(states)s::smallint[] IS NULL OR r.state = ANY (%(states)s::smallint[]))
          AND (%(reason)s::text IS NULL OR r.reason = %(reason)s::text OR r.failure_kind = %(reason)s::text
               OR r.failure_code = %(reason)s::text)
          /*narrowed*/
          AND (%(beyond)s::uuid IS NULL OR r.customer_id > %(beyond)s::uuid)
        ORDER BY r.customer_id
        LIMIT %(batch)s::int
    )
    UNION ALL
    (
        SELECT r.*
        FROM ledger_recipients r
        WHERE %(is_backward)s::boolean AND (SELECT is_anybody FROM there_are)
          AND r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
          AND (%(states)s::smallint[] IS NULL OR r.state = ANY (%(states)s::smallint[]))
          AND (%(reason)s::text IS NULL OR r.reason = %(reason)s::text OR r.failure_kind = %(reason)s::text
               OR r.failure_code = %(reason)s::text)
          /*narrowed*/
          AND (%(beyond)s::uuid IS NULL OR r.customer_id < %(beyond)s::uuid)
        ORDER BY r.customer_id DESC
        LIMIT %(batch)s::int
    )
)
SELECT r.customer_id, c.external_id, c.name, c.phone, r.arm, r.state, r.reason, r.attempts,
       NULLIF(r.due_at, timestamptz '9999-12-31 00:00Z'), r.accepted_at,
       r.sent_at, r.delivered_at, r.read_at, r.failed_at, r.replied_at, r.converted_at, r.message_id, r.failure_kind,
       r.failure_code, CASE r.state WHEN 30 THEN 0 ELSE r.cost_micros END, r.clicked_at
FROM wanted r
LEFT JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = r.customer_id
ORDER BY CASE WHEN %(is_backward)s::boolean THEN r.customer_id END DESC,
         CASE WHEN NOT %(is_backward)s::boolean THEN r.customer_id END
