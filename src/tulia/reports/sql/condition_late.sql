-- What should have happened by now: campaigns that were to start, and those whose audience is still not written.
-- params: late_seconds int
-- returns: scheduled campaigns whose time has passed, campaigns that were started and have no audience
SELECT (SELECT count(*) FROM message_campaigns c
        WHERE c.status = 'scheduled' AND c.launch_at < now() - %(late_seconds)s::int * interval '1 second')::int,
       (SELECT count(*) FROM message_campaigns c
        WHERE c.status = 'sending' AND c.audience_frozen_at IS NULL
          AND c.started_at < now() - %(late_seconds)s::int * interval '1 second')::int
