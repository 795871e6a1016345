"""The jobs of the dispatch queue."""

from __future__ import annotations

from uuid import UUID

from procrastinate.contrib.django import app

from tulia.audience import reach
from tulia.campaigns import edit, lifecycle
from tulia.core import clock, failpoints, logs, planning
from tulia.core.errors import Missing
from tulia.dispatch.names import CALL_OFF, LAUNCH, QUEUE
from tulia.ledger import enqueue, reconcile, usage
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)


@app.task(name=LAUNCH, queue=QUEUE)
def launch(tenant_id: str, campaign_id: str) -> None:
    """Freezes the audience of a campaign that was just started; the dispatcher finds it from there."""
    tenant = UUID(tenant_id)
    with tenant_scope(tenant):
        try:
            campaign = edit.find(tenant, UUID(campaign_id))
        except Missing:
            return
        if campaign.status not in ("sending", "paused"):
            return
    planning.refresh_statistics(reach.TABLES)
    now = clock.now()
    try:
        with tenant_scope(tenant):
            failpoints.reached("to_be_frozen")
            size = enqueue.freeze(campaign, now=now)
            failpoints.reached("freezing")
            if size is not None:
                usage.confirm(campaign, now=now)
    except usage.CampaignSendLimit as refusal:
        lifecycle.pause_by_id(
            tenant, campaign.pk, reason=f"More people match than at its start. {refusal.message}", now=now
        )
        return
    failpoints.reached("frozen")
    if size is not None:
        _log.info("audience_frozen", campaign_id=campaign_id, people=size)


@app.task(name=CALL_OFF, queue=QUEUE)
def call_off(tenant_id: str, campaign_id: str) -> None:
    """Cancels whoever of a canceled campaign hasn't been sent to."""
    failpoints.reached("to_be_called_off")
    count = reconcile.call_off(UUID(tenant_id), UUID(campaign_id))
    _log.info("campaign_called_off", campaign_id=campaign_id, people=count)
