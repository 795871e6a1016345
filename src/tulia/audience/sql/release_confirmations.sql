-- Confirmations that a sender's worker claimed without hearing of it (the answer got lost) wait again: nothing went out.
-- Those of a worker before it are unknown since it took the sender over, so whatever is being sent is its own.
-- Params:  tenant uuid, sender uuid, worker uuid, now timestamptz
-- Returns: nothing
-- Locks:   the sender (shared), then the confirmations
-- Writes:  consent_confirmations
WITH still_ours AS MATERIALIZED (
    SELECT FROM senders s
    WHERE s.tenant_id = %(tenant)s::uuid AND s.id = %(sender)s::uuid AND s.dispatched_by = %(worker)s::uuid
    FOR SHARE
)
UPDATE consent_confirmations r
SET state = 'waiting', due_at = %(now)s::timestamptz, sending_at = NULL
WHERE r.tenant_id = %(tenant)s::uuid AND r.sender_id = %(sender)s::uuid AND r.sending_at IS NOT NULL
  AND EXISTS (SELECT FROM still_ours)
