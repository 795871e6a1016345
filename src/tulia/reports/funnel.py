"""The funnel: the same people, fewer at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tulia.reports.tally import Cell, Tally

_STEPS: tuple[tuple[str, Callable[[Cell], int]], ...] = (
    ("targeted", lambda cell: cell.people),
    ("eligible", lambda cell: cell.eligible),
    ("sent", lambda cell: cell.sent),
    ("delivered", lambda cell: cell.delivered),
    ("read", lambda cell: cell.read),
    ("replied", lambda cell: cell.replied),
    ("converted", lambda cell: cell.converted),
)


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """People at one step; percent of those at the step before and of those targeted, None when there were none.

    Read counts receipts, which people can switch off, and conversions need no reply: so a step may hold more people
    than the one before it.
    """

    step: str
    people: int
    percent_of_previous: float | None
    percent_of_targeted: float | None


def of(counted: Tally) -> tuple[FunnelStep, ...]:
    """The funnel of people who were counted. The first step has nothing before it."""
    steps: list[FunnelStep] = []
    for name, count in _STEPS:
        people = counted.sum(count)
        targeted = steps[0].people if steps else people
        steps.append(
            FunnelStep(name, people, _percent(people, steps[-1].people) if steps else None, _percent(people, targeted))
        )
    return tuple(steps)


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
