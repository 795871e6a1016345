"""The one place that reads the clock."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LOOK_SECONDS = 0.1


class _Wrong:
    """How wrong this process's clock is, as a file says: for the torture instrument, whose clocks jump."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = timedelta()
        self._look_at = 0.0

    def offset(self) -> timedelta:
        """Looks into the file ten times a second at most; one that can't be read changes nothing."""
        if (moment := time.monotonic()) >= self._look_at:
            self._look_at = moment + _LOOK_SECONDS
            with contextlib.suppress(OSError, ValueError):
                self._offset = timedelta(seconds=float(self._path.read_text()))
        return self._offset


_wrong: _Wrong | None = None


def follow(path: str) -> None:
    """From now on the clock is wrong by as many seconds as this file says; an empty path is no file."""
    global _wrong
    _wrong = _Wrong(Path(path)) if path else None


def now() -> datetime:
    """The present instant, in UTC."""
    present = datetime.now(tz=UTC)
    return present if _wrong is None else present + _wrong.offset()
