"""A campaign's way from draft to done. Every move is a compare-and-set: of two at once, one is refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from tulia.audience import confirmations, criteria
from tulia.campaigns import approval, template_use, window
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import Sender
from tulia.core.errors import Conflict, Invalid
from tulia.tenants import queries as tenants
from tulia.tenants.scope import system_scope, tenant_scope


class WrongState(Conflict):
    code: ClassVar[str] = "wrong_state"


class EveryoneNotConfirmed(Invalid):
    code: ClassVar[str] = "everyone_not_confirmed"


class BudgetUsedUp(Conflict):
    code: ClassVar[str] = "budget_used_up"


class NeedsTime(Invalid):
    code: ClassVar[str] = "needs_time"


class NoSender(Invalid):
    code: ClassVar[str] = "no_sender"


class TemplateNotApproved(Invalid):
    code: ClassVar[str] = "template_not_approved"


def check_ready(campaign: MessageCampaign, *, sender: Sender | None, confirm_everyone: bool) -> None:
    """Whether the campaign can be started at all. Raises the refusal that says what is missing."""
    if campaign.status not in ("draft", "scheduled"):
        raise WrongState(f"This campaign is {campaign.status}; only a draft or a scheduled one can be started.")
    tree = criteria.parse(campaign.target_criteria)
    if tree.is_everyone and not (confirm_everyone or campaign.metadata.get("everyone_confirmed")):
        raise EveryoneNotConfirmed(
            'The criteria are empty, which means every customer: repeat with "confirm_everyone": true if that is meant.',
            details={"confirm_everyone": "must be true, because the criteria mean every customer"},
        )
    if campaign.local_time and campaign.status == "draft":
        raise NeedsTime(
            "This campaign is sent in each recipient's local time, so it needs one: POST …/schedule.",
            details={"local_time": "needs scheduled_at: POST …/schedule"},
        )
    if sender is None:
        raise NoSender("There is no sender to send with: add one first.", details={"sender_id": "add a sender first"})
    if sender.paused_reason:
        raise NoSender(
            f"The sender {sender.name!r} is paused: {sender.paused_reason}", details={"sender_id": "is paused"}
        )
    _check_templates(campaign)


def _check_templates(campaign: MessageCampaign) -> None:
    if template := template_use.not_approved(campaign):
        raise TemplateNotApproved(
            f"The template {template.name!r} ({template.language}) is {template.status}; only an approved one can be sent.",
            details={"template_id": f"is {template.status}"},
        )


def launch(campaign: MessageCampaign, *, sender: Sender, now: datetime) -> None:
    """Draft or scheduled → sending, with its sender. Raises WrongState when another was quicker."""
    if not campaign.mark_sending(at=now):
        campaign.refresh_from_db()
        raise WrongState(f"This campaign was started already; it is {campaign.status}.")
    MessageCampaign.objects.filter(pk=campaign.pk).update(sender=sender)
    campaign.sender_id = sender.pk


def schedule(campaign: MessageCampaign, *, at: datetime, now: datetime, confirm_everyone: bool) -> None:
    """Gives a draft (or a scheduled campaign) its time. Raises Invalid for a time that has passed, WrongState."""
    if at <= now:
        raise Invalid(
            f"scheduled_at must be in the future; it is now {now:%Y-%m-%dT%H:%M:%SZ}.",
            details={"scheduled_at": "must be in the future"},
        )
    if criteria.parse(campaign.target_criteria).is_everyone and not confirm_everyone:
        raise EveryoneNotConfirmed(
            'The criteria are empty, which means every customer: repeat with "confirm_everyone": true if that is meant.',
            details={"confirm_everyone": "must be true, because the criteria mean every customer"},
        )
    approval.check_schedule(campaign.tenant_id, campaign, at=at)
    metadata = campaign.metadata | ({"everyone_confirmed": True} if confirm_everyone else {})
    launch_at = window.launch_at(at, tenant_zone=tenants.get(campaign.tenant_id).timezone, is_local=campaign.local_time)
    moved = MessageCampaign.objects.filter(pk=campaign.pk, status__in=("draft", "scheduled")).update(
        status="scheduled", scheduled_at=at, launch_at=launch_at, metadata=metadata, status_reason="", updated_at=now
    )
    if not moved:
        raise WrongState(f"This campaign is {campaign.status}; only a draft can be scheduled.")
    campaign.refresh_from_db()


def pause(campaign: MessageCampaign, *, reason: str, now: datetime) -> None:
    """Sending → paused: nothing more is claimed; what is in flight is finished and counted. Raises WrongState."""
    if not campaign.mark_paused(at=now, reason=reason):
        campaign.refresh_from_db()
        raise WrongState(f"This campaign is {campaign.status}; only one that is sending can be paused.")


def resume(campaign: MessageCampaign, *, now: datetime) -> None:
    """Paused → sending. Raises WrongState, BudgetUsedUp, and TemplateNotApproved while its template may not be sent."""
    if campaign.status == "paused":
        _check_templates(campaign)
        if campaign.budget_micros is not None and campaign.cost_micros >= campaign.budget_micros:
            raise BudgetUsedUp(
                "The budget is used up: raise budget_micros first (PATCH the campaign), then resume.",
                details={"budget_micros": f"is used up: {campaign.cost_micros} of {campaign.budget_micros}"},
            )
    if not campaign.mark_resumed(at=now):
        campaign.refresh_from_db()
        raise WrongState(f"This campaign is {campaign.status}; only a paused one can be resumed.")


def cancel(campaign: MessageCampaign, *, now: datetime) -> None:
    """Any state but an end → canceled. Raises WrongState."""
    if not campaign.cancel(at=now):
        campaign.refresh_from_db()
        raise WrongState(f"This campaign is {campaign.status} and can't be canceled.")


def pause_all_of(tenant_id: UUID, sender_ids: Collection[UUID], *, reason: str, now: datetime) -> int:
    """Pauses every sending campaign of senders that may not send; the number of campaigns."""
    with tenant_scope(tenant_id):
        return MessageCampaign.objects.filter(tenant_id=tenant_id, sender_id__in=sender_ids, status="sending").update(
            status="paused", status_reason=reason[:500], updated_at=now
        )


def remark(tenant_id: UUID, sender_id: UUID, words: str, *, now: datetime) -> int:
    """Says of every sending campaign of a sender what holds it up, for as long as it does; "" when nothing does."""
    with tenant_scope(tenant_id):
        sending = MessageCampaign.objects.filter(tenant_id=tenant_id, sender_id=sender_id, status="sending")
        return sending.exclude(status_reason=words[:500]).update(status_reason=words[:500], updated_at=now)


def pause_by_id(tenant_id: UUID, campaign_id: UUID, *, reason: str, now: datetime) -> bool:
    with tenant_scope(tenant_id):
        moved = MessageCampaign.objects.filter(tenant_id=tenant_id, pk=campaign_id, status="sending").update(
            status="paused", status_reason=reason[:500], updated_at=now
        )
        return bool(moved)


def due(*, now: datetime) -> tuple[tuple[UUID, UUID], ...]:
    """(tenant, campaign) of the scheduled campaigns of all tenants whose time has come, earliest first."""
    with system_scope():
        found = MessageCampaign.objects.filter(status="scheduled", launch_at__lte=now)
        return tuple(found.order_by("launch_at", "id").values_list("tenant_id", "id")[:1_000])


def senders_with_work(*, now: datetime) -> frozenset[tuple[UUID, UUID]]:
    """(tenant, sender) of all that have a campaign sending to a frozen audience, or confirmations to send, and aren't
    paused."""
    with system_scope():
        to_answer = Sender.objects.filter(
            pk__in={sender_id for _, sender_id in confirmations.senders_waiting(now=now)}, paused_reason=""
        )
        sending = MessageCampaign.objects.filter(
            status="sending", audience_frozen_at__isnull=False, sender__isnull=False, sender__paused_reason=""
        )
        return frozenset(
            (tenant_id, sender_id)
            for tenant_id, sender_id in sending.values_list("tenant_id", "sender_id").distinct()
            if sender_id is not None
        ) | frozenset(to_answer.values_list("tenant_id", "id"))


def take_due(tenant_id: UUID, campaign_id: UUID, *, now: datetime) -> MessageCampaign | None:
    """The campaign, held until the end of the transaction, if it is still due; None when another was quicker.

    Call in the tenant's scope. Whoever moves or cancels its time meanwhile comes before this or finds it started.
    """
    return (
        MessageCampaign.objects.select_for_update(skip_locked=True)
        .filter(tenant_id=tenant_id, pk=campaign_id, status="scheduled", launch_at__lte=now)
        .first()
    )


def unschedule(campaign: MessageCampaign, *, reason: str, now: datetime) -> None:
    """Scheduled → draft, with the reason."""
    MessageCampaign.objects.filter(pk=campaign.pk, status="scheduled").update(
        status="draft", status_reason=reason[:500], updated_at=now
    )


def unfrozen(*, before: datetime) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, campaign) of campaigns that were started before then and whose audience still isn't written."""
    with system_scope():
        return list(
            MessageCampaign.objects.filter(
                status="sending", audience_frozen_at=None, started_at__lt=before
            ).values_list("tenant_id", "id")[:1_000]
        )


def sending_of(tenant_id: UUID, sender_id: UUID) -> list[MessageCampaign]:
    """The campaigns a dispatcher has to serve, oldest first."""
    with tenant_scope(tenant_id):
        return list(
            MessageCampaign.objects.filter(
                tenant_id=tenant_id, sender_id=sender_id, status="sending", audience_frozen_at__isnull=False
            ).order_by("started_at", "id")
        )


def complete(tenant_id: UUID, campaign_id: UUID, *, now: datetime) -> bool:
    """Sending → completed; the caller knows that nobody is left to send to."""
    with tenant_scope(tenant_id):
        return bool(
            MessageCampaign.objects.filter(tenant_id=tenant_id, pk=campaign_id, status="sending").update(
                status="completed", completed_at=now, updated_at=now
            )
        )
