"""Starting campaigns whose time has come, exactly once however many workers look."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from tulia.campaigns import approval, edit, launching, lifecycle, tryout
from tulia.campaigns.models import MessageCampaign
from tulia.channels import senders
from tulia.channels.models import Sender
from tulia.core import failpoints, jobs, logs, sql
from tulia.core.errors import Refusal
from tulia.dispatch.names import LAUNCH, QUEUE
from tulia.ledger import usage
from tulia.tenants import api_keys
from tulia.tenants.audit import act
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)
_LAUNCH_IS_LATE = timedelta(seconds=30)


def start(campaign: MessageCampaign, *, confirm_everyone: bool, now: datetime) -> None:
    """Checks a campaign, reserves its sends, marks it sending and defers the job that freezes its audience: all in one
    transaction, in which nobody else changes the campaign.

    Call in the tenant's scope. Raises the refusal that says what is missing, or that another was quicker.
    """
    sender = hold_if_ready(campaign, confirm_everyone=confirm_everyone, now=now)
    approval.check_start(campaign, now=now)
    launching.reserve(campaign, sends=usage.reserve(campaign, now=now))
    lifecycle.launch(campaign, sender=sender, now=now)
    failpoints.reached("starting")
    defer_launch(campaign.tenant_id, campaign.pk)


def hold_if_ready(campaign: MessageCampaign, *, confirm_everyone: bool, now: datetime) -> Sender:
    """Holds the campaign and checks all that is a matter of itself; with which sender it goes out.

    Call in the tenant's scope. Raises the refusal that says what is missing.
    """
    launching.hold(campaign)
    sender = senders.for_campaign(campaign.tenant_id, campaign.sender_id)
    lifecycle.check_ready(campaign, sender=sender, confirm_everyone=confirm_everyone)
    assert sender is not None
    tryout.refuse_if_for_nobody(campaign, now=now)
    edit.check_against_tenant(campaign.tenant_id, {"variants": campaign.variants})
    return sender


def defer_launch(tenant_id: UUID, campaign_id: UUID, *, queue: str = QUEUE) -> None:
    """Has the audience of a started campaign frozen; once at a time, so that nobody waits for its own twin."""
    jobs.defer(
        LAUNCH,
        queue=queue,
        only_one_waiting=f"launch:{campaign_id}",
        one_at_a_time=f"launch:{campaign_id}",
        **({} if queue == QUEUE else {"lane": queue}),  # workers of the last version know no other
        tenant_id=str(tenant_id),
        campaign_id=str(campaign_id),
    )


def start_due(due: Iterable[tuple[UUID, UUID]], *, now: datetime) -> int:
    """Starts these scheduled campaigns (tenant, campaign), whose time has come; the number started by us.

    A campaign that can't be started (its sender is gone) goes back to draft with the reason, and the others go on.
    """
    started = 0
    for tenant_id, campaign_id in due:
        try:
            started += _start_if_due(tenant_id, campaign_id, now=now)
        except Exception as error:
            if sql.is_worth_repeating(error):
                raise
            _log.exception("scheduled_campaign_crashed", campaign_id=str(campaign_id))
            with tenant_scope(tenant_id):
                if campaign := lifecycle.take_due(tenant_id, campaign_id, now=now):
                    lifecycle.unschedule(
                        campaign, reason="Not started at its time: something went wrong here.", now=now
                    )
    return started


def _start_if_due(tenant_id: UUID, campaign_id: UUID, *, now: datetime) -> bool:
    with tenant_scope(tenant_id):
        campaign = lifecycle.take_due(tenant_id, campaign_id, now=now)
        if campaign is None:
            return False
        by_itself = api_keys.system(tenant_id)
        try:
            with act(by_itself, "campaign.start") as entry:
                start(entry.about(campaign), confirm_everyone=False, now=now)
        except Refusal as refusal:
            _log.warning("scheduled_campaign_refused", campaign_id=str(campaign_id), code=refusal.code)
            with act(by_itself, "campaign.unschedule") as entry:
                entry.about(campaign)
                lifecycle.unschedule(campaign, reason=f"Not started at its time: {refusal.message}", now=now)
            return False
    return True


def relaunch_forgotten(*, now: datetime) -> None:
    """Defers again the freezing of campaigns that were started a while ago and still have no audience."""
    for tenant_id, campaign_id in lifecycle.unfrozen(before=now - _LAUNCH_IS_LATE):
        defer_launch(tenant_id, campaign_id)
