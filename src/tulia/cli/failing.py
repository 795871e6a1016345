"""How a command says that it can't: one line for people, an object for programs."""

from __future__ import annotations

import argparse
import json
import logging
import sys

_LONGEST_REASON = 300
_AWAY = ("08", "57P", "53300")  # PostgreSQL's codes of lost connections, of shutdown and start, of too many connections


class CommandFailed(Exception):
    """The command can't do its work; the message is one line that says why and what to do."""


def report(arguments: argparse.Namespace, *, code: str, message: str, details: object = None) -> int:
    """Prints why, also as JSON on standard output when that was asked for; the exit code."""
    print(f"tulia: {message}", file=sys.stderr)
    if getattr(arguments, "json", False):
        error = {"code": code, "message": message} | ({"details": details} if details else {})
        print(json.dumps({"error": error}, default=str))
    return 1


def database_failure(error: BaseException) -> str | None:
    """One line for an error that is the database's: away, just dying or starting, or out of something; else None."""
    import psycopg

    cause: BaseException | None = error
    while cause is not None:  # Django and the queue wrap it, one after the other
        if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            is_away = cause.sqlstate is None or cause.sqlstate.startswith(_AWAY)
            reason = " ".join(str(cause).split()) or type(cause).__name__
            return f"the database can't {'be reached' if is_away else 'go on'}: {reason[:_LONGEST_REASON]}"
        cause = cause.__cause__
    return None


def keep_drivers_quiet() -> None:
    """The driver's warnings about connections that it tries again go to the log once there is one, else nowhere: what
    comes of it is said in one line."""
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
