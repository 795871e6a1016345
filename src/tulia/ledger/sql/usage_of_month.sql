-- How many campaign messages a tenant has sent in a month, and for how many more there must be room: the people still
-- open in campaigns that go on (not sent to yet, or nobody knows), and those whom a campaign was launched for whose
-- audience isn't written yet. Somebody who was sent to this month and is unknown counts once, as sent.
-- params: tenant_id uuid, month_start timestamptz, month_end timestamptz
-- returns: used, reserved
SELECT (
    SELECT count(*)
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid
      AND r.claimed_at >= %(month_start)s::timestamptz AND r.claimed_at < %(month_end)s::timestamptz
) AS used, (
    SELECT count(*)
    FROM message_campaigns m
    JOIN ledger_recipients r ON r.campaign_id = m.id AND r.tenant_id = m.tenant_id
    WHERE m.tenant_id = %(tenant_id)s::uuid AND m.status IN ('sending', 'paused')
      AND m.audience_frozen_at IS NOT NULL
      AND r.role <> 2
      AND (r.due_at IS NOT NULL OR r.sending_at IS NOT NULL OR r.state = 6)
      AND (r.claimed_at IS NULL OR r.claimed_at < %(month_start)s::timestamptz)
) + (
    SELECT COALESCE(sum(m.reserved_sends), 0)
    FROM message_campaigns m
    WHERE m.tenant_id = %(tenant_id)s::uuid AND m.status IN ('sending', 'paused') AND m.audience_frozen_at IS NULL
) AS reserved
