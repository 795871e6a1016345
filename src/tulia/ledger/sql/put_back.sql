-- Puts people back in the queue whose message certainly did not go out after this claim, each due at its own time.
-- Whoever has been claimed again since is somebody else's business and stays: that is so when this is said a second time
-- because the answer to the first got lost. The number of the attempt doesn't tell, for one that doesn't count is had again.
-- Whose campaign was canceled meanwhile is cancelled: the campaign's row is held, so that a cancel comes wholly before or
-- wholly after. A campaign is completed only when nobody is being sent to, so whoever comes back to one was unknown by then,
-- and stays so, shown to a person: nobody would claim them any more.
-- params: tenant_id uuid, ids bigint[], claimed_ats timestamptz[], due_ats timestamptz[], reasons text[], burnt boolean[]
--         (burnt: whether the attempt counts; reason '' means waiting, any other deferred)
-- returns: nothing
-- What was reserved for the message is free again.
-- locks: the people in order of id, then their campaigns in order of id
-- writes: ledger_recipients, ledger_events
WITH mine AS (
    SELECT r.id, r.campaign_id, given.due_at, given.reason, given.burnt
    FROM ledger_recipients r
    JOIN unnest(%(ids)s::bigint[], %(claimed_ats)s::timestamptz[], %(due_ats)s::timestamptz[], %(reasons)s::text[],
                %(burnt)s::boolean[]) AS given (id, claimed_at, due_at, reason, burnt)
        ON given.id = r.id AND given.claimed_at = r.claimed_at
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.state IN (5, 6)
    ORDER BY r.id
    FOR UPDATE OF r
), campaigns AS (
    SELECT m.id, m.status = 'canceled' AS is_canceled, m.status = 'completed' AS is_completed
    FROM message_campaigns m
    WHERE m.id IN (SELECT campaign_id FROM mine)
    ORDER BY m.id
    FOR NO KEY UPDATE
), noted AS (
    INSERT INTO ledger_events (tenant_id, recipient_id, happened_at, kind, reason, until)
    SELECT %(tenant_id)s::uuid, mine.id, now(), 'retried', mine.reason, mine.due_at
    FROM mine
    JOIN campaigns ON campaigns.id = mine.campaign_id
    WHERE mine.reason <> '' AND NOT campaigns.is_completed
)
UPDATE ledger_recipients r
SET state = CASE WHEN campaigns.is_canceled THEN 12 WHEN mine.reason = '' THEN 0 ELSE 1 END,
    reason = CASE WHEN campaigns.is_canceled THEN 'canceled' ELSE mine.reason END,
    due_at = CASE WHEN NOT campaigns.is_canceled THEN mine.due_at END,
    attempts = r.attempts - CASE WHEN mine.burnt THEN 0 ELSE 1 END,
    sending_at = NULL,
    claimed_by = NULL,
    claimed_at = NULL,
    turn_at = NULL,
    cost_micros = 0
FROM mine
JOIN campaigns ON campaigns.id = mine.campaign_id
WHERE r.id = mine.id AND NOT campaigns.is_completed
