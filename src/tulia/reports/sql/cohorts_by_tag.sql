-- A campaign's people by the tags they have now: the tags that most of them have, each with all its people, so that
-- somebody with two tags stands in both; then everybody who has a tag besides those, once; then who has none.
-- params: tenant_id uuid, campaign_id uuid, most int (tags)
-- returns: kind ('tag', 'other' or 'none'), tag ('' for the last two), currency (null: the line counts people), then
--          people, sent, delivered, read, replied, converted (null on lines of revenue), revenue in micros (null on the
--          others)
WITH person AS MATERIALIZED (
    SELECT r.id, r.customer_id, r.accepted_at IS NOT NULL AS is_sent, r.state >= 40 AS is_delivered,
           r.read_at IS NOT NULL AS is_read, r.replied_at IS NOT NULL AS is_replied,
           r.converted_at IS NOT NULL AS is_converted
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
), tagged AS MATERIALIZED (
    SELECT p.*, t.tag
    FROM person p
    JOIN customer_tags t ON t.customer_id = p.customer_id AND t.tenant_id = %(tenant_id)s::uuid
), counted AS MATERIALIZED (
    SELECT tag, count(*) AS people, count(*) FILTER (WHERE is_sent) AS sent,
           count(*) FILTER (WHERE is_delivered) AS delivered, count(*) FILTER (WHERE is_read) AS read,
           count(*) FILTER (WHERE is_replied) AS replied, count(*) FILTER (WHERE is_converted) AS converted
    FROM tagged
    GROUP BY tag
), top AS MATERIALIZED (
    SELECT * FROM counted ORDER BY people DESC, tag LIMIT %(most)s::int
), rest AS MATERIALIZED (
    SELECT DISTINCT id FROM tagged WHERE tag NOT IN (SELECT tag FROM top)
), paid AS MATERIALIZED (
    SELECT recipient_id, currency, sum(revenue_micros) AS micros
    FROM ledger_conversions
    WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
    GROUP BY recipient_id, currency
)
SELECT 'tag', tag::text, NULL::text, people, sent, delivered, read, replied, converted, NULL::bigint FROM top
UNION ALL
SELECT 'other', '', NULL, count(*), count(*) FILTER (WHERE is_sent), count(*) FILTER (WHERE is_delivered),
       count(*) FILTER (WHERE is_read), count(*) FILTER (WHERE is_replied), count(*) FILTER (WHERE is_converted), NULL
FROM person
JOIN rest USING (id)
UNION ALL
SELECT 'none', '', NULL, count(*), count(*) FILTER (WHERE is_sent), count(*) FILTER (WHERE is_delivered),
       count(*) FILTER (WHERE is_read), count(*) FILTER (WHERE is_replied), count(*) FILTER (WHERE is_converted), NULL
FROM person
WHERE NOT EXISTS (SELECT FROM tagged WHERE tagged.id = person.id)
UNION ALL
SELECT 'tag', tagged.tag, paid.currency, NULL, NULL, NULL, NULL, NULL, NULL, sum(paid.micros)::bigint
FROM paid
JOIN tagged ON tagged.id = paid.recipient_id
JOIN top ON top.tag = tagged.tag
GROUP BY tagged.tag, paid.currency
UNION ALL
SELECT 'other', '', currency, NULL, NULL, NULL, NULL, NULL, NULL, sum(micros)::bigint
FROM paid
JOIN rest ON rest.id = paid.recipient_id
GROUP BY currency
UNION ALL
SELECT 'none', '', currency, NULL, NULL, NULL, NULL, NULL, NULL, sum(micros)::bigint
FROM paid
WHERE NOT EXISTS (SELECT FROM tagged WHERE tagged.id = paid.recipient_id)
GROUP BY currency
