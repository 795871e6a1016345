-- Empties everything that names a customer: their fields, tags, what was said, the numbers of their orders and bookings.
-- The rows stay, because they are counted. Confirmations that wait are not sent.
-- Params:  tenant uuid, customer uuid, at timestamptz
-- Returns: (whether promotional consent had been withdrawn)
-- Locks:   the rows that change
-- Writes:  customers, customer_tags, orders, bookings, conversations, messages, consent_confirmations
WITH withdrawn AS (
    SELECT NOT c.consents_promotional AND EXISTS (
        SELECT FROM consent_changes h
        WHERE h.tenant_id = %(tenant)s::uuid AND h.customer_id = c.id AND h.consent_type = 'promotional_messages'
          AND NOT h.new_value
    ) AS is_withdrawn
    FROM customers c
    WHERE c.tenant_id = %(tenant)s::uuid AND c.id = %(customer)s::uuid
), untagged AS (
    DELETE FROM customer_tags WHERE tenant_id = %(tenant)s::uuid AND customer_id = %(customer)s::uuid
), ordered AS (
    UPDATE orders SET external_id = NULL WHERE tenant_id = %(tenant)s::uuid AND customer_id = %(customer)s::uuid
), booked AS (
    UPDATE bookings SET external_id = NULL WHERE tenant_id = %(tenant)s::uuid AND customer_id = %(customer)s::uuid
), silenced AS (
    UPDATE messages m SET text = '', provider_message_id = NULL
    FROM conversations v
    WHERE v.tenant_id = %(tenant)s::uuid AND v.customer_id = %(customer)s::uuid
      AND m.tenant_id = %(tenant)s::uuid AND m.conversation_id = v.id
), unconfirmed AS (
    DELETE FROM consent_confirmations WHERE tenant_id = %(tenant)s::uuid AND customer_id = %(customer)s::uuid
), emptied AS (
    UPDATE customers
    SET phone = '', name = '', external_id = NULL, timezone = '', attributes = '{}', unreachable_at = NULL,
        deleted_at = coalesce(deleted_at, %(at)s::timestamptz), erased_at = %(at)s::timestamptz,
        updated_at = %(at)s::timestamptz
    WHERE tenant_id = %(tenant)s::uuid AND id = %(customer)s::uuid
)
SELECT is_withdrawn FROM withdrawn
