"""How the installation as a whole is doing: what waits and for how long, who works on it, how fast each sender sends.

For whoever watches: `/metrics` and `tulia doctor`. Everything comes from small tables and from the sums that the ledger
keeps, so that looking every few seconds costs nothing. Nobody's name, number or text is in it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from uuid import UUID

from tulia.core import sql
from tulia.ledger.status import NAMES, State
from tulia.tenants.scope import system_scope

SILENT_SECONDS = 30
"""A worker that said nothing for so long is taken for dead."""
LATE_SECONDS = 60
MOST_SENDERS = 200
MOST_CALLBACKS = 10_000
MOST_CAMPAIGNS = 5_000
_PATIENCE = "SET LOCAL statement_timeout = '5s'"


@dataclass(frozen=True, slots=True)
class Jobs:
    waiting: int
    oldest_seconds: float
    stalled: int


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Stored and not in the ledger yet; `waiting` is counted to 10,000."""

    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Worker:
    machine: str
    process_id: int
    version: str
    sender_count: int
    silent_seconds: float
    age_seconds: float


@dataclass(frozen=True, slots=True)
class SenderState:
    """One sender that is paused, or has campaigns that are sending."""

    sender_id: UUID
    tenant_id: UUID
    is_simulated: bool
    rate_per_second: int
    paused_reason: str
    sending_campaigns: int
    is_attended: bool
    sent_last_minute: int
    sending_since_seconds: float
    breaker_state: str = "closed"
    breaker_reason: str = ""

    @property
    def is_forgotten(self) -> bool:
        """Whether it has something to send, may, and no worker has taken it for a while."""
        return (
            self.sending_campaigns > 0
            and not self.is_attended
            and not self.paused_reason
            and self.sending_since_seconds > LATE_SECONDS
        )


@dataclass(frozen=True, slots=True)
class OpenCampaigns:
    """The campaigns of one status, and their people by the name of their state."""

    count: int = 0
    people: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    jobs: Jobs
    callbacks: Callbacks
    workers: tuple[Worker, ...]
    senders: tuple[SenderState, ...]
    campaigns: dict[str, OpenCampaigns]
    late_starts: int
    late_audiences: int
    connections: int
    connections_allowed: int
    seconds: float
    """How long it took to look."""


def look() -> Condition:
    """The condition now. Raises the database's error when it can't be told."""
    began = time.perf_counter()
    with system_scope():
        sql.execute(_PATIENCE)
        jobs = Jobs(*_row("jobs", silent_seconds=SILENT_SECONDS))
        callbacks = Callbacks(*_row("callbacks", most=MOST_CALLBACKS))
        workers = tuple(Worker(*row) for row in _rows("workers", silent_seconds=SILENT_SECONDS))
        senders = tuple(SenderState(*row) for row in _rows("senders", most=MOST_SENDERS))
        campaigns = {
            status: OpenCampaigns(count, _by_name(people))
            for status, count, people in _rows("campaigns", most=MOST_CAMPAIGNS)
        }
        late_starts, late_audiences = _row("late", late_seconds=LATE_SECONDS)
        connections, allowed = _row("connections")
    return Condition(
        jobs, callbacks, workers, senders, campaigns, late_starts, late_audiences, connections, allowed,
        time.perf_counter() - began,
    )  # fmt: skip


def _by_name(people: str) -> tuple[tuple[str, int], ...]:
    counted = {State(int(state)): int(count) for state, count in json.loads(people).items()}
    return tuple((NAMES[state], counted[state]) for state in sorted(counted))


def _rows(act: str, **params: int) -> list[sql.Row]:
    return sql.fetch_all(sql.load("reports", f"condition_{act}"), params)


def _row(act: str, **params: int) -> sql.Row:
    return _rows(act, **params)[0]
