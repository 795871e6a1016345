-- Puts people back in the queue whose message certainly did not go out in this attempt, each due at its own time.
-- An attempt that isn't the present one is somebody else's business and changes nothing.
-- params: tenant_id uuid, ids bigint[], attempts smallint[], due_ats timestamptz[], reasons text[], burnt boolean[]
--         (burnt: whether the attempt counts; reason '' means waiting, any other deferred)
-- returns: nothing; writes: ledger_recipients
UPDATE ledger_recipients r
SET state = CASE WHEN given.reason = '' THEN 0 ELSE 1 END,
    reason = given.reason,
    due_at = given.due_at,
    attempts = r.attempts - CASE WHEN given.burnt THEN 0 ELSE 1 END,
    sending_at = NULL
FROM unnest(%(ids)s::bigint[], %(attempts)s::smallint[], %(due_ats)s::timestamptz[], %(reasons)s::text[],
            %(burnt)s::boolean[]) AS given (id, attempts, due_at, reason, burnt)
WHERE r.id = given.id AND r.tenant_id = %(tenant_id)s::uuid AND r.state IN (5, 6) AND r.attempts = given.attempts
