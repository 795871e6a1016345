"""The `tulia` command."""

from tulia.cli.command import main

__all__ = ["main"]
