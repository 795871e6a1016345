"""The `tulia` command: reads the arguments, finds the database, calls the act."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when it worked, 1 with one clear line when it didn't, 2 for arguments that make no sense."""
    from django.core.exceptions import ImproperlyConfigured

    from tulia.config.embedded_postgres import PostgresUnavailable

    arguments = _parser().parse_args(argv)
    if arguments.data_dir:
        os.environ["TULIA_DATA_DIR"] = str(Path(arguments.data_dir).absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tulia.config.settings")
    try:
        return int(arguments.run(arguments))
    except (PostgresUnavailable, ImproperlyConfigured) as error:
        print(f"tulia: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tulia", description="Message campaigns on WhatsApp, self-hosted.")
    parser.add_argument("--data-dir", help="where this installation keeps its files (default: TULIA_DATA_DIR)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    migrate = commands.add_parser("migrate", help="bring the database to this version")
    migrate.add_argument("--check-missing", action="store_true", help="only say whether a model lacks its migration")
    migrate.set_defaults(run=_migrate)
    return parser


def _migrate(arguments: argparse.Namespace) -> int:
    with database():
        os.environ["TULIA_AS_OWNER"] = "1"
        import django

        django.setup()
        from tulia.cli import migrate

        if arguments.check_missing:
            return int(migrate.has_missing_migrations())
        migrate.migrate()
    return 0


@contextlib.contextmanager
def database() -> Iterator[None]:
    """The database for the time of one command: DATABASE_URL, else the embedded server, started if need be."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    from tulia.config import embedded_postgres
    from tulia.config.data_dir import default_data_dir

    data_dir = Path(os.environ.get("TULIA_DATA_DIR") or default_data_dir())
    with embedded_postgres.running(data_dir) as cluster:
        os.environ["DATABASE_URL"] = cluster.url(embedded_postgres.APPLICATION_ROLE)
        os.environ["TULIA_OWNER_DATABASE_URL"] = cluster.url(embedded_postgres.OWNER_ROLE)
        yield
