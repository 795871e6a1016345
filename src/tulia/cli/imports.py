"""`tulia import`: customers, orders, bookings and messages from a file or from standard input."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tulia.cli.failing import CommandFailed
from tulia.cli.installation import add_data_dir, ready

if TYPE_CHECKING:
    from tulia.audience.imports import ImportResult

_KINDS = ("customers", "orders", "bookings", "messages")
_ERRORS_SHOWN = 20


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    importing = commands.add_parser("import", help="read customers, orders, bookings or messages from a file")
    importing.add_argument("kind", choices=_KINDS)
    importing.add_argument("file", help="CSV or JSON lines, plain or gzip; - is standard input")
    importing.add_argument("--tenant", required=True, metavar="SLUG")
    importing.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(importing)
    importing.set_defaults(run=_import)


def _import(arguments: argparse.Namespace) -> int:
    with _opened(arguments.file) as source, ready():
        from tulia.audience_service import AudienceService
        from tulia.core import threads
        from tulia.tenants import api_keys, queries

        threads.hand_over_often()  # who reads the file keeps who stores it waiting at each of its statements
        tenant = queries.by_slug(arguments.tenant)
        result = AudienceService(api_keys.operator(tenant.id)).import_file(arguments.kind, source)
    if arguments.json:
        print(json.dumps(_as_json(result)))
    else:
        _print(result)
    return 0


@contextlib.contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with contextlib.ExitStack() as held:
        try:
            file = held.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise CommandFailed(f"{name} can't be read: {error.strerror}") from error
        yield file


def _as_json(result: ImportResult) -> dict[str, object]:
    return {
        "created": result.created,
        "updated": result.updated,
        "rejected": result.rejected,
        "errors": [{"line": fault.line, "error": fault.error} for fault in result.errors],
    }


def _print(result: ImportResult) -> None:
    print(
        f"{result.created:,} created, {result.updated:,} updated, {result.unchanged:,} unchanged, "
        f"{result.rejected:,} rejected"
    )
    for fault in result.errors[:_ERRORS_SHOWN]:
        print(f"line {fault.line}: {fault.error}", file=sys.stderr)
    if result.rejected > _ERRORS_SHOWN:
        print(f"… and {result.rejected - _ERRORS_SHOWN:,} more (the first thousand with --json)", file=sys.stderr)
