"""Freezing an audience: one row for everyone who matches, with the arm, in one statement."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from tulia.audience import criteria, reach
from tulia.campaigns import experiment, experiment_plan, window
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.ledger import rules as sending_rules
from tulia.ledger.rules import SendingRules
from tulia.ledger.status import NEVER_BY_ITSELF, Role

TABLES = ("ledger_recipients",)
"""What an audience is written to. Until PostgreSQL has seen the many new rows it takes them for a few, and sorts them all
for each page of them."""


def freeze(campaign: MessageCampaign, *, now: datetime) -> int | None:
    """Writes the audience of a campaign that was just started, once; the number of people.

    None if it was done before, or if the campaign was canceled meanwhile. Call in the tenant's scope. Takes the
    campaign's row first, so that of two at once one waits and then finds it done, and a cancel finds all or nobody.
    """
    frozen = MessageCampaign.objects.filter(
        pk=campaign.pk, audience_frozen_at=None, status__in=("sending", "paused")
    ).update(audience_frozen_at=now, outcome_window_minutes=experiment.window_of(campaign) // timedelta(minutes=1))
    if not frozen:
        return None
    rules = sending_rules.of_campaign(campaign, now=now)
    selection = reach.selection(
        criteria.parse(campaign.target_criteria),
        tenant_id=campaign.tenant_id,
        as_of=campaign.as_of or now,
        rules=sending_rules.who_may_be_sent_to(rules, now=now),
    )
    reach.grant_memory()
    statement = sql.load("ledger", "freeze").replace("/*selection*/", selection.sql)
    arrivals = _arrivals(campaign, rules, now=now)
    places = sending_rules.places(rules.price)
    people = sql.execute(
        statement,
        {
            **selection.params,
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "sender_id": campaign.sender_id,
            "seed": campaign.seed,
            "arms": experiment.cycle(experiment.weights_of(campaign)),
            "held_per_myriad": experiment.holdout_per_myriad(campaign),
            "test_percent": chosen.test_percent if (chosen := experiment.auto_winner_of(campaign)) else 100,
            **_by_attribute(campaign),
            "never": NEVER_BY_ITSELF,
            "now": now,
            "tenant_zone": rules.tenant_zone,
            "codes": places.codes if arrivals else [],
            "code_zones": places.zones if arrivals else [],
            "zones": list(arrivals),
            "arrivals": list(arrivals.values()),
        },
    )
    _note_plan(campaign)
    return people


def _note_plan(campaign: MessageCampaign) -> None:
    """Writes down what the experiment was planned to see, from the people who were really dealt out."""
    if not campaign.is_ab_test and not campaign.holdout_percent:
        return
    rows = sql.fetch_all(sql.load("ledger", "dealt"), {"tenant_id": campaign.tenant_id, "campaign_id": campaign.pk})
    people = {(Role(role), arm): count for role, arm, count in rows}
    counted = [people.get((Role.DEALT, arm), 0) for arm in range(len(experiment.weights_of(campaign)))]
    plan = experiment_plan.plan(
        campaign,
        sum(people.values()),
        counted=counted if campaign.assignment else None,
        held_out=people.get((Role.HELD_OUT, None), 0) if campaign.assignment else None,
    )
    if plan is not None:
        MessageCampaign.objects.filter(pk=campaign.pk).update(experiment_plan=plan.to_json())


def _by_attribute(campaign: MessageCampaign) -> dict[str, Any]:
    """What the statement asks about an assignment that was made before, by an attribute of the customers."""
    return {
        "attribute": campaign.assignment.get("attribute"),
        "arm_values": [variant["name"] for variant in campaign.variants],
        "held_value": campaign.assignment.get("holdout"),
    }


def _arrivals(campaign: MessageCampaign, rules: SendingRules, *, now: datetime) -> dict[str, datetime]:
    """When whoever is in each zone is due, if that is later than now; empty unless it goes by their clocks."""
    if not campaign.local_time or campaign.scheduled_at is None:
        return {}
    due = {
        zone: window.local_arrival(campaign.scheduled_at, tenant_zone=rules.tenant_zone, zone=zone)
        for zone in available_timezones()
    }
    return {zone: at for zone, at in due.items() if at > now}
