-- The latest campaign message each person got at one sender before they wrote, not older than the window.
-- Nobody answers a message that failed: what they write then must not make it delivered.
-- A provider's times are whole seconds, and its clock is not ours: a minute of difference is forgiven.
-- params: tenant_id uuid, sender_id uuid, positions int[], phones text[], ats timestamptz[], window interval
-- returns: position, recipient id
SELECT asked.position, latest.id
FROM unnest(%(positions)s::int[], %(phones)s::text[], %(ats)s::timestamptz[]) AS asked (position, phone, at)
JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.phone = asked.phone AND c.deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT r.id
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.customer_id = c.id AND r.sender_id = %(sender_id)s::uuid
      AND r.claimed_at IS NOT NULL AND r.state <> 30
      AND r.accepted_at <= asked.at + interval '1 minute' AND r.accepted_at >= asked.at - %(window)s::interval
    ORDER BY r.accepted_at DESC, r.id DESC
    LIMIT 1
) latest
