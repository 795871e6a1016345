"""Looks at an installation for `tulia doctor`, and goes on whatever is broken."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import stat
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

import tulia
from tulia.cli import standing
from tulia.cli.doctor_facts import Bloat, Database, Facts, Machine, PausedSender, Secrets
from tulia.cli.failing import CommandFailed
from tulia.cli.installation import database, use_cluster
from tulia.core.expected_migrations import expected

_MOST_SECRETS = 2_000
_MOST_PAUSED = 20
_CONNECT_SECONDS = 5
_DEAD_ROWS = 100_000
_SAFE = ("fsync", "full_page_writes", "synchronous_commit")

_ROLE = """
SELECT current_user, r.rolsuper OR r.rolbypassrls,
       ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p') ORDER BY 1)
FROM pg_roles r WHERE r.rolname = current_user
"""
_UNPROTECTED = """
SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
  AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
ORDER BY 1
"""
_SERVER = """
SELECT current_setting('server_version_num')::int, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool,
       current_setting('autovacuum')::bool, pg_database_size(current_database()),
       (SELECT age(d.datfrozenxid) FROM pg_database d WHERE d.datname = current_database()),
       COALESCE((SELECT extract(epoch FROM now() - min(a.xact_start))::float8 FROM pg_stat_activity a
                 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()), 0)
"""
_BLOAT = """
SELECT relname::text, n_dead_tup, n_live_tup FROM pg_stat_user_tables
WHERE n_dead_tup > %(dead)s AND n_dead_tup > n_live_tup / 2 ORDER BY n_dead_tup DESC LIMIT 5
"""


def facts(place: Path) -> Facts:
    """Everything that can be seen from this machine."""
    from django.core.exceptions import ImproperlyConfigured

    from tulia.config import embedded_postgres
    from tulia.config.embedded_postgres import PostgresUnavailable

    machine = _machine(place)
    if machine.is_embedded and not machine.is_data_dir_there:
        return Facts(machine)  # reading the settings would make it
    with contextlib.ExitStack() as held:
        problem = ""
        try:
            if machine.is_embedded and machine.is_up_running:
                use_cluster(embedded_postgres.locate(place))  # `tulia up` starts it again by itself
            elif not machine.is_embedded or _was_here(place):
                held.enter_context(database())
        except (CommandFailed, PostgresUnavailable, OSError, ImproperlyConfigured) as error:
            problem = _one_line(error)
        seen = Facts(_with_settings(machine), database_problem=problem)  # they want to know where the database is
        if problem or seen.machine.settings_problem or not os.environ.get("DATABASE_URL"):
            return seen
        try:
            return _with_condition(dataclasses.replace(seen, database=_database()))
        except psycopg.Error as error:
            return dataclasses.replace(seen, database_problem=_one_line(error))


def _was_here(place: Path) -> bool:
    """Whether an embedded database was ever made here: looking must not make one."""
    return (place / "postgres.json").exists()


def _machine(place: Path) -> Machine:
    is_embedded = not os.environ.get("DATABASE_URL")
    machine = Machine(version=tulia.__version__, data_dir=str(place), is_embedded=is_embedded)
    if not place.is_dir():
        # With a database elsewhere a machine may well begin with an empty directory of its own.
        return dataclasses.replace(machine, is_data_dir_there=False)
    key = place / "secret_key"
    disk = shutil.disk_usage(place)
    machine = dataclasses.replace(
        machine,
        data_dir_problem=_why_not_writable(place),
        journals_problem=_why_not_writable(place / "journals") if (place / "journals").exists() else "",
        is_open_to_others=bool(place.stat().st_mode & stat.S_IWOTH),
        free_bytes=disk.free,
        total_bytes=disk.total,
        log_bytes=sum(path.stat().st_size for path in (*place.glob("logs/*"), *place.glob("postgres.log*"))),
        is_key_in_environment=bool(os.environ.get("TULIA_SECRET_KEY", "").strip()),
        is_key_file_open_to_others=key.exists() and bool(key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH)),
    )
    running = standing.standing(place)
    if running:
        os.environ.setdefault("TULIA_PUBLIC_URL", running.url)
        if running.simulator_url:
            os.environ.setdefault("TULIA_SIMULATOR_URL", running.simulator_url)
    return dataclasses.replace(machine, is_up_running=running is not None)


def _with_settings(machine: Machine) -> Machine:
    from django.core.exceptions import ImproperlyConfigured

    try:
        from tulia.config import settings
    except ImproperlyConfigured as error:
        return dataclasses.replace(machine, settings_problem=str(error))
    return dataclasses.replace(
        machine,
        public_url=settings.PUBLIC_URL,
        simulator_url=settings.SIMULATOR_URL,
        simulator_problem=_why_not_answering(f"{settings.SIMULATOR_URL}/healthz") if settings.SIMULATOR_URL else "",
    )


def _why_not_writable(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _why_not_answering(url: str) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=_CONNECT_SECONDS):
            return ""
    except (OSError, urllib.error.URLError, ValueError) as error:
        return _one_line(error)


def _database() -> Database:
    """As the program sees it: by its address, in its role."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=_CONNECT_SECONDS, autocommit=True) as session:
        ahead = _clock_ahead(session)
        version, is_read_only, is_autovacuum_on, size, age, longest = _one(session, _SERVER)
        if _one(session, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tulia_app')")[0]:
            session.execute("SET ROLE tulia_app")
        role, is_superuser, owned = _one(session, _ROLE)
        applied = _applied(session)
        ours = {app for app, _ in expected()}
        unsafe = [name for name in _SAFE if _one(session, f"SHOW {name}")[0] == "off"]
        return Database(
            version_number=version,
            role=role,
            is_superuser=is_superuser,
            owned_tables=tuple(owned),
            unprotected_tables=tuple(name for (name,) in session.execute(_UNPROTECTED).fetchall()),
            missing_migrations=tuple(sorted(f"{app}.{name}" for app, name in expected() - applied)),
            newer_migrations=tuple(sorted(f"{app}.{name}" for app, name in applied - expected() if app in ours)),
            clock_ahead_seconds=ahead,
            is_read_only=is_read_only,
            unsafe_settings=tuple(f"{name} = off" for name in unsafe),
            is_autovacuum_on=is_autovacuum_on,
            bloated=tuple(Bloat(*row) for row in session.execute(_BLOAT, {"dead": _DEAD_ROWS}).fetchall()),
            wraparound_age=age,
            longest_transaction_seconds=longest,
            size_bytes=size,
        )


def _clock_ahead(session: psycopg.Connection[Any]) -> float:
    before = time.time()
    (theirs,) = _one(session, "SELECT extract(epoch FROM clock_timestamp())::float8")
    return float((before + time.time()) / 2 - theirs)


def _applied(session: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    try:
        return set(session.execute("SELECT app, name FROM django_migrations").fetchall())
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return set()


def _one(session: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = session.execute(statement).fetchone()
    assert row is not None
    return row


def _with_condition(seen: Facts) -> Facts:
    """What the program itself can tell, once it has its tables."""
    if seen.database is None or seen.database.missing_migrations:
        return seen
    import django
    from django.db import DatabaseError

    django.setup()
    from tulia.channels.models import Sender
    from tulia.core import crypto
    from tulia.reports import condition
    from tulia.tenants.models import Tenant
    from tulia.tenants.scope import system_scope

    try:
        state = condition.look()
        with system_scope():
            real_senders = Sender.objects.filter(is_simulated=False).count()
            stored = list(Sender.objects.values_list("access_token_encrypted", flat=True)[:_MOST_SECRETS])
            paused = list(
                Sender.objects.exclude(paused_reason="").values_list("tenant_id", "id", "paused_reason")[:_MOST_PAUSED]
            )
            slugs = dict(Tenant.objects.filter(pk__in={row[0] for row in paused}).values_list("id", "slug"))
    except DatabaseError as error:
        return dataclasses.replace(seen, condition_problem=type(error.__cause__ or error).__name__)
    unreadable = 0
    for token in stored:
        try:
            crypto.decrypt(token)
        except crypto.SecretUnreadable:
            unreadable += 1
    return dataclasses.replace(
        seen,
        condition=state,
        real_senders=real_senders,
        secrets=Secrets(len(stored), unreadable),
        paused=tuple(PausedSender(slugs.get(tenant, str(tenant)), str(id_), said) for tenant, id_, said in paused),
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
