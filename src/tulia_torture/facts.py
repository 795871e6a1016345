"""What is known after a run: the provider's record, the ledger, and what was done to whom when (plain values).

Times are epoch seconds of this machine, whose clock nobody touched: the wrong clocks were those of the processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tulia_torture.scene import Shop

WAITING, DEFERRED, SENDING, UNKNOWN, HOLDOUT, SKIPPED, CANCELLED = 0, 1, 5, 6, 10, 11, 12
ACCEPTED, SENT, FAILED, DELIVERED, READ = 20, 25, 30, 40, 50
STATE_NAMES = {
    0: "waiting", 1: "deferred", 5: "sending", 6: "unknown", 10: "held out", 11: "skipped", 12: "canceled",
    20: "accepted", 25: "sent", 30: "failed", 40: "delivered", 50: "read",
}  # fmt: skip


class Message(NamedTuple):
    """A message that the provider took."""

    at: float
    number_id: str
    to: str
    reference: str
    state: str
    code: int | None
    message_id: str


class Asked(NamedTuple):
    """A request to send as the provider saw it; `doubt` is why its sender may not know what became of it."""

    at: float
    number_id: str
    to: str
    reference: str
    status: int
    is_accepted: bool
    doubt: str
    came_at: float
    """Epoch seconds when its bytes were in the provider's socket, however late the provider took it from there."""


class Told(NamedTuple):
    """What a person said, and when the installation first acknowledged that it had heard it."""

    at: float
    number_id: str
    key: str
    person: str
    text: str

    @property
    def is_stop(self) -> bool:
        said = self.text.upper()
        return said in ("STOP", "PREFERENCE: STOP") or said.startswith("BUTTON: STOP")


class Row(NamedTuple):
    """One person of one campaign, as the ledger has them; `reference` is what their message carries."""

    id: int
    campaign_id: str
    customer_id: str
    phone: str
    zone: str
    state: int
    role: int
    reason: str
    attempts: int
    cost_micros: int
    was_accepted: bool
    claimed_at: float = 0.0

    @property
    def reference(self) -> str:
        return f"t1:{self.campaign_id}:{self.id}"


@dataclass(frozen=True, slots=True)
class Act:
    """Something a user did to a campaign, and what they were told: refused (4xx) or done (2xx)."""

    campaign_id: str
    what: str
    asked_at: float
    answered_at: float
    status: int

    @property
    def is_done(self) -> bool:
        return self.status < 300


@dataclass(frozen=True, slots=True)
class Campaign:
    """One launched campaign: what it was to be, how it ended, its report, and whom the API shows as unknown."""

    id: str
    shop: str
    kind: str
    people: int
    price_micros: int
    budget_micros: int | None
    status: str
    status_reason: str
    report: dict[str, Any] = field(repr=False)
    shown_unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kill:
    """A death that we caused: at a line, or at a moment that the plan chose."""

    at: float
    process: str
    how: str


@dataclass(frozen=True, slots=True)
class Held:
    """A process that stood still from one moment to another."""

    process: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class ClockSet:
    """From this moment on a process's clock was wrong by so many seconds."""

    at: float
    process: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything of one run."""

    shops: tuple[Shop, ...]
    quiet_from: float
    quiet_seconds: float
    """The quiet hours of a shop with a night: when they begin, in seconds after midnight, and how long they last."""
    messages: tuple[Message, ...]
    asked: tuple[Asked, ...]
    told: tuple[Told, ...]
    rows: tuple[Row, ...]
    campaigns: tuple[Campaign, ...]
    acts: tuple[Act, ...] = ()
    kills: tuple[Kill, ...] = ()
    held: tuple[Held, ...] = ()
    clocks: tuple[ClockSet, ...] = ()
    on_the_wire: frozenset[int] = frozenset()
    """Whom killed workers had noted as on their way, and hadn't forgotten."""
    differences: tuple[str, ...] = ()
    """What `tulia verify` found."""
    recounted: int = 0
    forged: tuple[int, ...] = ()
    """The answers to callbacks with a wrong signature."""
    crashes: tuple[str, ...] = ()
    """Ends of processes that nobody ordered, and errors in their logs that nothing done here explains."""
    unapplied_callbacks: int = 0
    dead_callbacks: int = 0
    replies_left: int = 0
    """Answers to STOP that stay *being sent*, though nobody sends them."""
    credits: tuple[tuple[str, int], ...] = ()
    """Orders that were acknowledged, and how many conversions the ledger has of each."""
