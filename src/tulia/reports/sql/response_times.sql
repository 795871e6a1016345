-- How long people took to read and to reply: people by seconds, for each arm. Counted from the moment the provider sent
-- the message, else took it; an answer that seems to be earlier took no time. Unless exact times are wanted, they are
-- rounded down to three digits, because a million people take more different times than anybody can look at. OFFSET 0 has
-- each time worked out once for each row.
-- params: tenant_id uuid, campaign_id uuid, is_exact boolean
-- returns: whether it is a reply, arm, seconds, people, their exact seconds added up
WITH timed AS MATERIALIZED (
    SELECT arm, read_key, reply_key, count(*) AS people, sum(to_read) AS read_seconds, sum(to_reply) AS reply_seconds
    FROM (
        SELECT arm, to_read, to_reply,
               CASE WHEN %(is_exact)s::boolean OR to_read < 1000 THEN to_read
                    WHEN to_read < 10000 THEN floor(to_read / 10) * 10
                    WHEN to_read < 100000 THEN floor(to_read / 100) * 100
                    WHEN to_read < 1000000 THEN floor(to_read / 1000) * 1000
                    ELSE floor(to_read / 10000) * 10000 END AS read_key,
               CASE WHEN %(is_exact)s::boolean OR to_reply < 1000 THEN to_reply
                    WHEN to_reply < 10000 THEN floor(to_reply / 10) * 10
                    WHEN to_reply < 100000 THEN floor(to_reply / 100) * 100
                    WHEN to_reply < 1000000 THEN floor(to_reply / 1000) * 1000
                    ELSE floor(to_reply / 10000) * 10000 END AS reply_key
        FROM (
            SELECT r.arm,
                   CASE WHEN r.read_at IS NOT NULL
                        THEN GREATEST(0, date_part('epoch', r.read_at - COALESCE(r.sent_at, r.accepted_at)))
                   END AS to_read,
                   CASE WHEN r.replied_at IS NOT NULL
                        THEN GREATEST(0, date_part('epoch', r.replied_at - COALESCE(r.sent_at, r.accepted_at)))
                   END AS to_reply
            FROM ledger_recipients r
            WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
              AND (r.read_at IS NOT NULL OR r.replied_at IS NOT NULL)
            OFFSET 0
        ) taken
        OFFSET 0
    ) keyed
    GROUP BY arm, read_key, reply_key
)
SELECT false, arm, read_key, sum(people)::bigint, sum(read_seconds)
FROM timed
WHERE read_key IS NOT NULL
GROUP BY arm, read_key
UNION ALL
SELECT true, arm, reply_key, sum(people)::bigint, sum(reply_seconds)
FROM timed
WHERE reply_key IS NOT NULL
GROUP BY arm, reply_key
