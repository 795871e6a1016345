"""Telling the other processes of this machine that something changed, so that what they remember of it is read again.

A file's time of change in the data directory, set by hand to the nanosecond: looking costs three microseconds and nothing of
the database. Processes with data directories of their own are not told, so what is remembered must run out by itself too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.conf import settings

from tulia.core import logs

_log = logs.get(__name__)


class Stamp:
    """When something last changed, as far as this data directory tells."""

    def __init__(self, name: str) -> None:
        self._path = Path(settings.DATA_DIR) / f"{name}.changed"
        self._own = 0

    def seen(self) -> int:
        """A number that is another one after each change. Look before reading what is to be remembered."""
        try:
            return self._path.stat().st_mtime_ns + self._own
        except OSError:
            return self._own

    def change(self) -> None:
        """To be called once the change can be read by everybody. Where no file can be made, only this process is told."""
        self._own += 1
        now = time.time_ns()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            os.utime(self._path, ns=(now, now))
        except OSError as error:
            _log.warning("change_not_told", error=type(error).__name__)
