"""The jobs of the dispatch queues.

Each begins in the short queue, where it has a second; what takes longer is rolled back and begins anew in the long one.
So an audience of a million costs a second more, and nobody's hundred waits behind it.
"""

from __future__ import annotations

from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from tulia.audience import reach
from tulia.campaigns import edit, lifecycle
from tulia.core import clock, failpoints, jobs, logs, planning, sql
from tulia.core.errors import Missing
from tulia.dispatch import scheduler
from tulia.dispatch.names import CALL_OFF, LAUNCH, LONG_QUEUE, QUEUE
from tulia.ledger import enqueue, reconcile, usage
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)


SHORT_SECONDS = 1.0
# When the database dies under a job and is back before the job's end is noted, the job has failed for good, and nobody else
# would do it. Twenty minutes in all, ever more slowly.
_UNTIL_DONE = RetryStrategy(max_attempts=50, linear_wait=1)


@app.task(name=LAUNCH, queue=QUEUE, retry=_UNTIL_DONE)
def launch(tenant_id: str, campaign_id: str, lane: str = QUEUE) -> None:
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
            if lane == QUEUE:
                sql.limit_time(SHORT_SECONDS)
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
    except Exception as error:
        if lane != QUEUE or not sql.ran_out_of_time(error):
            raise
        _log.info("audience_takes_longer", campaign_id=campaign_id)
        scheduler.defer_launch(tenant, campaign.pk, queue=LONG_QUEUE)
        return
    failpoints.reached("frozen")
    if size is not None:
        planning.refresh_statistics(enqueue.TABLES)
        _log.info("audience_frozen", campaign_id=campaign_id, people=size)


@app.task(name=CALL_OFF, queue=QUEUE, retry=_UNTIL_DONE)
def call_off(tenant_id: str, campaign_id: str, lane: str = QUEUE) -> None:
    """Cancels whoever of a canceled campaign hasn't been sent to."""
    failpoints.reached("to_be_called_off")
    tenant, campaign = UUID(tenant_id), UUID(campaign_id)
    try:
        with tenant_scope(tenant):
            if lane == QUEUE:
                sql.limit_time(SHORT_SECONDS)
            count = reconcile.call_off(tenant, campaign)
    except Exception as error:
        if lane != QUEUE or not sql.ran_out_of_time(error):
            raise
        jobs.defer(CALL_OFF, queue=LONG_QUEUE, tenant_id=tenant_id, campaign_id=campaign_id, lane=LONG_QUEUE)
        return
    _log.info("campaign_called_off", campaign_id=campaign_id, people=count)
