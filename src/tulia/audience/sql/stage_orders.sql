-- Room for the lines of one batch of an import of orders. A NULL currency says nothing.
-- Params:  none
-- Returns: nothing
-- Locks:   nothing
-- Writes:  the temporary table staged_orders, gone at the end of the transaction
CREATE TEMPORARY TABLE staged_orders (
    line integer NOT NULL,
    external_id text NOT NULL,
    customer_external_id text,
    phone text,
    placed_at timestamptz NOT NULL,
    total_micros bigint NOT NULL,
    currency text,
    status text NOT NULL
) ON COMMIT DROP
