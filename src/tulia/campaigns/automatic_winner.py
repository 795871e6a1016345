"""Which campaigns choose a winner by themselves, and what was chosen: the campaign's side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.campaigns import experiment
from tulia.campaigns.models import MessageCampaign
from tulia.tenants.scope import system_scope, tenant_scope


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rest of the audience gets: a variant, or nothing."""

    variant: int | None


def going_on(*, now: datetime) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, campaign) of all that are sending, choose their winner by themselves, and whose time to do so has come."""
    with system_scope():
        found = MessageCampaign.objects.filter(
            status="sending", audience_frozen_at__isnull=False, auto_winner__isnull=False
        )
        return [
            (campaign.tenant_id, campaign.pk)
            for campaign in found.only("tenant_id", "id", "audience_frozen_at", "auto_winner")
            if is_due(campaign, now=now)
        ]


def is_due(campaign: MessageCampaign, *, now: datetime) -> bool:
    """Whether the time that was set for choosing has come."""
    plan = experiment.auto_winner_of(campaign)
    return (
        plan is not None
        and campaign.audience_frozen_at is not None
        and now >= campaign.audience_frozen_at + plan.decide_after
    )


def hold_undecided(tenant_id: UUID, campaign_id: UUID) -> MessageCampaign | None:
    """The campaign, held until the end of the transaction, if its winner is still to be decided.

    Call in the tenant's scope. Of two at once one gets None.
    """
    return (
        MessageCampaign.objects.select_for_update(skip_locked=True)
        .filter(tenant_id=tenant_id, pk=campaign_id, status="sending", winner_decided_at=None)
        .first()
    )


def note(campaign: MessageCampaign, *, variant: int | None, reason: str, now: datetime) -> None:
    """Writes the decision down; the caller holds the campaign."""
    MessageCampaign.objects.filter(pk=campaign.pk, winner_decided_at=None).update(
        winner_decided_at=now, winner_variant=variant, winner_reason=reason, updated_at=now
    )


def decision_of(tenant_id: UUID, campaign_id: UUID) -> Decision | None:
    """What was decided, while the campaign is sending; None when nothing is yet."""
    with tenant_scope(tenant_id):
        found = MessageCampaign.objects.filter(
            tenant_id=tenant_id, pk=campaign_id, status="sending", winner_decided_at__isnull=False
        ).values_list("winner_variant")
        row = found.first()
    return Decision(row[0]) if row else None
