-- The queue of background jobs: what could run now and waits, and what a worker took and doesn't work on any more.
-- params: silent_seconds int (after which a worker counts as dead)
-- returns: how many wait (1,000 at most are counted), for how many seconds the one that waits longest, how many are stalled
WITH waiting AS (
    SELECT j.id, j.scheduled_at
    FROM procrastinate_jobs j
    WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
    ORDER BY j.priority DESC, j.id
    LIMIT 1000
)
SELECT (SELECT count(*) FROM waiting)::int,
       COALESCE((
           SELECT extract(epoch FROM now() - min(COALESCE(w.scheduled_at, e.at)))
           FROM waiting w
           LEFT JOIN LATERAL (
               SELECT max(e.at) AS at FROM procrastinate_events e
               WHERE e.job_id = w.id AND e.type IN ('deferred', 'deferred_for_retry')
           ) e ON true
       ), 0)::float8,
       (
           SELECT count(*) FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
           WHERE j.status = 'doing'
             AND (w.id IS NULL OR w.last_heartbeat < now() - %(silent_seconds)s::int * interval '1 second')
       )::int
