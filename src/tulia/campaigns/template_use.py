"""Which campaigns send which templates, and what becomes of them when a template can't be sent any more.

Called in the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import MessageTemplate

LIVE = ("scheduled", "sending", "paused")


def template_of_arm(arm: Mapping[str, Any], campaign_template_id: UUID | None) -> UUID | None:
    """What an arm says itself, template or text, goes before the campaign's: else all arms would say the same."""
    own = arm.get("template_id")
    if own:
        return UUID(str(own))
    return None if arm.get("content") else campaign_template_id


def templates_of(campaign: MessageCampaign) -> tuple[UUID | None, ...]:
    """The template of each arm in order (one in all when it is no test); None for a text."""
    if not campaign.is_ab_test:
        return (campaign.template_id,)
    return tuple(template_of_arm(arm, campaign.template_id) for arm in campaign.variants)


def live_campaigns(tenant_id: UUID, template_id: UUID) -> list[MessageCampaign]:
    """Campaigns that are scheduled, sending or paused and send this template."""
    live = MessageCampaign.objects.filter(tenant_id=tenant_id, status__in=LIVE).order_by("created_at", "id")
    return [campaign for campaign in live if template_id in templates_of(campaign)]


def pause_campaigns(tenant_id: UUID, template: MessageTemplate, *, reason: str, now: datetime) -> int:
    """Pauses what is being sent with this template, saying why; the number of campaigns."""
    words = f"The template {template.name!r} ({template.language}) is {template.status}"
    words += f": {reason}." if reason else "."
    return sum(
        campaign.mark_paused(at=now, reason=words[:500])
        for campaign in live_campaigns(tenant_id, template.pk)
        if campaign.status == "sending"
    )


def pause_at_senders(
    tenant_id: UUID, template_id: UUID, sender_ids: Collection[UUID], *, reason: str, now: datetime
) -> int:
    """Pauses what these senders are sending with a template that the provider refuses; the number of campaigns."""
    return sum(
        campaign.mark_paused(at=now, reason=reason[:500])
        for campaign in live_campaigns(tenant_id, template_id)
        if campaign.status == "sending" and campaign.sender_id in sender_ids
    )


def pause_unsendable(tenant_id: UUID, *, now: datetime) -> int:
    """Pauses whatever is being sent with a template that isn't approved (any more); the number of campaigns."""
    stopped = {}
    for campaign in MessageCampaign.objects.filter(tenant_id=tenant_id, status="sending"):
        if template := not_approved(campaign):
            stopped[template.pk] = template
    return sum(pause_campaigns(tenant_id, one, reason=one.status_reason, now=now) for one in stopped.values())


def not_approved(campaign: MessageCampaign) -> MessageTemplate | None:
    """A template that the campaign sends and that isn't approved, if there is one."""
    wanted = [template_id for template_id in templates_of(campaign) if template_id]
    if not wanted:
        return None
    return (
        MessageTemplate.objects.filter(tenant_id=campaign.tenant_id, pk__in=wanted)
        .exclude(status="approved")
        .order_by("name")
        .first()
    )


def sent_with(tenant_id: UUID, template_ids: Iterable[UUID]) -> Sequence[MessageCampaign]:
    """Started campaigns that send any of these templates."""
    wanted = set(template_ids)
    started = MessageCampaign.objects.filter(tenant_id=tenant_id, started_at__isnull=False)
    return [campaign for campaign in started if wanted & set(templates_of(campaign))]
