-- Gives people a new value of some consents, with one line of history for each that really changes. What customers say
-- of themselves gets its line also when it was so already, unless it repeats their last word: that they asked for it is
-- what an import must know. What the customer said later than %(at)s stands: a word that arrives late, or is applied
-- again, changes nothing.
-- Params:  tenant uuid, ids uuid[], phones text[] (E.164), types text[], value boolean, source text, actor text,
--          reason text, at timestamptz
-- Returns: (customer_id, consent_type) of each line of history
-- Locks:   the rows of customers that are named, in the order of their ids
-- Writes:  customers, consent_changes
WITH chosen AS MATERIALIZED (
    SELECT c.id, c.consents_transactional, c.consents_reminder, c.consents_promotional
    FROM customers c
    WHERE c.tenant_id = %(tenant)s
      AND c.deleted_at IS NULL
      AND (c.id = ANY(%(ids)s::uuid[]) OR c.phone = ANY(%(phones)s::text[]))
    ORDER BY c.id
    FOR UPDATE
),
changed AS MATERIALIZED (
    SELECT k.id, v.consent_type, v.present
    FROM chosen k
    CROSS JOIN LATERAL (
        VALUES ('transactional_messages', k.consents_transactional),
               ('reminder_messages', k.consents_reminder),
               ('promotional_messages', k.consents_promotional)
    ) v (consent_type, present)
    LEFT JOIN LATERAL (
        SELECT h.new_value AS said, h.changed_at AS said_at
        FROM consent_changes h
        WHERE h.tenant_id = %(tenant)s AND h.customer_id = k.id AND h.consent_type = v.consent_type
          AND h.source = 'customer_initiated'
        ORDER BY h.changed_at DESC, h.id DESC
        LIMIT 1
    ) last ON %(source)s::text = 'customer_initiated'
    WHERE v.consent_type = ANY(%(types)s::text[])
      AND CASE
          WHEN %(source)s::text <> 'customer_initiated' THEN v.present <> %(value)s::boolean
          ELSE (v.present <> %(value)s::boolean OR last.said IS DISTINCT FROM %(value)s::boolean)
              AND coalesce(last.said_at <= %(at)s::timestamptz, true)
              AND NOT EXISTS (
                  SELECT FROM consent_changes h
                  WHERE h.tenant_id = %(tenant)s AND h.customer_id = k.id AND h.consent_type = v.consent_type
                    AND h.source = 'customer_initiated' AND h.changed_at = %(at)s::timestamptz
                    AND h.new_value = %(value)s::boolean
              )
      END
),
written AS (
    UPDATE customers c
    SET consents_transactional = CASE WHEN n.transactional THEN %(value)s::boolean ELSE c.consents_transactional END,
        consents_reminder = CASE WHEN n.reminder THEN %(value)s::boolean ELSE c.consents_reminder END,
        consents_promotional = CASE WHEN n.promotional THEN %(value)s::boolean ELSE c.consents_promotional END,
        updated_at = now()
    FROM (
        SELECT id,
               bool_or(consent_type = 'transactional_messages') AS transactional,
               bool_or(consent_type = 'reminder_messages') AS reminder,
               bool_or(consent_type = 'promotional_messages') AS promotional
        FROM changed
        GROUP BY id
    ) n
    WHERE c.id = n.id AND c.tenant_id = %(tenant)s
)
INSERT INTO consent_changes
    (tenant_id, customer_id, consent_type, old_value, new_value, source, actor, reason, changed_at)
SELECT %(tenant)s, id, consent_type, present, %(value)s::boolean, %(source)s, %(actor)s, %(reason)s, %(at)s
FROM changed
RETURNING customer_id, consent_type
