-- Room for the lines of one batch of an import of customers. NULL says nothing about a field; an empty text clears it.
-- `phone_country` is for new people whose country the file doesn't say; `tags` has semicolons between them.
-- Params:  none
-- Returns: nothing
-- Locks:   nothing
-- Writes:  the temporary table staged_customers, gone at the end of the transaction
CREATE TEMPORARY TABLE staged_customers (
    line integer NOT NULL,
    external_id text,
    phone text NOT NULL,
    name text,
    language text,
    timezone text,
    country text,
    phone_country text,
    tags text,
    attributes jsonb,
    consent boolean
) ON COMMIT DROP
