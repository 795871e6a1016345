-- Sends that were refused because the person doesn't agree: those of campaigns' runs (the newest campaign first), and
-- those that were asked for one by one; at once, in order of the run or the request.
-- params: tenant_id uuid, campaign_id uuid (null: all), customer_id uuid (null: all), reasons text[],
--         beyond_at timestamptz, beyond_campaign uuid, beyond_key uuid (null: from the newest on), is_backward boolean,
--         batch int
-- returns: ordering instant, campaign id, key, customer id, act, reason, actor, instant
WITH runs AS (
    SELECT m.id, m.audience_frozen_at AS run_at
    FROM message_campaigns m
    WHERE m.tenant_id = %(tenant_id)s::uuid AND m.audience_frozen_at IS NOT NULL
      AND (%(campaign_id)s::uuid IS NULL OR m.id = %(campaign_id)s::uuid)
      AND (%(beyond_at)s::timestamptz IS NULL
           OR CASE WHEN %(is_backward)s::boolean
                   THEN (m.audience_frozen_at, m.id) >= (%(beyond_at)s::timestamptz, %(beyond_campaign)s::uuid)
                   ELSE (m.audience_frozen_at, m.id) <= (%(beyond_at)s::timestamptz, %(beyond_campaign)s::uuid) END)
), of_runs AS (
    SELECT runs.run_at AS ordering_at, runs.id AS campaign_id, r.customer_id AS key, r.customer_id,
           'campaign' AS act, r.reason, 'system' AS actor, r.id AS recipient_id, runs.run_at AS refused_at
    FROM runs
    JOIN ledger_recipients r ON r.campaign_id = runs.id
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.state = 11 AND r.reason = ANY (%(reasons)s::text[])
      AND (%(customer_id)s::uuid IS NULL OR r.customer_id = %(customer_id)s::uuid)
), of_requests AS (
    SELECT f.refused_at AS ordering_at, f.campaign_id, f.id AS key, f.customer_id, f.act, f.reason, f.actor,
           NULL::bigint AS recipient_id, f.refused_at
    FROM consent_refusals f
    WHERE f.tenant_id = %(tenant_id)s::uuid
      AND (%(campaign_id)s::uuid IS NULL OR f.campaign_id = %(campaign_id)s::uuid)
      AND (%(customer_id)s::uuid IS NULL OR f.customer_id = %(customer_id)s::uuid)
), page AS (
    SELECT *
    FROM (SELECT * FROM of_runs UNION ALL SELECT * FROM of_requests) told
    WHERE %(beyond_at)s::timestamptz IS NULL
       OR CASE WHEN %(is_backward)s::boolean
               THEN (ordering_at, campaign_id, key)
                    > (%(beyond_at)s::timestamptz, %(beyond_campaign)s::uuid, %(beyond_key)s::uuid)
               ELSE (ordering_at, campaign_id, key)
                    < (%(beyond_at)s::timestamptz, %(beyond_campaign)s::uuid, %(beyond_key)s::uuid) END
    ORDER BY CASE WHEN %(is_backward)s::boolean THEN ordering_at END,
             CASE WHEN %(is_backward)s::boolean THEN campaign_id END,
             CASE WHEN %(is_backward)s::boolean THEN key END,
             ordering_at DESC, campaign_id DESC, key DESC
    LIMIT %(batch)s::int
)
SELECT page.ordering_at, page.campaign_id, page.key, page.customer_id, page.act, page.reason, page.actor,
       coalesce(
           (SELECT max(e.happened_at) FROM ledger_events e
            WHERE e.tenant_id = %(tenant_id)s::uuid AND e.recipient_id = page.recipient_id AND e.kind = 'skipped'),
           page.refused_at)
FROM page
ORDER BY CASE WHEN %(is_backward)s::boolean THEN page.ordering_at END,
         CASE WHEN %(is_backward)s::boolean THEN page.campaign_id END,
         CASE WHEN %(is_backward)s::boolean THEN page.key END,
         page.ordering_at DESC, page.campaign_id DESC, page.key DESC
