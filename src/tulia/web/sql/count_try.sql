-- Counts a try to sign in before the password is looked at, so that many at once can't slip through together.
-- Tries that are older than the window are forgotten; once too many, the clock no longer moves.
-- params: who text, now timestamptz, window_start timestamptz, most int
-- returns: tries (this one included), last_at (of the last that counted)
-- writes: sign_in_tries
INSERT INTO sign_in_tries AS s (who, tries, last_at)
VALUES (%(who)s::text, 1, %(now)s::timestamptz)
ON CONFLICT (who) DO UPDATE
SET tries = CASE WHEN s.last_at < %(window_start)s::timestamptz THEN 1 ELSE LEAST(s.tries + 1, %(most)s::int + 1) END,
    last_at = CASE WHEN s.last_at >= %(window_start)s::timestamptz AND s.tries >= %(most)s::int THEN s.last_at
                   ELSE %(now)s::timestamptz END
RETURNING tries, last_at
