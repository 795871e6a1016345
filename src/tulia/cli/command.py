"""The `tulia` command: reads the arguments, calls the act, and says in one line what went wrong."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tulia.cli import (
    api_keys,
    bench,
    doctor,
    imports,
    processes,
    rehearsing,
    senders,
    stats,
    tenants,
    tiers,
    up,
    verifying,
)
from tulia.cli.failing import CommandFailed, database_failure, keep_drivers_quiet, report
from tulia.cli.installation import add_data_dir, database


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when it worked, 1 with one clear line when it didn't, 2 for arguments that make no sense."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["simulator"]:
        return processes.simulator(given[1:])
    if given[:2] == ["bench", "torture"]:
        return bench.torture(given[2:])
    if given[:1] == ["stats"]:
        return stats.run(given[1:])
    arguments = _parser().parse_args(given)
    if "data_dir" in arguments:
        os.environ["TULIA_DATA_DIR"] = str(Path(arguments.data_dir).absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tulia.config.settings")
    return _carried_out(arguments)


def _carried_out(arguments: argparse.Namespace) -> int:
    from django.core.exceptions import ImproperlyConfigured

    from tulia.config.embedded_postgres import PostgresUnavailable
    from tulia.core.errors import Refusal

    keep_drivers_quiet()
    gc.set_threshold(50_000, 50, 100)  # imports leave no garbage, and to look for it among them is a tenth of a start
    try:
        return int(arguments.run(arguments))
    except Refusal as refusal:
        return report(arguments, code=refusal.code, message=refusal.message, details=refusal.details)
    except ImproperlyConfigured as error:
        return report(arguments, code="misconfigured", message=str(error))
    except (PostgresUnavailable, CommandFailed) as error:
        return report(arguments, code="unavailable", message=str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        said = database_failure(error)
        if said is None:
            raise
        return report(arguments, code="unavailable", message=said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tulia", description="Message campaigns on WhatsApp, self-hosted.")
    add_data_dir(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up.add(commands)
    processes.add(commands)
    migrate = commands.add_parser("migrate", help="bring the database to this version")
    migrate.add_argument("--check-missing", action="store_true", help="only say whether a model lacks its migration")
    migrate.set_defaults(run=_migrate)
    add_data_dir(migrate)
    tenants.add(commands)
    tiers.add(commands)
    api_keys.add(commands)
    senders.add(commands)
    imports.add(commands)
    rehearsing.add(commands)
    verifying.add(commands)
    doctor.add(commands)
    stats.add(commands)
    bench.add(commands)
    return parser


def _migrate(arguments: argparse.Namespace) -> int:
    os.environ["TULIA_AS_OWNER"] = "1"  # before anything reads the settings
    with database():
        import django

        django.setup()
        from tulia.cli import migrate

        if arguments.check_missing:
            return int(migrate.has_missing_migrations())
        migrate.migrate()
    return 0
