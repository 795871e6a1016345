-- How long people took to read and to reply, for each arm and for all together. Counted in seconds from the moment the
-- provider sent the message, else took it; an answer that seems to be earlier took no time. The edges of the histogram
-- are those of reports.response_times.EDGES.
-- params: tenant_id uuid, campaign_id uuid
-- returns: arm, whether the line is of all together; then of reading, and once more of replying: people, mean, the
--          quantiles 0.1, 0.5 and 0.9, and the people below each edge
SELECT arm, GROUPING(arm) = 1,
       count(to_read), avg(to_read),
       percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY to_read),
       count(*) FILTER (WHERE to_read < 60), count(*) FILTER (WHERE to_read < 300), count(*) FILTER (WHERE to_read < 900),
       count(*) FILTER (WHERE to_read < 3600), count(*) FILTER (WHERE to_read < 14400), count(*) FILTER (WHERE to_read < 43200),
       count(*) FILTER (WHERE to_read < 86400), count(*) FILTER (WHERE to_read < 259200), count(*) FILTER (WHERE to_read < 604800),
       count(to_reply), avg(to_reply),
       percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY to_reply),
       count(*) FILTER (WHERE to_reply < 60), count(*) FILTER (WHERE to_reply < 300), count(*) FILTER (WHERE to_reply < 900),
       count(*) FILTER (WHERE to_reply < 3600), count(*) FILTER (WHERE to_reply < 14400), count(*) FILTER (WHERE to_reply < 43200),
       count(*) FILTER (WHERE to_reply < 86400), count(*) FILTER (WHERE to_reply < 259200), count(*) FILTER (WHERE to_reply < 604800)
FROM (
    SELECT r.arm,
           CASE WHEN r.read_at IS NOT NULL
                THEN GREATEST(0, date_part('epoch', r.read_at - COALESCE(r.sent_at, r.accepted_at))) END AS to_read,
           CASE WHEN r.replied_at IS NOT NULL
                THEN GREATEST(0, date_part('epoch', r.replied_at - COALESCE(r.sent_at, r.accepted_at))) END AS to_reply
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
      AND (r.read_at IS NOT NULL OR r.replied_at IS NOT NULL)
) timed
GROUP BY GROUPING SETS ((), (arm))
ORDER BY 2 DESC, 1
