"""What came of the people of an experiment, as its statistics want it: by arm, by person, within their windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tulia.campaigns import experiment
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.experiments.plan import ArmCounts, GuardrailCounts
from tulia.ledger.status import Role

OPT_OUTS, FAILURES = "opt-outs", "failed messages"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """People, never messages. `arms` are those who were dealt one, `held_out` those who got nothing (their successes aren't
    in the ledger, which knows of messages only), `rolled_out` those who got the winner afterwards. Who was assigned
    before, by an attribute, was not dealt out by us: then the sizes themselves are what was planned.

    `is_final`: everybody of the test has had their turn, or will never have it, and every window is closed.
    """

    arms: tuple[ArmCounts, ...]
    held_out: ArmCounts | None
    rolled_out: int
    guardrails: tuple[GuardrailCounts, ...]
    is_final: bool


def of_campaign(campaign: MessageCampaign, *, now: datetime) -> Outcomes:
    """Two queries, whatever the size. Call in the tenant's scope."""
    window = experiment.window_of(campaign)
    rows = sql.fetch_all(
        sql.load("ledger", "outcomes"),
        {
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "closed_by": (now - window).replace(second=0, microsecond=0),
        },
    )
    counted = {(Role(role), arm): counts for role, arm, *counts in rows}
    variants = campaign.variants if campaign.is_ab_test else [{"name": campaign.name}]
    weights = experiment.weights_of(campaign)
    dealt = [counted.get((Role.DEALT, arm), [0] * 7) for arm in range(len(variants))]
    held = counted.get((Role.HELD_OUT, -1))
    is_over = campaign.status in ("completed", "canceled")
    return Outcomes(
        arms=tuple(
            _arm(variant.get("name", ""), counts, max(1, counts[0]) if campaign.assignment else weight)
            for variant, counts, weight in zip(variants, dealt, weights, strict=True)
        ),
        held_out=_arm("holdout", held, experiment.holdout_weight(campaign) or held[0]) if held else None,
        rolled_out=sum(counts[0] for (role, _), counts in counted.items() if role is Role.ROLLED_OUT),
        guardrails=_guardrails(campaign, dealt, window),
        is_final=bool(campaign.audience_frozen_at)
        and all((is_over or still_open == 0) and matured == came for _, still_open, _, came, matured, _, _ in dealt),
    )


def _arm(name: str, counts: list[int], weight: float) -> ArmCounts:
    people, _, _, _, matured, succeeded, so_far = counts
    return ArmCounts(name, assigned=people, matured=matured, successes=succeeded, so_far=so_far, weight=weight)


def _guardrails(campaign: MessageCampaign, dealt: list[list[int]], window: timedelta) -> tuple[GuardrailCounts, ...]:
    left: dict[int, int] = dict(
        sql.fetch_all(
            sql.load("ledger", "opt_outs_by_arm"),
            {
                "tenant_id": campaign.tenant_id,
                "campaign_id": campaign.pk,
                "since": campaign.started_at,
                "outcome_window": window,
            },
        )
    )
    return (
        GuardrailCounts(OPT_OUTS, tuple(left.get(arm, 0) for arm in range(len(dealt)))),
        GuardrailCounts(FAILURES, tuple(failed for _, _, failed, *_ in dealt)),
    )
