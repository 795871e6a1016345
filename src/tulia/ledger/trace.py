"""What a worker that is gone has left to be seen of what it sent last."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from uuid import UUID


class Trace(Enum):
    """What there is of a worker instead of whose messages it may have put on the wire."""

    LIVES = auto()
    """It knows best what it has in flight, and will write it down."""
    LOST = auto()
    """Nobody can tell: any of them."""


WireReader = Callable[[UUID], frozenset[int] | Trace]
"""Whose messages a worker that is gone may have put on the wire, or why that isn't known."""
