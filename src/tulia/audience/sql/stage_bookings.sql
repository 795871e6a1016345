-- Room for the lines of one batch of an import of bookings.
-- Params:  none
-- Returns: nothing
-- Locks:   nothing
-- Writes:  the temporary table staged_bookings, gone at the end of the transaction
CREATE TEMPORARY TABLE staged_bookings (
    line integer NOT NULL,
    external_id text NOT NULL,
    customer_external_id text,
    phone text,
    booked_at timestamptz NOT NULL,
    starts_at timestamptz NOT NULL,
    status text NOT NULL
) ON COMMIT DROP
