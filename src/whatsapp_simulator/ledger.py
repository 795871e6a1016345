"""What was accepted and what became of it, in columns: about 40 bytes a message besides its opaque data.

States only move forward (accepted, sent, delivered, read); a failure stands unless the message arrives after all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from whatsapp_simulator.wamid import OUTBOUND_BYTES, mint_outbound

STATES = ("accepted", "sent", "delivered", "read", "failed")
ACCEPTED, SENT, DELIVERED, READ, FAILED = range(5)


def later_state(old: int, new: int) -> int:
    """The state after `new` was heard of in state `old`."""
    if new == FAILED:
        return old if old in (DELIVERED, READ) else FAILED
    if old == FAILED:
        return new if new in (DELIVERED, READ) else FAILED
    return max(old, new)


class SlidingSecond:
    """The highest number of moments in any one second (half-open: two moments exactly a second apart don't share one).

    Moments must come in order. All of them are kept, 8 bytes each.
    """

    __slots__ = ("_low", "highest", "moments")

    def __init__(self) -> None:
        self.moments = array("d")
        self._low = 0
        self.highest = 0

    def add(self, moment: float) -> None:
        """One more at `moment` (seconds)."""
        moments = self.moments
        moments.append(moment)
        low = self._low
        while moment - moments[low] >= 1.0:
            low += 1
        self._low = low
        count = len(moments) - low
        if count > self.highest:
            self.highest = count


class Ledger:
    """All accepted messages; a message is the index it was given."""

    __slots__ = (
        "_categories",
        "_codes",
        "_lanes",
        "_numbers",
        "_opaques",
        "_people",
        "_seconds",
        "_states",
        "_tails",
        "_times",
        "accepts_by_opaque",
        "bare_accepts",
        "by_state",
    )  # fmt: skip

    def __init__(self) -> None:
        self._people: list[str] = []
        self._opaques: list[str | None] = []
        self._tails = bytearray()
        self._numbers = array("H")
        self._lanes: dict[str, int] = {}
        self._times = array("d")
        self._states = bytearray()
        self._categories = bytearray()
        self._codes = array("i")
        self._seconds: list[SlidingSecond] = []
        self.by_state = [0, 0, 0, 0, 0]
        self.accepts_by_opaque: dict[str, int] = {}
        self.bare_accepts: dict[str, int] = {}
        """Accepts without opaque data, by recipient."""

    def __len__(self) -> int:
        return len(self._people)

    def ordinal(self, person: str, opaque: str | None) -> int:
        """How often this was accepted before: the same opaque data, or none for the same person."""
        if opaque is None:
            return self.bare_accepts.get(person, 0)
        return self.accepts_by_opaque.get(opaque, 0)

    def accept(
        self, number_id: str, person: str, opaque: str | None, tail: bytes, category: int, moment: float, wall: float
    ) -> int:
        """Enter a message; `moment` is on a steady clock, `wall` is epoch seconds."""
        index = len(self._people)
        self._people.append(person)
        self._opaques.append(opaque)
        self._tails += tail
        lane = self._lanes.get(number_id)
        if lane is None:
            lane = self._lanes[number_id] = len(self._lanes)
            self._seconds.append(SlidingSecond())
        self._seconds[lane].add(moment)
        self._numbers.append(lane)
        self._times.append(wall)
        self._states.append(ACCEPTED)
        self._categories.append(category)
        self._codes.append(0)
        self.by_state[ACCEPTED] += 1
        counts, key = (self.bare_accepts, person) if opaque is None else (self.accepts_by_opaque, opaque)
        counts[key] = counts.get(key, 0) + 1
        return index

    def advance(self, index: int, state: int, code: int = 0) -> None:
        """Hear that the message is now in `state` (with an error `code` when it failed)."""
        old = self._states[index]
        new = later_state(old, state)
        if new != old:
            self._states[index] = new
            self.by_state[old] -= 1
            self.by_state[new] += 1
        if code and new == FAILED:
            self._codes[index] = code

    def person(self, index: int) -> str:
        """The recipient: digits or user id."""
        return self._people[index]

    def opaque(self, index: int) -> str | None:
        """The opaque data it was sent with."""
        return self._opaques[index]

    def category(self, index: int) -> int:
        """The number of its category."""
        return self._categories[index]

    def wamid(self, index: int) -> str:
        """Its message id."""
        start = index * OUTBOUND_BYTES
        return mint_outbound(self._people[index], bytes(self._tails[start : start + OUTBOUND_BYTES]))

    def describe(self, index: int) -> dict[str, Any]:
        """``{id, phone_number_id, to, opaque, state, code, accepted_at}``."""
        return {
            "id": self.wamid(index),
            "phone_number_id": list(self._lanes)[self._numbers[index]],
            "to": self._people[index],
            "opaque": self._opaques[index],
            "state": STATES[self._states[index]],
            "code": self._codes[index] or None,
            "accepted_at": self._times[index],
        }

    def find(self, opaque: str | None, to: str | None, state: str | None) -> Iterator[int]:
        """Messages that match all that is given, oldest first."""
        wanted = None if state is None else STATES.index(state)
        for index, person in enumerate(self._people):
            if (
                (to is None or person == to)
                and (opaque is None or self._opaques[index] == opaque)
                and (wanted is None or self._states[index] == wanted)
            ):
                yield index

    def max_per_second(self) -> dict[str, int]:
        """For each number the most accepts in any one second."""
        return {number: self._seconds[lane].highest for number, lane in self._lanes.items()}

    def duplicates(self) -> list[str]:
        """Opaque data that was accepted more than once."""
        return [opaque for opaque, count in self.accepts_by_opaque.items() if count > 1]

    def accepts_by_to(self) -> dict[str, int]:
        """How many accepts each recipient had."""
        counts: dict[str, int] = {}
        for person in self._people:
            counts[person] = counts.get(person, 0) + 1
        return counts
