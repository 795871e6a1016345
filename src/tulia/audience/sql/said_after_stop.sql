-- Which of these messages came directly after a STOP of the same person: it was their last word, within the day, and
-- they wrote nothing between the two.
-- Params:  tenant uuid, message_ids text[], phones text[], ats timestamptz[] (all of one length), day interval
-- Returns: (message_id)
-- Locks:   nothing
-- Writes:  nothing
SELECT given.message_id
FROM unnest(%(message_ids)s::text[], %(phones)s::text[], %(ats)s::timestamptz[]) AS given (message_id, phone, at)
JOIN customers c ON c.tenant_id = %(tenant)s::uuid AND c.phone = given.phone AND c.deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT h.new_value, h.changed_at
    FROM consent_changes h
    WHERE h.tenant_id = %(tenant)s::uuid AND h.customer_id = c.id AND h.source = 'customer_initiated'
      AND h.consent_type = 'promotional_messages'
    ORDER BY h.changed_at DESC, h.id DESC
    LIMIT 1
) last
WHERE NOT last.new_value
  AND last.changed_at <= given.at AND last.changed_at > given.at - %(day)s::interval
  AND NOT EXISTS (
      SELECT FROM conversations v
      JOIN messages m ON m.tenant_id = %(tenant)s::uuid AND m.conversation_id = v.id
      WHERE v.tenant_id = %(tenant)s::uuid AND v.customer_id = c.id AND m.direction = 'inbound'
        AND m.sent_at > last.changed_at AND m.sent_at <= given.at
        AND m.provider_message_id IS DISTINCT FROM given.message_id
  )
