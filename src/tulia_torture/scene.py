"""Who sends to whom under which rules: the shops of a run, so made that each rule is at stake (pure).

Every shop has a number of its own at the provider, which takes whatever comes as fast as it comes: that a limit is
kept is the product's doing alone.
"""

from __future__ import annotations

from dataclasses import dataclass

MARKETING_MICROS = 22_500
"""What a marketing message to +254 costs by the provider's card of October 2026."""
SERVICE_MICROS = 4_000
NIGHT, DAWN, DAY = "Etc/GMT+3", "Etc/GMT", "Etc/GMT-12"
"""Where it stays quiet for three hours when a run begins, where the quiet hours are just about to end, and where they
are six hours away on both sides."""
ZONE_SECONDS = {NIGHT: -3 * 3_600, DAWN: 0, DAY: 12 * 3_600}
"""How far the wall clocks there are ahead of UTC."""
QUIET_BEFORE_SECONDS, QUIET_AFTER_SECONDS = 6 * 3_600, 80
"""How long before the beginning of a run the quiet hours of a shop with a night began, and how long after it they end."""
SEGMENTS = 12
"""Customers are tagged s0 … s11, a twelfth of them each."""
_SPECIAL = frozenset({26, 47, 49, 50, 56, 72, 200, 210, 211, 212, 220, 221, 230, 240, 408, 429, 500, 503, 599})
_ENDINGS = tuple(ending for ending in range(10_000) if ending not in _SPECIAL)


@dataclass(frozen=True, slots=True)
class Shop:
    """One tenant. None is no rule; `cap` is messages in seven days, `messages_a_day` its tier's limit, `people_a_day`
    the messaging limit of its number; with `has_night` every second customer lives where it is quiet when a run begins."""

    name: str
    position: int
    rate: int
    people: int
    kinds: tuple[str, ...]
    has_night: bool = False
    cap: int | None = None
    messages_a_day: int | None = None
    people_a_day: int | None = None

    @property
    def tier(self) -> str:
        """Of the three tiers only one shop has this one, so that its limit can be set at will."""
        return "growth" if self.messages_a_day is not None else "enterprise"

    @property
    def number_id(self) -> str:
        return f"1065{self.position:04d}"

    def phone(self, index: int) -> str:
        """The phone of the `index`-th customer; the simulator treats none of them specially."""
        block, rest = divmod(index, len(_ENDINGS))
        return f"+2547{self.position % 10}{block:03d}{_ENDINGS[rest]:04d}"

    def zone(self, index: int) -> str:
        if not self.has_night:
            return "Africa/Nairobi"
        return (DAY, NIGHT, DAY, DAWN)[index % 4]

    def segment(self, index: int) -> int:
        return (index // 4) % SEGMENTS

    def size(self, segment: int) -> int:
        return sum(1 for index in range(self.people) if self.segment(index) == segment)


def shops(kills: int) -> tuple[Shop, ...]:
    """The shops of a run with so many kills: more people where a cap or a limit would soon leave nobody to send to."""
    long = max(1, kills // 20)
    return (
        # A winner is decided after two minutes at the earliest: a short run would wait for little else.
        Shop("plain", 1, 40, 1_200, ("plain", "text", "budget", *(("winner",) if kills >= 100 else ()))),
        Shop("night", 2, 25, 1_200, ("plain", "holdout"), has_night=True),
        Shop("cap", 3, 25, min(900 * long, 5_000), ("plain", "budget"), cap=2),
        Shop("tier", 4, 25, 1_200, ("plain", "holdout"), messages_a_day=500 * long),
        Shop("number", 5, 15, min(900 * long, 4_000), ("plain",), people_a_day=min(250 * long, 2_500)),
    )
