"""How a command says that it can't: one line for people, an object for programs."""

from __future__ import annotations

import argparse
import json
import sys


class CommandFailed(Exception):
    """The command can't do its work; the message is one line that says why and what to do."""


def report(arguments: argparse.Namespace, *, code: str, message: str, details: object = None) -> int:
    """Prints why, also as JSON on standard output when that was asked for; the exit code."""
    print(f"tulia: {message}", file=sys.stderr)
    if getattr(arguments, "json", False):
        error = {"code": code, "message": message} | ({"details": details} if details else {})
        print(json.dumps({"error": error}, default=str))
    return 1
