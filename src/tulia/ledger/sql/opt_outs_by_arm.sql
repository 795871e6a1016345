-- How many people of each arm withdrew their consent to promotions within the outcome window of their turn. Read from the
-- withdrawals since the start, of which there are few.
-- params: tenant_id uuid, campaign_id uuid, since timestamptz, outcome_window interval
-- returns: arm, people
SELECT r.arm, count(DISTINCT r.customer_id)
FROM consent_changes h
JOIN ledger_recipients r ON r.campaign_id = %(campaign_id)s::uuid AND r.customer_id = h.customer_id
WHERE h.tenant_id = %(tenant_id)s::uuid AND h.consent_type = 'promotional_messages' AND NOT h.new_value AND h.old_value
  AND h.changed_at >= %(since)s::timestamptz
  AND r.tenant_id = %(tenant_id)s::uuid AND r.role = 0 AND r.arm IS NOT NULL
  AND h.changed_at >= r.turn_at AND h.changed_at <= r.turn_at + %(outcome_window)s::interval
GROUP BY r.arm
