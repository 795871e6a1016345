"""What the imports of all kinds have in common: batches of lines, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from tulia.audience.import_reading import Fault

L = TypeVar("L")


@dataclass(slots=True)
class Batch(Generic[L]):
    """Lines to be stored together, the faults found on the way, and how many lines a later one made void."""

    lines: list[L] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    superseded_count: int = 0

    def add(self, new: L) -> None:
        self.lines.append(new)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch. `touched` are the ids of what was created or updated, for those who ask for them."""

    created: int
    updated: int
    unchanged: int
    faults: tuple[Fault, ...]
    touched: tuple[UUID, ...]
