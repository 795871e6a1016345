-- How many campaign messages a tenant has sent in a month, and for how many more there must be room: the people still
-- open in campaigns that go on (not sent to yet, or nobody knows), and those whom a campaign was launched for whose
-- audience isn't written yet. Somebody who was sent to this month and is unknown counts once, as sent. The open ones are
-- those of the sums, and of what this transaction has put aside to be added to them at its commit.
-- params: tenant_id uuid, month_start timestamptz, month_end timestamptz
-- returns: used, reserved
SELECT (
    SELECT count(*)
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid
      AND r.claimed_at >= %(month_start)s::timestamptz AND r.claimed_at < %(month_end)s::timestamptz
) AS used, (
    SELECT COALESCE(sum(counted.people), 0)
    FROM message_campaigns m
    JOIN (
        SELECT tenant_id, campaign_id, role, state, people
        FROM ledger_tallies
        UNION ALL
        SELECT tenant_id, campaign_id, role, state, people
        FROM ledger_differences
        WHERE transaction = pg_current_xact_id_if_assigned()
    ) counted ON counted.campaign_id = m.id AND counted.tenant_id = m.tenant_id
    WHERE m.tenant_id = %(tenant_id)s::uuid AND m.status IN ('sending', 'paused')
      AND m.audience_frozen_at IS NOT NULL AND counted.role <> 2 AND counted.state IN (0, 1, 5, 6)
) - (
    SELECT count(*)
    FROM message_campaigns m
    JOIN ledger_recipients r ON r.campaign_id = m.id AND r.tenant_id = m.tenant_id
    WHERE m.tenant_id = %(tenant_id)s::uuid AND m.status IN ('sending', 'paused')
      AND m.audience_frozen_at IS NOT NULL AND r.role <> 2 AND r.state IN (0, 1, 5, 6)
      AND r.claimed_at >= %(month_start)s::timestamptz
) + (
    SELECT COALESCE(sum(m.reserved_sends), 0)
    FROM message_campaigns m
    WHERE m.tenant_id = %(tenant_id)s::uuid AND m.status IN ('sending', 'paused') AND m.audience_frozen_at IS NULL
) AS reserved
