"""What messages cost, by the dated rate card; estimates are list prices, before a reseller's fees and volume tiers."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from datetime import date

from tulia.channels.models import MessageRate

SERVICE = "service"
"""The category of a free text inside an open window."""
KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """What one delivered message to numbers of this calling code costs, in millionths of a US dollar."""

    calling_code: str
    market: str
    cost_micros: int


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates of one category on one day; `other` is for every calling code without a rate of its own."""

    category: str
    rates: dict[str, Rate]
    other: Rate

    def of(self, calling_code: str) -> Rate:
        return self.rates.get(calling_code, self.other)


def card(category: str, *, on: date) -> RateCard:
    """The rates in force on that day: of each calling code the latest that has begun, else its first.

    Kept for a minute, so that an operator's change of a rate is seen soon and nobody asks for the card each time.
    """
    return _card(category, on, int(time.monotonic() // KEPT_SECONDS))


@functools.lru_cache(maxsize=32)
def _card(category: str, on: date, minute: int) -> RateCard:
    del minute
    chosen: dict[str, Rate] = {}
    for row in MessageRate.objects.filter(category=category).order_by("calling_code", "effective_from"):
        if row.calling_code not in chosen or row.effective_from <= on:
            chosen[row.calling_code] = Rate(row.calling_code, row.market, row.cost_micros)
    other = chosen.pop("", Rate("", "Other", 0))
    return RateCard(category, chosen, other)
