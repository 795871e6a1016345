"""What a command needs of the installation: its settings, a database that answers, tables of this version."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tulia.cli.failing import CommandFailed
from tulia.config.data_dir import default_data_dir
from tulia.core.expected_migrations import expected

_CONNECT_SECONDS = 5


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Every command takes --data-dir, before or after its name."""
    parser.add_argument(
        "--data-dir",
        default=argparse.SUPPRESS,
        help=f"where this installation keeps its files (default: TULIA_DATA_DIR, else {default_data_dir()})",
    )


def data_dir() -> Path:
    return Path(os.environ.get("TULIA_DATA_DIR") or default_data_dir()).absolute()


@contextlib.contextmanager
def database() -> Iterator[None]:
    """The database for the time of one command: DATABASE_URL, else the embedded server, started if need be."""
    if os.environ.get("DATABASE_URL"):
        check_database_url()
        yield
        return
    from tulia.config import embedded_postgres

    with embedded_postgres.running(data_dir()) as cluster:
        use_cluster(cluster)
        yield


def use_cluster(cluster: object) -> None:
    """Points this process and its children to the embedded server."""
    from tulia.config import embedded_postgres

    assert isinstance(cluster, embedded_postgres.Cluster)
    os.environ["DATABASE_URL"] = cluster.url(embedded_postgres.APPLICATION_ROLE)
    os.environ["TULIA_OWNER_DATABASE_URL"] = cluster.url(embedded_postgres.OWNER_ROLE)


def check_database_url() -> None:
    """Raises CommandFailed unless DATABASE_URL can be understood and answers; ImproperlyConfigured for its form."""
    import psycopg

    from tulia.config import settings

    assert settings.DATABASES  # reading the settings checked the form
    try:
        psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=_CONNECT_SECONDS).close()
    except psycopg.Error as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CommandFailed(f"the database of DATABASE_URL can't be reached: {reason[:300]}") from error


@contextlib.contextmanager
def ready() -> Iterator[None]:
    """Django, set up as the application role on a database with this version's tables, made if there are none."""
    with database():
        if "TULIA_OWNER_DATABASE_URL" in os.environ or not _applied_migrations():
            migrate_if_needed()  # an embedded or empty database is ours to bring up to date unasked
        import django

        django.setup()
        from tulia.core import schema_state, sql

        if missing := schema_state.missing_migrations():
            raise CommandFailed(f"the database lacks {len(missing)} migrations of this version: run `tulia migrate`")
        sql.drop_connection()  # a worker's main thread never asks again, and would keep it
        yield


def migrate_if_needed() -> None:
    """Migrates unless a look at the files, which is quicker than Django's, finds every migration applied."""
    if not expected() <= _applied_migrations():
        _migrate()


def _applied_migrations() -> set[tuple[str, str]]:
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=_CONNECT_SECONDS) as connection:
        try:
            return set(connection.execute("SELECT app, name FROM django_migrations").fetchall())
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            return set()


def _migrate() -> None:
    """`tulia migrate` in a process of its own: settings are read once, and this process isn't the tables' owner."""
    done = subprocess.run([sys.executable, "-m", "tulia.cli", "migrate"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"the database can't be migrated: {last_line(done.stderr)}")


def last_line(said: str) -> str:
    """What a failed program said at last, in one line; quoted source and carets are no lines of their own."""
    lines = [line for line in said.splitlines() if line.strip() and not line[0].isspace() and set(line) - set("^ )")]
    return lines[-1].removeprefix("tulia: ")[:300] if lines else "no reason given"
