-- What came of an experiment, from the sums that the ledger keeps: for each arm and for those held out.
-- params: tenant_id uuid, campaign_id uuid, closed_by timestamptz (whoever's turn came in a minute before has had their
--         whole window)
-- returns: role (0 dealt, 1 got the winner afterwards, 2 held out), arm (-1: none), people, of them still to come to
--          their turn, failed; people whose turn came, whose window is closed, of these with the outcome, and of all
WITH assigned AS (
    SELECT t.role, t.arm, sum(t.people) AS people, COALESCE(sum(t.people) FILTER (WHERE t.state IN (0, 1, 5)), 0) AS open,
           COALESCE(sum(t.people) FILTER (WHERE t.state = 30), 0) AS failed
    FROM ledger_tallies t
    WHERE t.tenant_id = %(tenant_id)s::uuid AND t.campaign_id = %(campaign_id)s::uuid AND (t.arm >= 0 OR t.role > 0)
    GROUP BY t.role, t.arm
), came AS (
    SELECT o.role, o.arm, sum(o.people) AS people,
           COALESCE(sum(o.people) FILTER (WHERE o.minute < %(closed_by)s::timestamptz), 0) AS matured,
           COALESCE(sum(o.succeeded) FILTER (WHERE o.minute < %(closed_by)s::timestamptz), 0) AS succeeded,
           sum(o.succeeded) AS so_far
    FROM ledger_outcomes o
    WHERE o.tenant_id = %(tenant_id)s::uuid AND o.campaign_id = %(campaign_id)s::uuid
    GROUP BY o.role, o.arm
)
SELECT a.role, a.arm, a.people::bigint, a.open::bigint, a.failed::bigint, COALESCE(c.people, 0)::bigint,
       COALESCE(c.matured, 0)::bigint, COALESCE(c.succeeded, 0)::bigint, COALESCE(c.so_far, 0)::bigint
FROM assigned a
LEFT JOIN came c USING (role, arm)
WHERE a.people > 0
ORDER BY a.role, a.arm
