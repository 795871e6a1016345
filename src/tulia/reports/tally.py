"""Everyone of a campaign, counted once by what happened to them; most figures of a report are sums of these cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from tulia.core import sql
from tulia.ledger.status import Role, State

ON_THEIR_WAY = (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SENT)


@dataclass(frozen=True, slots=True)
class Cell:
    """People of one role and arm (None: of no arm), in one state, for one cause; and how many of them did what."""

    role: Role
    arm: int | None
    state: State
    reason: str
    failure_class: str
    failure_code: str
    people: int
    sent: int
    read: int
    replied: int
    clicked: int
    converted: int
    noted_cost_micros: int = 0

    @property
    def delivered(self) -> int:
        return self.people if self.state >= State.DELIVERED else 0

    @property
    def failed(self) -> int:
        return self.people if self.state is State.FAILED else 0

    @property
    def eligible(self) -> int:
        """People who were neither left out nor held out."""
        return 0 if self.state is State.SKIPPED or self.role is Role.HELD_OUT else self.people

    @property
    def spent_micros(self) -> int:
        """What the delivered messages cost, in US dollars."""
        return self.noted_cost_micros if self.state >= State.DELIVERED else 0

    @property
    def reserved_micros(self) -> int:
        """What is set aside for messages on their way. One that failed costs nothing, whatever was noted."""
        return self.noted_cost_micros if self.state in ON_THEIR_WAY else 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The cells of one campaign."""

    cells: tuple[Cell, ...] = ()

    def sum(self, count: Callable[[Cell], int]) -> int:
        return sum(count(cell) for cell in self.cells)

    def of_arm(self, arm: int) -> Tally:
        """Whoever was dealt this arm; not those who got it afterwards because it had won."""
        return Tally(tuple(cell for cell in self.cells if cell.arm == arm and cell.role is Role.DEALT))

    def of_role(self, role: Role) -> Tally:
        return Tally(tuple(cell for cell in self.cells if cell.role is role))


def of_campaign(tenant_id: UUID, campaign_id: UUID) -> Tally:
    """One query. Call in the tenant's scope."""
    return read(sql.fetch_all(sql.load("reports", "tally"), {"tenant_id": tenant_id, "campaign_id": campaign_id}))


def read(rows: Iterable[sql.Row]) -> Tally:
    return Tally(
        tuple(
            Cell(Role(role), arm, State(state), reason, kind or "", code or "", *counts)
            for role, arm, state, reason, kind, code, *counts in rows
        )
    )
