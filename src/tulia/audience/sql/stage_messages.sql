-- Room for the lines of one batch of an import of messages.
-- Params:  none
-- Returns: nothing
-- Locks:   nothing
-- Writes:  the temporary table staged_messages, gone at the end of the transaction
CREATE TEMPORARY TABLE staged_messages (
    line integer NOT NULL,
    customer_external_id text,
    phone text,
    direction text NOT NULL,
    sent_at timestamptz NOT NULL,
    text text NOT NULL,
    conversation_status text
) ON COMMIT DROP
