"""The whole state of the simulated platform in one place; what happens in it is in the modules named for acts."""

from __future__ import annotations

import time
from collections import Counter
from typing import Literal

from whatsapp_simulator.callbacks import Update
from whatsapp_simulator.clock import VirtualClock
from whatsapp_simulator.config import Config
from whatsapp_simulator.delivering import Delivering
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.faults import Faults
from whatsapp_simulator.ledger import Ledger
from whatsapp_simulator.portfolio import Portfolio
from whatsapp_simulator.senders import Senders
from whatsapp_simulator.templates import Registry
from whatsapp_simulator.timeline import Timeline
from whatsapp_simulator.watching import Watching

Category = Literal["marketing", "marketing_lite", "utility", "authentication", "service", "service_free"]
CATEGORIES: tuple[Category, ...] = (
    "marketing",
    "marketing_lite",
    "utility",
    "authentication",
    "service",
    "service_free",
)
WINDOW_S = 24 * 3600.0


class World:
    """Numbers, people's preferences, messages, and everything that is still to happen."""

    def __init__(self, seed: int, scale: float, config: Config) -> None:
        self.seed = seed
        self.config = config
        self.clock = VirtualClock(scale)
        self.timeline = Timeline(self.clock.now, lambda: self.clock.scale, grain=0.005)
        self.senders = Senders()
        self.faults = Faults(time.monotonic)
        self.delivering = Delivering(
            self.clock, self.timeline, lambda: self.config, lambda: self.seed, self.senders.get, self._acknowledged
        )
        self.generation = 0
        self.watching = Watching()
        self._begin()

    def _begin(self) -> None:
        self._salt = str(time.time_ns())
        self._traces = 0
        self.ledger = Ledger()
        self.templates = Registry()
        self.portfolio = Portfolio()
        self.stopped: set[tuple[str, str]] = set()
        """(account, person) pairs that natively stopped marketing messages."""
        self.tries: dict[tuple[str, str], int] = {}
        """(person, opaque data) → requests so far, of people whose magic refuses the first ones."""
        self.refused: Counter[int] = Counter()
        """Synchronous refusals by code; an HTTP status where the answer has no code."""
        self.inbound_count = 0

    def reset(self, seed: int) -> None:
        """Begin again with `seed`: numbers and settings stay, messages, templates, preferences and faults go."""
        self.seed = seed
        self.generation += 1
        self.timeline.clear()
        self.delivering.forget()
        self.faults.replace([])
        for sender in self.senders:
            sender.forget()
        self._begin()

    def _acknowledged(self, number_id: str, updates: list[Update]) -> None:
        if self.config.watch:
            self.watching.acknowledged(number_id, updates, time.time())

    @property
    def idle(self) -> bool:
        """Whether nothing is still to happen or to be told."""
        return not len(self.timeline) and self.delivering.idle

    def tail(self, *key: str) -> bytes:
        """Sixteen bytes for a message id; the salt keeps ids of different runs apart."""
        return Draws(self.seed, self.config.wamid_salt or self._salt, *key).raw("id")

    def trace(self) -> str:
        """A new trace id for an error."""
        self._traces += 1
        return "A" + Draws(self.seed, "trace", str(self._traces)).raw("id").hex()[:22]

    def stamp(self, moment: float) -> int:
        """Epoch seconds of a virtual moment, as the settings want them."""
        return self.clock.stamp(moment, self.config.timestamps)
