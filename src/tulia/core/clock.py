"""The one place that tells the time: the database's, which all processes of an installation share.

Machines' clocks differ and jump. Who compares instants that different processes wrote (who is due, who was claimed in
the last 24 hours) must not go by them: a person put back by a worker an hour ahead would wait an hour. So each process
says what the database's clock showed when it last heard of it, and how long ago that was by a clock that never jumps.
A process that has not spoken with the database goes by its own clock.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

_BELIEVED_SECONDS = 0.25
"""An answer of the database that took longer may be that old, and is not gone by if there was a better one before."""
_KEPT_SECONDS = 60.0


class _Heard(NamedTuple):
    """What the database's clock showed, and the reading of the steady clock then."""

    shown: datetime
    steady: float


_heard: _Heard | None = None
_offset_file: Path | None = None


def now() -> datetime:
    """The present instant, in UTC."""
    if _heard is not None:
        return _heard.shown + timedelta(seconds=time.monotonic() - _heard.steady)
    return _own()


def heard(shown: datetime, *, asked: float) -> None:
    """The database's clock showed this just now; it was asked when the steady clock (`time.monotonic`) read `asked`."""
    global _heard
    steady = time.monotonic()
    if steady - asked <= _BELIEVED_SECONDS or _heard is None or steady - _heard.steady > _KEPT_SECONDS:
        _heard = _Heard(shown, steady)


def follow(path: str) -> None:
    """From now on this process's own clock is wrong by as many seconds as this file says: for the torture instrument,
    whose clocks jump. An empty path is no file."""
    global _offset_file
    _offset_file = Path(path) if path else None


def forget() -> None:
    """Goes by the own clock until the database is heard of again."""
    global _heard
    _heard = None


def _own() -> datetime:
    present = datetime.now(tz=UTC)
    if _offset_file is not None:
        with contextlib.suppress(OSError, ValueError):
            present += timedelta(seconds=float(_offset_file.read_text()))
    return present
