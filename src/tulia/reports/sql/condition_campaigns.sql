-- The campaigns that are open, by their status, and where their people are: of the sums that the ledger keeps.
-- params: most int (so many campaigns of each status are looked at)
-- returns: status, how many campaigns, people by state as an object {number of the state: people}
WITH open AS (
    SELECT c.id, c.status
    FROM (VALUES ('scheduled'), ('sending'), ('paused')) AS wanted (status)
    CROSS JOIN LATERAL (
        SELECT m.id, m.status FROM message_campaigns m WHERE m.status = wanted.status LIMIT %(most)s::int
    ) c
), people AS (
    SELECT o.status, t.state, sum(t.people) AS people
    FROM open o JOIN ledger_tallies t ON t.campaign_id = o.id
    GROUP BY 1, 2
)
SELECT o.status, count(*)::int,
       COALESCE((SELECT jsonb_object_agg(p.state, p.people) FROM people p WHERE p.status = o.status), '{}')
FROM open o
GROUP BY o.status
