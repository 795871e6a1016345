-- The worker processes that said something lately, those that spoke last first.
-- params: silent_seconds int (after which a worker counts as gone)
-- returns: machine, process_id, version, sender_count, seconds since it said that it runs, seconds since it began
SELECT w.machine, w.process_id, w.version, w.sender_count, extract(epoch FROM now() - w.ticked_at)::float8,
       extract(epoch FROM now() - w.started_at)::float8
FROM running_workers w
WHERE w.ticked_at > now() - %(silent_seconds)s::int * interval '1 second'
ORDER BY w.ticked_at DESC
LIMIT 100
