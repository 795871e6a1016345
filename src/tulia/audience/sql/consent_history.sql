-- The changes of one customer's consents, and below them how each began, unless its first line says so itself: nobody
-- writes three lines for each of a million imported people who all begin alike.
-- Params:  tenant uuid, customer uuid, before_at timestamptz, before_id bigint (both null: from the newest on),
--          after_at timestamptz, after_id bigint (both null, unless the page before a line is wanted), batch int
-- Returns: (id, consent_type, old_value, new_value, source, actor, reason, changed_at), newest first, or oldest first
--          when the page before a line is wanted; beginnings have negative ids
-- Locks:   nothing
-- Writes:  nothing
WITH lines AS (
    SELECT h.id, h.consent_type, h.old_value, h.new_value, h.source, h.actor, h.reason, h.changed_at
    FROM consent_changes h
    WHERE h.tenant_id = %(tenant)s::uuid AND h.customer_id = %(customer)s::uuid
), beginnings AS (
    SELECT -v.number AS id, v.consent_type, NULL::boolean AS old_value, coalesce(first.old_value, v.present) AS new_value,
           'system_default' AS source, 'system' AS actor, 'how it began' AS reason,
           least(c.created_at, (SELECT min(l.changed_at) FROM lines l)) AS changed_at
    FROM customers c
    CROSS JOIN LATERAL (
        VALUES (1, 'transactional_messages', c.consents_transactional),
               (2, 'reminder_messages', c.consents_reminder),
               (3, 'promotional_messages', c.consents_promotional)
    ) v (number, consent_type, present)
    LEFT JOIN LATERAL (
        SELECT l.id, l.old_value FROM lines l WHERE l.consent_type = v.consent_type ORDER BY l.id LIMIT 1
    ) first ON true
    WHERE c.tenant_id = %(tenant)s::uuid AND c.id = %(customer)s::uuid
      AND (first.id IS NULL OR first.old_value IS NOT NULL)
)
SELECT id, consent_type, old_value, new_value, source, actor, reason, changed_at
FROM (SELECT * FROM lines UNION ALL SELECT * FROM beginnings) told
WHERE (%(before_at)s::timestamptz IS NULL OR (changed_at, id) < (%(before_at)s::timestamptz, %(before_id)s::bigint))
  AND (%(after_at)s::timestamptz IS NULL OR (changed_at, id) > (%(after_at)s::timestamptz, %(after_id)s::bigint))
ORDER BY CASE WHEN %(after_at)s::timestamptz IS NOT NULL THEN changed_at END,
         CASE WHEN %(after_at)s::timestamptz IS NOT NULL THEN id END,
         changed_at DESC, id DESC
LIMIT %(batch)s::int
