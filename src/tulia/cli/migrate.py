"""`tulia migrate`: brings the database to this version, as its owner, and gives the application role its rights."""

from __future__ import annotations

import gc
import time

from django.core.management import call_command
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, LockNotAvailable

# Tables made from here on are the application's to read and write, and nobody's to alter; what a table must not
# allow (changing a history) its own migration takes away again.
_RIGHTS = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tulia_app') THEN
    CREATE ROLE tulia_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
  IF NOT pg_has_role(current_user, 'tulia_app', 'MEMBER') AND
     EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)) THEN
    EXECUTE format('GRANT tulia_app TO %I', current_user);
  END IF;
END $$;
GRANT USAGE ON SCHEMA public TO tulia_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tulia_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO tulia_app;
"""
_LOCK = 7_015_201  # any fixed number: two migrations at once take turns
# A change of a table waits for whoever uses it, and everybody else waits behind: so it waits briefly, and tries again.
_LOCK_SECONDS = 3
_TRIES = 40
_PAUSE_SECONDS = 0.5


def migrate() -> None:
    """Runs under an advisory lock, so that many machines may start at once, and beside processes that are at work.

    A migration that meets a deadlock or waits too long for a table is rolled back and tried again; those before it stay.
    """
    gc.freeze()  # Django makes each model anew for each migration: looking for garbage takes a fifth of the time
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            cursor.execute(_RIGHTS)
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{_LOCK_SECONDS}s"])
            for last_try in (*[False] * (_TRIES - 1), True):
                try:
                    call_command("migrate", verbosity=0, interactive=False)
                    break
                except OperationalError as error:
                    if last_try or not isinstance(error.__cause__, DeadlockDetected | LockNotAvailable):
                        raise
                time.sleep(_PAUSE_SECONDS)
        finally:
            cursor.execute("RESET lock_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def has_missing_migrations() -> bool:
    """Whether a model differs from its migrations."""
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    except SystemExit as done:
        return bool(done.code)
    return False
