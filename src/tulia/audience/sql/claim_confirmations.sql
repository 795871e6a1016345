-- Claims confirmations that are due at one sender and marks them sending, just before they go out. Those whose window has
-- closed, or whose customer is gone, have expired.
-- Params:  tenant uuid, sender uuid, worker uuid (null: nobody who could come back), now timestamptz, day interval, batch int
-- Returns: (id, state, phone, text, attempts)
-- Locks:   the claimed confirmations
-- Writes:  consent_confirmations
WITH due AS (
    SELECT r.id, r.asked_at, c.phone
    FROM consent_confirmations r
    LEFT JOIN customers c ON c.tenant_id = %(tenant)s::uuid AND c.id = r.customer_id AND c.deleted_at IS NULL
    WHERE r.tenant_id = %(tenant)s::uuid AND r.sender_id = %(sender)s::uuid AND r.due_at <= %(now)s::timestamptz
    ORDER BY r.due_at, r.id
    LIMIT %(batch)s::int
    FOR UPDATE OF r SKIP LOCKED
), judged AS (
    SELECT id, phone, phone IS NOT NULL AND asked_at > %(now)s::timestamptz - %(day)s::interval AS is_open FROM due
)
UPDATE consent_confirmations r
SET state = CASE WHEN judged.is_open THEN 'sending' ELSE 'expired' END,
    due_at = NULL,
    sending_at = CASE WHEN judged.is_open THEN %(now)s::timestamptz END,
    claimed_by = CASE WHEN judged.is_open THEN %(worker)s::uuid END,
    attempts = r.attempts + judged.is_open::int
FROM judged
WHERE r.id = judged.id
RETURNING r.id, r.state, judged.phone, r.text, r.attempts
