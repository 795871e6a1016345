"""What each arm came to, and whether two arms differ."""

from __future__ import annotations

from dataclasses import dataclass

from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.experiments import proportions
from tulia.experiments.proportions import Inconclusive


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm, in people; times in seconds, money in micros."""

    index: int
    name: str
    content: str
    assigned: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    responded: int = 0
    converted: int = 0
    failed: int = 0
    average_response_seconds: float | None = None
    median_response_seconds: float | None = None
    revenue_micros: int = 0

    def count_of(self, metric: str) -> int:
        return {"responded": self.responded, "read": self.read, "converted": self.converted}[metric]


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


def arms_of(campaign: MessageCampaign) -> tuple[Arm, ...]:
    """Every arm of a campaign, in order; the one arm of a campaign that is no test. One query, in the tenant's scope."""
    rows = sql.fetch_all(sql.load("reports", "arms"), {"tenant_id": campaign.tenant_id, "campaign_id": campaign.pk})
    counted = {row[0]: row[1:] for row in rows}
    named = (
        [(variant.get("name", ""), variant.get("content", "")) for variant in campaign.variants]
        if campaign.is_ab_test
        else [(campaign.name, campaign.message_content)]
    )
    return tuple(Arm(index, name, content, *counted.get(index, ())) for index, (name, content) in enumerate(named))


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
