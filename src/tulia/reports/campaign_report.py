"""The report of one campaign, as the API and the pages show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from tulia.campaigns.models import MessageCampaign
from tulia.experiments import proportions
from tulia.experiments.proportions import Inconclusive
from tulia.ledger.status import Role
from tulia.reports import balance, experiment_report, failures, incremental, money, response_times, tally, variants
from tulia.reports.balance import Balance
from tulia.reports.failures import FailureLine
from tulia.reports.incremental import Incremental
from tulia.reports.money import Money
from tulia.reports.response_times import Times
from tulia.reports.tally import Tally
from tulia.reports.variants import Arm, Comparison


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Everything a report says; a few queries, whatever the size. Rates are percent, 0.0 when nothing stands below."""

    campaign: MessageCampaign
    balance: Balance
    arms: tuple[Arm, ...]
    comparison: Comparison | None
    duration_seconds: float | None
    money: Money
    failures: tuple[FailureLine, ...] = ()
    times: Times = field(default_factory=Times)
    experiment: dict[str, Any] = field(default_factory=dict)
    incremental: Incremental | None = None

    def to_json(self) -> dict[str, Any]:
        """The stable shape of GET /v1/campaigns/{id}/report."""
        campaign = self.campaign
        sheet = asdict(self.balance) | {"is_balanced": self.balance.is_balanced}
        return {
            "campaign_id": campaign.pk,
            "name": campaign.name,
            "description": campaign.description,
            "status": campaign.status,
            "status_reason": campaign.status_reason,
            "created_at": campaign.created_at,
            "started_at": campaign.started_at,
            "completed_at": campaign.completed_at,
            "duration_seconds": self.duration_seconds,
            "targeting": {
                "criteria": campaign.target_criteria,
                "as_of": campaign.as_of,
                "total_targeted": self.balance.audience,
                "skipped_no_consent": self.balance.without_consent,
            },
            "delivery": {
                "delivery_count": campaign.delivery_count,
                "delivered_count": campaign.delivered_count,
                "failed_count": campaign.failed_count,
                "delivery_rate": campaign.calculate_delivery_rate(),
            },
            "engagement": {
                "read_count": campaign.read_count,
                "read_rate": campaign.calculate_read_rate(),
                "response_count": campaign.response_count,
                "engagement_rate": campaign.calculate_engagement_rate(),
                "click_count": sum(arm.clicked for arm in self.arms),
                "conversion_count": campaign.conversion_count,
                "conversion_rate": campaign.calculate_conversion_rate(),
                "revenue_micros": self.money.single_revenue_micros,
                "revenue": [asdict(one) for one in self.money.revenue],
            },
            "balance": sheet,
            "ab_test": self._test_to_json(),
            "failures": [asdict(line) for line in self.failures],
            "money": asdict(self.money),
            "response_times": asdict(self.times),
            "incremental": asdict(self.incremental) if self.incremental else None,
        }

    def _test_to_json(self) -> dict[str, Any]:
        campaign = self.campaign
        if not campaign.is_ab_test:
            return {"is_ab_test": False, "variants": [], "analysis": {}}
        compared = asdict(self.comparison) if self.comparison else None
        shown = [self._arm_to_json(arm) for arm in self.arms]
        if compared:
            for one in shown:
                one["statistical_comparison"] = compared
        return {
            "is_ab_test": True,
            "variants": shown,
            "analysis": {
                "primary_metric": campaign.primary_metric,
                "seed": campaign.seed,
                "denominator": "people assigned",
                "statistical_comparison": compared,
                **self.experiment,
            },
        }

    def _arm_to_json(self, arm: Arm) -> dict[str, Any]:
        return {
            "variant_index": arm.index,
            "variant_name": arm.name,
            "content": arm.content,
            "customer_count": arm.assigned,
            "sent_count": arm.sent,
            "delivered_count": arm.delivered,
            "delivery_rate": _percent(arm.delivered, arm.sent),
            "read_count": arm.read,
            "read_rate": _percent(arm.read, arm.delivered),
            "response_count": arm.responded,
            "engagement_rate": _percent(arm.responded, arm.delivered),
            "conversion_count": arm.converted,
            "conversion_rate": _percent(arm.converted, arm.delivered),
            "click_count": arm.clicked,
            "click_rate": _percent(arm.clicked, arm.delivered),
            "failed_count": arm.failed,
            "intervals": _intervals(arm),
            "avg_response_time_seconds": arm.average_response_seconds,
            "median_response_time_seconds": arm.median_response_seconds,
            "revenue_micros": arm.revenue_micros,
            "revenue": [asdict(one) for one in arm.revenue],
        }


def _intervals(arm: Arm) -> dict[str, list[float] | None]:
    """The 95 % intervals of the arm's rates, in percent; null where nobody stands below the line."""
    pairs = {
        "delivery_rate": (arm.delivered, arm.sent),
        "read_rate": (arm.read, arm.delivered),
        "engagement_rate": (arm.responded, arm.delivered),
        "click_rate": (arm.clicked, arm.delivered),
        "conversion_rate": (arm.converted, arm.delivered),
    }
    found = {name: proportions.wilson_interval(part, whole) for name, (part, whole) in pairs.items()}
    return {
        name: None if isinstance(one, Inconclusive) else [100 * one[0], 100 * one[1]] for name, one in found.items()
    }


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def generate(campaign: MessageCampaign, *, now: datetime) -> CampaignReport:
    """The report of this campaign as of now. Call in the tenant's scope."""
    counted = tally.of_campaign(campaign.tenant_id, campaign.pk)
    times = response_times.of_campaign(campaign)
    revenue = money.revenue_by_arm(campaign.tenant_id, campaign.pk)
    arms = variants.arms_of(campaign, counted, times, revenue)
    ended = campaign.completed_at or now
    return CampaignReport(
        campaign=campaign,
        balance=balance.of(counted),
        arms=arms,
        comparison=variants.compare(arms, metric=campaign.primary_metric) if campaign.is_ab_test else None,
        duration_seconds=(ended - campaign.started_at).total_seconds() if campaign.started_at else None,
        money=money.weigh(money.all_together(revenue), counted),
        failures=failures.of(counted),
        times=times.everyone,
        experiment=experiment_report.of_campaign(campaign, now=now) if campaign.is_ab_test else {},
        incremental=incremental.of_campaign(campaign, counted, now=now) if _has_holdout(counted) else None,
    )


def _has_holdout(counted: Tally) -> bool:
    return any(cell.role is Role.HELD_OUT for cell in counted.cells)
