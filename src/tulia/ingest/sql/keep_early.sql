-- Keeps statuses of messages that we have no record of, each once.
-- params: tenant_id uuid, sender_id uuid, message_ids text[], states smallint[], ats timestamptz[],
--         failure_kinds text[], failure_codes text[]
-- returns: nothing; writes: ingest_early_statuses
INSERT INTO ingest_early_statuses (tenant_id, sender_id, message_id, state, at, failure_kind, failure_code, received_at)
SELECT DISTINCT ON (given.message_id, given.state)
       %(tenant_id)s::uuid, %(sender_id)s::uuid, given.message_id, given.state, given.at, given.failure_kind,
       given.failure_code, now()
FROM unnest(%(message_ids)s::text[], %(states)s::smallint[], %(ats)s::timestamptz[], %(failure_kinds)s::text[],
            %(failure_codes)s::text[]) AS given (message_id, state, at, failure_kind, failure_code)
ORDER BY given.message_id, given.state, given.at
ON CONFLICT (sender_id, message_id, state) DO NOTHING
