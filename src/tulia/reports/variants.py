"""What each arm came to, and whether two arms differ."""

from __future__ import annotations

from dataclasses import dataclass, field

from tulia.campaigns.models import MessageCampaign
from tulia.experiments import proportions
from tulia.experiments.proportions import Inconclusive
from tulia.reports import money
from tulia.reports.money import Cost, Revenue, RevenueByArm
from tulia.reports.response_times import ResponseTimes, Spread
from tulia.reports.tally import Tally


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm, in people; times in seconds, revenue by currency."""

    index: int
    name: str
    content: str
    assigned: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    responded: int = 0
    clicked: int = 0
    converted: int = 0
    failed: int = 0
    average_response_seconds: float | None = None
    median_response_seconds: float | None = None
    revenue: tuple[Revenue, ...] = ()
    cost: Cost = field(default_factory=Cost)

    @property
    def revenue_micros(self) -> int | None:
        """The revenue as one number; None when it is of several currencies."""
        return money.single(self.revenue)

    def count_of(self, metric: str) -> int:
        counts = {"responded": self.responded, "read": self.read, "converted": self.converted, "clicked": self.clicked}
        return counts[metric]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms compared on the primary metric, per person assigned (see docs/glossary.md).

    `winner` is ``"variant_0"``, ``"variant_1"`` or None; `improvement_percentage` is the relative lift of the better
    over the other, None when there is no better one or the other's rate is zero; `reason` says why nothing is said.
    """

    metric: str
    z_score: float | None
    p_value: float | None
    is_significant: bool
    confidence_level: float | None
    winner: str | None
    improvement_percentage: float | None
    reason: str = ""


ALPHA = 0.05


def arms_of(campaign: MessageCampaign, counted: Tally, times: ResponseTimes, revenue: RevenueByArm) -> tuple[Arm, ...]:
    """Every arm of a campaign, in order, from what was counted of it; the one arm of a campaign that is no test."""
    named = (
        [(variant.get("name", ""), variant.get("content", "")) for variant in campaign.variants]
        if campaign.is_ab_test
        else [(campaign.name, campaign.message_content)]
    )
    return tuple(
        _arm(index, name, content, counted.of_arm(index), times.of_arm(index).to_reply, revenue.get(index, ()))
        for index, (name, content) in enumerate(named)
    )


def _arm(index: int, name: str, content: str, counted: Tally, to_reply: Spread, revenue: tuple[Revenue, ...]) -> Arm:
    return Arm(
        index,
        name,
        content,
        assigned=counted.sum(lambda cell: cell.people),
        sent=counted.sum(lambda cell: cell.sent),
        delivered=counted.sum(lambda cell: cell.delivered),
        read=counted.sum(lambda cell: cell.read),
        responded=counted.sum(lambda cell: cell.replied),
        clicked=counted.sum(lambda cell: cell.clicked),
        converted=counted.sum(lambda cell: cell.converted),
        failed=counted.sum(lambda cell: cell.failed),
        average_response_seconds=to_reply.mean_seconds,
        median_response_seconds=to_reply.median_seconds,
        revenue=revenue,
        cost=money.cost_of(counted),
    )


def compare(arms: tuple[Arm, ...], *, metric: str) -> Comparison | None:
    """The z-test of two arms; None when there aren't two."""
    if len(arms) != 2:
        return None
    first, second = arms
    result = proportions.pooled_z_test(
        first.count_of(metric), first.assigned, second.count_of(metric), second.assigned, alpha=ALPHA
    )
    if isinstance(result, Inconclusive):
        return Comparison(metric, None, None, is_significant=False, confidence_level=None, winner=None,
                          improvement_percentage=None, reason=result.reason)  # fmt: skip
    rates = [arm.count_of(metric) / arm.assigned for arm in arms]
    better = int(rates[1] > rates[0])
    lift = proportions.relative_lift(rates[better], rates[1 - better]) if rates[0] != rates[1] else None
    return Comparison(
        metric=metric,
        z_score=result.z,
        p_value=result.p_value,
        is_significant=result.is_significant,
        confidence_level=result.confidence_level,
        winner=f"variant_{better}" if result.is_significant else None,
        improvement_percentage=100 * lift if lift is not None else None,
    )
