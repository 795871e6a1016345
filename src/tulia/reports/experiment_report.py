"""What an experiment says now: its statistics, and a sentence for each finding."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tulia.campaigns import experiment
from tulia.campaigns.models import MessageCampaign
from tulia.experiments import words
from tulia.experiments.analysis import Analysis, ArmFinding, Comparison, analyse
from tulia.experiments.counts import Inconclusive
from tulia.experiments.sample_ratio import SampleRatio
from tulia.experiments.several import Omnibus
from tulia.experiments.verdict import Harm
from tulia.ledger import outcomes

NOUNS = {"responded": "replies", "read": "reads", "converted": "people who ordered or booked", "clicked": "clicks"}
VETOES = {
    "sample_ratio": "the groups are not of the planned sizes, so they can't be compared",
    "guardrail": "the variant with the best result does harm by a guarded metric",
    "window_open": "some people of the test still had time to respond",
    "too_few_events": "too few people did it to choose by",
}


def of_campaign(campaign: MessageCampaign, *, now: datetime) -> dict[str, Any]:
    """Everything beyond the counts of each arm, as the report shows it; two queries. Call in the tenant's scope."""
    found = outcomes.of_campaign(campaign, now=now)
    analysis = analyse(
        found.arms,
        experiment.plan_of(campaign),
        is_final=found.is_final,
        guardrails=found.guardrails,
        uncounted=found.held_out,
    )
    said = to_json(analysis)
    return {
        "assignment": campaign.assignment or "random",
        "outcome_window_minutes": experiment.window_of(campaign) // timedelta(minutes=1),
        "plan": campaign.experiment_plan,
        **said,
        "winner": _winner(campaign, found.rolled_out),
        "findings": [*_of_winner(campaign), *words.sentences(analysis, noun=NOUNS[campaign.primary_metric])],
    }


def to_json(found: Analysis) -> dict[str, Any]:
    """An analysis in the report's units: rates, differences and lifts in percent, p-values and probabilities from 0 to 1."""
    verdict, posterior = found.verdict, found.posterior
    return {
        "is_final": found.is_final,
        "share_matured": found.share_matured,
        "alpha": found.alpha,
        "verdict": {
            "kind": verdict.kind,
            "variant": verdict.arm,
            "beaten": list(verdict.beaten),
            "tied": list(verdict.tied),
            "code": verdict.code,
            "reason": verdict.reason,
        },
        "arms": [_arm(arm) for arm in found.arms],
        "comparisons": [_comparison(one) for one in found.comparisons],
        "omnibus": _omnibus(found.omnibus),
        "sample_ratio": _split(found.split),
        "guardrails": [_harm(one) for one in found.guardrails],
        "probability_best": list(posterior.best) if posterior else None,
        "expected_loss_points": [100 * loss for loss in posterior.expected_loss] if posterior else None,
        "detectable_points": _percent_or_none(found.detectable),
        "planned_detectable_points": _percent_or_none(found.planned_detectable),
    }


def _arm(arm: ArmFinding) -> dict[str, Any]:
    return {
        "name": arm.name,
        "assigned": arm.assigned,
        "people": arm.people,
        "successes": arm.successes,
        "rate": None if arm.rate is None else 100 * arm.rate,
        "interval": _percents(arm.interval),
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    always = one.sequential
    return {
        "first": one.first,
        "second": one.second,
        "z_score": one.z,
        "p_value": one.p_value,
        "adjusted_p_value": one.tested.adjusted_p,
        "is_exact": one.tested.is_exact,
        "is_significant": one.is_significant,
        "difference_points": None if one.difference is None else 100 * one.difference,
        "interval": _percents(one.interval),
        "lift_percentage": None if one.lift is None else 100 * one.lift,
        "lift_interval": _percents(one.lift_interval),
        "interval_level": 1 - one.interval_alpha,
        "always_valid": None
        if isinstance(always, Inconclusive)
        else {
            "p_value": one.tested.sequential_p,
            "adjusted_p_value": one.tested.adjusted_sequential_p,
            "interval": _percents(always.interval),
            "level": 1 - always.alpha,
        },
    }


def _omnibus(found: Omnibus | Inconclusive | None) -> dict[str, Any] | None:
    if found is None or isinstance(found, Inconclusive):
        return None
    return {"chi_square": found.chi_square, "degrees": found.degrees, "p_value": found.p_value}


def _split(found: SampleRatio | Inconclusive) -> dict[str, Any] | None:
    if isinstance(found, Inconclusive):
        return None
    return {
        "expected": list(found.expected),
        "chi_square": found.chi_square,
        "p_value": found.p_value,
        "always_valid_p_value": found.always_valid_p,
        "is_exact": found.is_exact,
        "is_mismatch": found.is_mismatch,
    }


def _harm(one: Harm) -> dict[str, Any]:
    return {
        "name": one.name,
        "variant": one.arm,
        "events": one.events,
        "people": one.people,
        "reference_events": one.reference_events,
        "reference_people": one.reference_people,
        "always_valid_p_value": one.always_valid_p,
        "is_harmed": one.is_harmed,
    }


def _winner(campaign: MessageCampaign, rolled_out: int) -> dict[str, Any] | None:
    chosen = experiment.auto_winner_of(campaign)
    if chosen is None:
        return None
    decide_at = campaign.audience_frozen_at + chosen.decide_after if campaign.audience_frozen_at else None
    return {
        "test_percent": chosen.test_percent,
        "decide_at": decide_at,
        "if_undecided": chosen.if_undecided,
        "decided_at": campaign.winner_decided_at,
        "variant": campaign.winner_variant,
        "is_selected": campaign.winner_decided_at is not None and not campaign.winner_reason,
        "reason": campaign.winner_reason,
        "rest": rolled_out,
    }


def _of_winner(campaign: MessageCampaign) -> list[str]:
    """What was chosen for the rest; never stronger than that."""
    chosen = experiment.auto_winner_of(campaign)
    if chosen is None:
        return []
    if campaign.winner_decided_at is None:
        if campaign.audience_frozen_at is None:
            return []
        at = campaign.audience_frozen_at + chosen.decide_after
        return [f"The variant for the rest is chosen at {at:%Y-%m-%d %H:%M} UTC."]
    names = [variant.get("name", "") for variant in campaign.variants]
    if not campaign.winner_reason and campaign.winner_variant is not None:
        return [f"{names[campaign.winner_variant]} was selected for the rest. It is selected, not proven better."]
    why = VETOES.get(campaign.winner_reason, campaign.winner_reason)
    if campaign.winner_variant is None:
        return [f"No variant was selected, because {why}; nobody else was sent to."]
    return [f"No variant was selected, because {why}; {names[campaign.winner_variant]} went to the rest."]


def _percents(limits: tuple[float, float | None] | None) -> list[float | None] | None:
    return None if limits is None else [None if limit is None else 100 * limit for limit in limits]


def _percent_or_none(value: float | Inconclusive) -> float | None:
    return None if isinstance(value, Inconclusive) else 100 * value
