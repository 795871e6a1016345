-- Takes `wanted` tokens from somebody's bucket, which fills by `per_minute` up to `burst`; one that holds fewer is left as
-- it is. The clocks of several machines may differ, so time never runs backwards here.
-- params: who text, now timestamptz, per_minute int, burst int, wanted int (at most burst)
-- returns: tokens (left over); no row when there are not as many
-- writes: request_buckets
INSERT INTO request_buckets AS b (who, tokens, at)
VALUES (%(who)s::text, %(burst)s::int - %(wanted)s::int, %(now)s::timestamptz)
ON CONFLICT (who) DO UPDATE
SET tokens = LEAST(%(burst)s::int, b.tokens + %(per_minute)s::int / 60.0
                   * GREATEST(0, extract(epoch FROM %(now)s::timestamptz - b.at))) - %(wanted)s::int,
    at = GREATEST(%(now)s::timestamptz, b.at)
WHERE LEAST(%(burst)s::int, b.tokens + %(per_minute)s::int / 60.0
            * GREATEST(0, extract(epoch FROM %(now)s::timestamptz - b.at))) >= %(wanted)s::int
RETURNING tokens
