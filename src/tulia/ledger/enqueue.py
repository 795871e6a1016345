"""Freezing an audience: one row for everyone who matches, with the arm, in one statement."""

from __future__ import annotations

from datetime import datetime

from tulia.audience import criteria, reach
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql


def freeze(campaign: MessageCampaign, *, now: datetime) -> int | None:
    """Writes the audience of a campaign that was just started, once; the number of people.

    None if it was done before, or if the campaign was canceled meanwhile. Call in the tenant's scope. Takes the
    campaign's row first, so that of two at once one waits and then finds it done, and a cancel finds all or nobody.
    """
    frozen = MessageCampaign.objects.filter(
        pk=campaign.pk, audience_frozen_at=None, status__in=("sending", "paused")
    ).update(audience_frozen_at=now)
    if not frozen:
        return None
    selection = reach.selection(
        criteria.parse(campaign.target_criteria), tenant_id=campaign.tenant_id, as_of=campaign.as_of or now
    )
    reach.grant_memory()
    statement = sql.load("ledger", "freeze").replace("/*selection*/", selection.sql)
    return sql.execute(
        statement,
        {
            **selection.params,
            "tenant_id": campaign.tenant_id,
            "campaign_id": campaign.pk,
            "sender_id": campaign.sender_id,
            "seed": campaign.seed,
            "arm_count": max(1, len(campaign.variants)) if campaign.is_ab_test else 1,
            "now": now,
        },
    )
