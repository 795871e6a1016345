"""What a campaign brought and what it cost. Amounts of different currencies are never added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from tulia.core import sql
from tulia.reports.tally import Tally

COST_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Revenue:
    """What orders and bookings of one currency came to (`currency` empty: none was named), and from how many people."""

    currency: str
    revenue_micros: int
    conversions: int
    people: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Of delivered messages, and set aside for those on their way, in micros of US dollars; and for each result.

    The cost for each result counts what was spent; None when nobody stands below the line.
    """

    spent_micros: int = 0
    reserved_micros: int = 0
    per_delivered_micros: float | None = None
    per_reply_micros: float | None = None
    per_conversion_micros: float | None = None
    currency: str = COST_CURRENCY


@dataclass(frozen=True, slots=True)
class Return:
    """(Revenue − cost) / cost in percent; None when it can't be said, and then `reason` says why."""

    percent: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    revenue: tuple[Revenue, ...]
    cost: Cost
    roi: Return

    @property
    def single_revenue_micros(self) -> int | None:
        """The revenue as one number: only where it is of one currency. 0 when there is none at all."""
        return single(self.revenue)


RevenueByArm = dict[int | None, tuple[Revenue, ...]]


def revenue_by_arm(tenant_id: UUID, campaign_id: UUID) -> RevenueByArm:
    """One query. Call in the tenant's scope."""
    rows = sql.fetch_all(sql.load("reports", "revenue"), {"tenant_id": tenant_id, "campaign_id": campaign_id})
    found: RevenueByArm = {}
    for arm, *line in rows:
        found[arm] = (*found.get(arm, ()), Revenue(*line))
    return found


def all_together(by_arm: RevenueByArm) -> tuple[Revenue, ...]:
    """The revenue of all arms, in order of currency. A person has one arm, so that people add up."""
    sums: dict[str, list[int]] = {}
    for one in (one for lines in by_arm.values() for one in lines):
        known = sums.setdefault(one.currency, [0, 0, 0])
        known[:] = (known[0] + one.revenue_micros, known[1] + one.conversions, known[2] + one.people)
    return tuple(Revenue(currency, *sums[currency]) for currency in sorted(sums))


def single(revenue: Iterable[Revenue]) -> int | None:
    """The revenue as one number; None when it is of several currencies. What brought nothing has no currency."""
    amounts = [one.revenue_micros for one in revenue if one.revenue_micros]
    return amounts[0] if len(amounts) == 1 else None if amounts else 0


def weigh(revenue: tuple[Revenue, ...], counted: Tally) -> Money:
    """Revenue against the cost of these people."""
    cost = cost_of(counted)
    earned = {one.currency: one.revenue_micros for one in revenue}
    return Money(revenue, cost, return_on(cost.spent_micros, earned))


def cost_of(counted: Tally) -> Cost:
    """What the messages of these people cost."""
    spent = counted.sum(lambda cell: cell.spent_micros)
    return Cost(
        spent_micros=spent,
        reserved_micros=counted.sum(lambda cell: cell.reserved_micros),
        per_delivered_micros=_per(spent, counted.sum(lambda cell: cell.delivered)),
        per_reply_micros=_per(spent, counted.sum(lambda cell: cell.replied)),
        per_conversion_micros=_per(spent, counted.sum(lambda cell: cell.converted)),
    )


def return_on(spent: int, earned: Mapping[str, int]) -> Return:
    """The return on what was spent, from what was earned by currency."""
    if not spent:
        return Return(None, "No cost is recorded, so there is nothing to compare the revenue with.")
    earning = {currency: micros for currency, micros in earned.items() if micros}
    others = sorted(currency or "an unnamed currency" for currency in earning if currency != COST_CURRENCY)
    if others:
        return Return(None, f"The cost is in {COST_CURRENCY}, and revenue is in {', '.join(others)}.")
    return Return(100.0 * (sum(earning.values()) - spent) / spent)


def _per(micros: int, people: int) -> float | None:
    return micros / people if people else None
