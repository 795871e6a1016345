-- How many may be connected to the database server, and how many are.
-- params: none
-- returns: connections of clients, and how many of them an ordinary user may have
SELECT (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend')::int,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - COALESCE(current_setting('reserved_connections', true), '0')::int
