-- Whom the provider's message ids belong to, at one sender.
-- params: tenant_id uuid, sender_id uuid, message_ids text[]
-- returns: message_id, recipient id
SELECT r.message_id, r.id
FROM ledger_recipients r
WHERE r.message_id = ANY (%(message_ids)s::text[])
  AND r.tenant_id = %(tenant_id)s::uuid AND r.sender_id = %(sender_id)s::uuid
