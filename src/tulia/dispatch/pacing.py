"""How fast a sender sends: never above its limit in any one-second window (pure; time comes in as seconds).

Two things together. A token bucket filled a little below the limit, whose depth is small, makes messages leave evenly.
A record of when each message really left, kept for a little longer than a second, makes the limit exact: whoever was
given leave and hasn't left yet (a connection is being made, the process stalls) counts as leaving at any moment. So at
each grant, those that left within the window, those about to leave and the new ones together are at most the limit,
and no window can hold more: of the messages that leave in it the last one granted saw all others, gone or about to go.
The window is 8 % longer than a second, which is room for what passes between our clock and the provider's; as much as the
bucket, filled at 92 % of the limit, leaves without making anybody slower.

Throttling halves the pace, at most once a second and once for all messages that left at the old pace; it recovers by a
twentieth of the limit a second (additive increase, multiplicative decrease). When the provider names a time to wait,
nothing leaves before it has passed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FILL = 0.92
DEPTH, DEPTH_OF_SLOW_ONES, DEEP_ENOUGH = 0.04, 0.08, 40
PORTION, PORTIONS_A_SECOND = 0.75, 15
WINDOW_SECONDS = 1.08
_HALVE, _RECOVER_PER_SECOND = 0.5, 0.05
_SLOWEST_PER_SECOND = 0.1
FEWEST_IN_FLIGHT, MOST_IN_FLIGHT = 32, 1_024
FEWEST_UNSETTLED, MOST_UNSETTLED = 512, 2_048
FEWEST_ON_WIRE = 64
_BUSY, _AT_EASE = 0.85, 0.6
LATE_SECONDS, SMALLEST_SHARE = 0.02, 0.1
_LONG_AGO = float("-inf")


@dataclass(slots=True)
class Pacer:
    """The pace of one sender; `limit` messages a second, slowed down by throttling and recovering by itself.

    A message's way: `take` before it is known which it will be, then either `leave` when its bytes go out or
    `give_back` when they won't.
    """

    limit: int
    _tokens: float = field(default=0.0, init=False)
    _filled_at: float = field(default=0.0, init=False)
    _share: float = field(default=1.0, init=False)
    _slowed_at: float = field(default=_LONG_AGO, init=False)
    _held_until: float = field(default=_LONG_AGO, init=False)
    _left: deque[float] = field(default_factory=deque, init=False)
    _leaving: int = field(default=0, init=False)

    @property
    def depth(self) -> float:
        """Whole messages, and for small limits a part of one beside, so that who asks a little late loses nothing.

        Chosen so that ⌊fill · limit + depth⌋ is never above the limit, and twice as deep up to forty messages: the deeper,
        the fewer claims.
        """
        whole = int(min(DEPTH_OF_SLOW_ONES * self.limit, max(DEPTH * self.limit, DEEP_ENOUGH)))
        return max(1.0 + min(0.5, 0.07 * self.limit), float(whole))

    @property
    def pace(self) -> float:
        """Messages a second at present."""
        return FILL * self.limit * self._share

    @property
    def is_slowed(self) -> bool:
        """Whether throttling still tells."""
        return self._share < 1.0

    @property
    def portion(self) -> int:
        """Fewer messages than these are not given leave at once: a claim costs the database the same for one as for a
        hundred, and at a hundred a second one for each message was half of all its work."""
        return max(1, int(min(PORTION * self.depth, self.pace / PORTIONS_A_SECOND)))

    def room(self, now: float) -> int:
        """How many messages may leave at this moment; none as long as it isn't a whole portion."""
        since, self._filled_at = self._filled_at, max(now, self._filled_at)
        if now < self._held_until:
            self._tokens = 0.0  # whoever was given leave and stayed gave it back: it begins slowly all the same
            return 0
        elapsed = max(0.0, now - max(since, self._held_until))
        self._share = min(1.0, self._share + _RECOVER_PER_SECOND * elapsed)
        self._tokens = min(self.depth, self._tokens + elapsed * self.pace)
        while self._left and self._left[0] <= now - WINDOW_SECONDS:
            self._left.popleft()
        room = min(int(self._tokens), self.limit - len(self._left) - self._leaving)
        return room if room >= self.portion else 0

    def take(self, count: int) -> None:
        """`count` messages are about to leave; not more than `room` said."""
        self._tokens -= count
        self._leaving += count

    def leave(self, now: float, count: int = 1) -> None:
        """`count` of them leave at this moment."""
        self._leaving -= count
        self._left.extend([now] * count)

    def give_back(self, count: int = 1) -> None:
        """`count` of them won't leave after all."""
        self._leaving -= count
        self._tokens = min(self.depth, self._tokens + count)

    def wait(self, now: float) -> float:
        """Seconds from now until one more portion may leave, if nothing else happens."""
        if now < self._held_until:
            return self._held_until - now
        filled = max(0.0, (self.portion - self._tokens) / self.pace)
        too_many = len(self._left) + self._leaving + self.portion - self.limit
        if self._left and too_many > 0:
            return max(filled, self._left[min(too_many, len(self._left)) - 1] + WINDOW_SECONDS - now)
        return filled

    def slow_down(self, now: float, *, left_at: float | None = None) -> None:
        """The provider said that we are too fast, of a message that left at `left_at`: half the pace.

        At most once a second, not again for what left before we had slowed down, and never below one in ten seconds.
        """
        if now - self._slowed_at < 1.0 or (left_at is not None and left_at <= self._slowed_at):
            return
        self._slowed_at = now
        self._share = max(_HALVE * self._share, min(1.0, _SLOWEST_PER_SECOND / (FILL * self.limit)))
        self._tokens = 0.0

    def hold(self, until: float) -> None:
        """The provider named a time to wait: nothing leaves before `until`, and then it begins slowly."""
        self._held_until = max(self._held_until, until)
        self._tokens = 0.0

    def held_for(self, now: float) -> float:
        """Seconds for which nothing at all may leave because the provider asked for it."""
        return max(0.0, self._held_until - now)

    def change_limit(self, limit: int) -> None:
        """The limit is another from now on; what left under the old one counts."""
        if limit != self.limit:
            self.limit = limit
            self._tokens = min(self._tokens, self.depth)


@dataclass(slots=True)
class MostOnWire:
    """How many messages may be under way at once, of those that could be: few at first, and more while the provider takes
    long and this process can do more, the faster the more it is at ease. When it is busy through and through, more of them
    only make each one dearer (512 at once cost half as much again as 64), and so do their connections, which all go on
    being used in turn."""

    most: int = MOST_IN_FLIGHT
    count: int = field(default=FEWEST_ON_WIRE, init=False)

    def measured(self, busy: float, *, are_some_waiting: bool) -> None:
        """In the last moments the process was at work for this share of the time, and now some messages wait or none."""
        if busy > _BUSY:
            self.count = max(FEWEST_ON_WIRE, self.count * 3 // 4)
        elif are_some_waiting:
            self.count = min(self.most, self.count * 2 if busy < _AT_EASE else self.count + FEWEST_ON_WIRE // 8)


@dataclass(slots=True)
class MostInFlight:
    """How many messages may be without an answer at once: as few as the rate needs, for they are unknown if the provider
    falls silent now, and go out in spite of a pause. Little's law with half as much again, and a batch."""

    rate: int
    _delay: float = field(default=0.0, init=False)

    def answered(self, seconds: float) -> None:
        """An answer came after so long."""
        self._delay += 0.1 * (seconds - self._delay)

    @property
    def count(self) -> int:
        needed = self.rate * (max(0.1, 1.5 * self._delay) + DEPTH)
        return int(max(FEWEST_IN_FLIGHT, min(MOST_IN_FLIGHT, needed)))

    @property
    def most_unsettled(self) -> int:
        """How many may be in flight, or answered and not yet in the ledger, which knows no more of these than of those if
        the process is killed now. What is written at once of more than 2,000 a second is more, too."""
        return max(FEWEST_UNSETTLED, self.count, min(MOST_UNSETTLED, self.rate // 4))


@dataclass(slots=True)
class Crowding:
    """How busy a process is with the messages of several senders, told by how late its timers are.

    When they are late, all send with fewer at a time, so that whoever has few is not kept waiting behind crowds.

    Not the same as `MostOnWire`, though both thin out what a busy process has begun: that one keeps messages that are
    claimed from being begun, which costs no speed and gains some; this one keeps people from being claimed, which costs
    speed (a claim costs the same for one as for many), so it waits until somebody else would be kept waiting. A process
    at work all the time isn't late as long as its turns are short.
    """

    share: float = 1.0
    """Of what each may have in flight."""

    def late(self, seconds: float) -> None:
        """A timer was so late; asked about twenty times a second."""
        if seconds > LATE_SECONDS:
            self.share = max(SMALLEST_SHARE, 0.8 * self.share)
        else:
            self.share = min(1.0, self.share + 0.02)
