-- A worker says that it runs, by the database's clock, and forgets those that have said nothing for an hour.
-- params: worker_id uuid, machine text, process_id int, version text, sender_count int
-- returns: nothing
-- writes: running_workers
WITH silent AS (
    DELETE FROM running_workers WHERE ticked_at < now() - interval '1 hour' AND worker_id <> %(worker_id)s::uuid
)
INSERT INTO running_workers AS w (worker_id, machine, process_id, version, sender_count)
VALUES (%(worker_id)s::uuid, %(machine)s::text, %(process_id)s::int, %(version)s::text, %(sender_count)s::int)
ON CONFLICT (worker_id) DO UPDATE SET ticked_at = now(), sender_count = EXCLUDED.sender_count
