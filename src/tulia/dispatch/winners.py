"""Automatic winners: decided once, at the time that was set before the launch, and sent to the rest.

The decision is one transaction, which holds the campaign's row. What follows from it is done in batches by whoever comes
along, as often as needed: a crash anywhere leaves either no decision or one that is carried out by the next look.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tulia.campaigns import automatic_winner, experiment
from tulia.campaigns.experiment import AutoWinner
from tulia.campaigns.models import MessageCampaign
from tulia.core import failpoints, logs, sql
from tulia.experiments import test_and_roll
from tulia.experiments.sample_ratio import SampleRatio
from tulia.experiments.test_and_roll import Selected, Vetoed
from tulia.experiments.verdict import harms_of, split_of
from tulia.ledger import outcomes, roll_out
from tulia.ledger.outcomes import Outcomes
from tulia.tenants import api_keys
from tulia.tenants.audit import act
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)


def look(*, now: datetime) -> int:
    """Decides what is to be decided by now, for all tenants, and carries out what was decided; the number of decisions."""
    decided = 0
    for tenant_id, campaign_id in automatic_winner.going_on(now=now):
        try:
            decided += look_at(tenant_id, campaign_id, now=now)
        except Exception as error:
            if sql.is_worth_repeating(error):
                raise
            _log.exception("winner_not_decided", campaign_id=str(campaign_id))
    return decided


def look_at(tenant_id: UUID, campaign_id: UUID, *, now: datetime) -> bool:
    """The same for one campaign; whether it was decided now."""
    is_decided = decide(tenant_id, campaign_id, now=now)
    failpoints.reached("winner_decided")
    _carry_out(tenant_id, campaign_id, now=now)
    return is_decided


def decide(tenant_id: UUID, campaign_id: UUID, *, now: datetime) -> bool:
    """Decides the winner of one campaign if its time has come and nobody has; whether this call did."""
    with tenant_scope(tenant_id):
        campaign = automatic_winner.hold_undecided(tenant_id, campaign_id)
        plan = experiment.auto_winner_of(campaign) if campaign else None
        if campaign is None or plan is None or not automatic_winner.is_due(campaign, now=now):
            return False
        chosen = choose(campaign, outcomes.of_campaign(campaign, now=now))
        if isinstance(chosen, Vetoed) and plan.if_undecided == "wait" and not _waited_enough(campaign, plan, now):
            return False
        variant, reason = _variant(campaign, plan, chosen), chosen.code if isinstance(chosen, Vetoed) else ""
        with act(api_keys.system(tenant_id), "campaign.choose_winner") as entry:
            automatic_winner.note(entry.about(campaign), variant=variant, reason=reason, now=now)
    _log.info("winner_decided", campaign_id=str(campaign_id), variant=variant, reason=reason)
    return True


def choose(campaign: MessageCampaign, found: Outcomes) -> Selected | Vetoed:
    """The variant to send to the rest by what the test came to; a variant that does harm is never chosen."""
    plan = experiment.plan_of(campaign)
    split = split_of(found.arms, plan, found.held_out)
    chosen = test_and_roll.select(
        [arm.successes for arm in found.arms],
        [arm.matured for arm in found.arms],
        control=plan.control,
        is_split_as_planned=not (isinstance(split, SampleRatio) and split.is_mismatch),
        is_window_closed=found.is_final,
    )
    harmed = {one.arm for one in harms_of(found.arms, plan, found.guardrails) if one.is_harmed}
    if isinstance(chosen, Selected) and chosen.arm in harmed:
        return Vetoed("guardrail", "The variant that would have been chosen does harm by one of the guarded metrics.")
    return chosen


def _waited_enough(campaign: MessageCampaign, plan: AutoWinner, now: datetime) -> bool:
    assert campaign.audience_frozen_at is not None
    return now >= campaign.audience_frozen_at + plan.decide_after + experiment.LONGEST_WAIT


def _variant(campaign: MessageCampaign, plan: AutoWinner, chosen: Selected | Vetoed) -> int | None:
    if isinstance(chosen, Selected):
        return chosen.arm
    return None if plan.if_undecided == "stop" else campaign.control_variant or 0


def _carry_out(tenant_id: UUID, campaign_id: UUID, *, now: datetime) -> None:
    decision = automatic_winner.decision_of(tenant_id, campaign_id)
    if decision is None:
        return
    if count := roll_out.give(tenant_id, campaign_id, decision.variant, now=now):
        failpoints.reached("rolled_out")
        _log.info("winner_rolled_out", campaign_id=str(campaign_id), people=count, variant=decision.variant)
