-- The promotional consents that an import brings to customers who were known, with their history. What a customer
-- withdrew stays withdrawn: an import grants nothing to somebody whose own last word was no. Withdrawing by import is
-- always possible.
-- Params:  tenant uuid, actor text, at timestamptz
-- Returns: (line) of each customer whose consent changed
-- Locks:   nothing that isn't locked
-- Writes:  customers, consent_changes
WITH given AS MATERIALIZED (
    SELECT r.line, r.customer_id, s.consent, c.consents_promotional AS present
    FROM resolved_customers r
    JOIN staged_customers s ON s.line = r.line
    JOIN customers c ON c.id = r.customer_id AND c.tenant_id = %(tenant)s
    WHERE r.consent_differs AND c.consents_promotional <> s.consent AND (NOT s.consent OR coalesce((
        SELECT h.new_value
        FROM consent_changes h
        WHERE h.tenant_id = %(tenant)s AND h.customer_id = r.customer_id
          AND h.consent_type = 'promotional_messages' AND h.source = 'customer_initiated'
        ORDER BY h.changed_at DESC, h.id DESC
        LIMIT 1
    ), true))
),
written AS (
    UPDATE customers c SET consents_promotional = g.consent, updated_at = now()
    FROM given g
    WHERE c.id = g.customer_id AND c.tenant_id = %(tenant)s
),
noted AS (
    INSERT INTO consent_changes
        (tenant_id, customer_id, consent_type, old_value, new_value, source, actor, reason, changed_at)
    SELECT %(tenant)s, customer_id, 'promotional_messages', present, consent, 'tenant_updated', %(actor)s, 'import',
           %(at)s
    FROM given
)
SELECT line FROM given
