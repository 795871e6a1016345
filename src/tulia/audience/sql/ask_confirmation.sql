-- Notes that somebody who said STOP or START is to be answered, unless the word had no effect, was answered, was said
-- before within the day, or is too old for an answer: once a day has passed, only a template could be sent.
-- Params:  tenant uuid, sender uuid, phone text, kind text, is_on boolean, text text, message_id text, at timestamptz,
--          now timestamptz, day interval
-- Returns: nothing
-- Locks:   nothing
-- Writes:  consent_confirmations
INSERT INTO consent_confirmations (tenant_id, customer_id, sender_id, kind, text, answers, asked_at, due_at)
SELECT %(tenant)s::uuid, c.id, %(sender)s::uuid, %(kind)s::text, %(text)s::text, %(message_id)s::text,
       %(at)s::timestamptz, %(now)s::timestamptz
FROM customers c
LEFT JOIN LATERAL (
    SELECT r.kind, r.asked_at
    FROM consent_confirmations r
    WHERE r.tenant_id = %(tenant)s::uuid AND r.customer_id = c.id
    ORDER BY r.asked_at DESC, r.id DESC
    LIMIT 1
) last ON true
WHERE c.tenant_id = %(tenant)s::uuid AND c.phone = %(phone)s::text AND c.deleted_at IS NULL
  AND c.consents_promotional = %(is_on)s::boolean
  AND %(at)s::timestamptz > %(now)s::timestamptz - %(day)s::interval
  AND (last.kind IS NULL
       OR (last.asked_at <= %(at)s::timestamptz
           AND (last.kind <> %(kind)s::text OR last.asked_at <= %(at)s::timestamptz - %(day)s::interval)))
ON CONFLICT (tenant_id, answers) DO NOTHING
