-- Whom a campaign that hasn't started would reach, with what the rules say of each, in order of the customer's id, from
-- a place on. Two branches, of which the planner drops one, so that each can read in the order of an index.
-- params: tenant_id uuid, refusals text[] (null: any), is_other_than boolean (then those are the ones left out),
--         beyond uuid (null: from the start), is_backward boolean, batch int, and those of the selection
-- returns: customer_id, external_id, name, phone, refusal
(
    SELECT c.id, c.external_id, c.name, c.phone, chosen.refusal
    FROM (/*selection*/) chosen
    JOIN customers c ON c.id = chosen.customer_id AND c.tenant_id = %(tenant_id)s::uuid
    WHERE NOT %(is_backward)s::boolean
      AND (%(beyond)s::uuid IS NULL OR chosen.customer_id > %(beyond)s::uuid)
      AND (%(refusals)s::text[] IS NULL OR (chosen.refusal = ANY (%(refusals)s::text[])) <> %(is_other_than)s::boolean)
    ORDER BY chosen.customer_id
    LIMIT %(batch)s::int
)
UNION ALL
(
    SELECT c.id, c.external_id, c.name, c.phone, chosen.refusal
    FROM (/*selection*/) chosen
    JOIN customers c ON c.id = chosen.customer_id AND c.tenant_id = %(tenant_id)s::uuid
    WHERE %(is_backward)s::boolean
      AND (%(beyond)s::uuid IS NULL OR chosen.customer_id < %(beyond)s::uuid)
      AND (%(refusals)s::text[] IS NULL OR (chosen.refusal = ANY (%(refusals)s::text[])) <> %(is_other_than)s::boolean)
    ORDER BY chosen.customer_id DESC
    LIMIT %(batch)s::int
)
