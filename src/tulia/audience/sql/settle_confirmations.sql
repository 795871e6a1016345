-- Writes what became of confirmations that were being sent; those that the provider took stand in their conversation.
-- One that is being sent again by now, because this was written before and its answer got lost, stays as it is. One that
-- was called unknown while its worker lived is what that worker says.
-- Params:  tenant uuid, ids bigint[], attempts int[], states text[], message_ids text[], failure_codes text[],
--          due_ats timestamptz[], now timestamptz (the arrays of one length)
-- Returns: nothing
-- Locks:   the confirmations, then their conversations in the order of their customers
-- Writes:  consent_confirmations, conversations, messages
WITH settled AS (
    UPDATE consent_confirmations r
    SET state = given.state, due_at = given.due_at, sending_at = NULL, claimed_by = NULL,
        failure_code = given.failure_code
    FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(message_ids)s::text[],
                %(failure_codes)s::text[], %(due_ats)s::timestamptz[])
         AS given (id, attempt, state, message_id, failure_code, due_at)
    WHERE r.id = given.id AND r.attempts = given.attempt
      AND r.tenant_id = %(tenant)s::uuid AND (r.sending_at IS NOT NULL OR r.state = 'unknown')
    RETURNING r.id, r.customer_id, r.text, r.state, given.message_id
), talks AS (
    INSERT INTO conversations AS v (id, tenant_id, customer_id, status, last_activity_at)
    SELECT gen_random_uuid(), %(tenant)s::uuid, s.customer_id, 'open', %(now)s::timestamptz
    FROM settled s
    WHERE s.state = 'sent'
    GROUP BY s.customer_id
    ORDER BY s.customer_id
    ON CONFLICT (tenant_id, customer_id) DO UPDATE
    SET last_activity_at = greatest(v.last_activity_at, excluded.last_activity_at)
    RETURNING id, customer_id
)
INSERT INTO messages (id, tenant_id, conversation_id, direction, message_type, text, sent_at, provider_message_id)
SELECT gen_random_uuid(), %(tenant)s::uuid, talks.id, 'outbound', 'automated_transactional', s.text,
       %(now)s::timestamptz, s.message_id
FROM settled s
JOIN talks ON talks.customer_id = s.customer_id
WHERE s.state = 'sent'
ORDER BY s.id
ON CONFLICT (tenant_id, provider_message_id) WHERE provider_message_id IS NOT NULL DO NOTHING
