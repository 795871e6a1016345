"""Background jobs are done in the end, whatever the database does under them."""

from __future__ import annotations

import time
import uuid
from typing import cast

import pytest
from django.db import OperationalError
from procrastinate.contrib.django import app as job_app
from procrastinate.contrib.django.django_connector import DjangoConnector

from dispatch.provider import Run, elsewhere
from tulia.campaign_service import CampaignService
from tulia.core import jobs as queue_of_jobs
from tulia.dispatch import jobs
from tulia.dispatch.names import CALL_OFF
from tulia.ledger import reconcile
from tulia.ledger.status import State
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant


async def test_people_of_a_canceled_campaign_are_called_off_though_the_database_died_at_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lane, tries = Run(tenant, people=3), f"test-{uuid.uuid4().hex}", 0
    elsewhere(lambda: CampaignService(api_keys.operator(tenant.id)).cancel_campaign(run.campaign.pk))
    really = reconcile.call_off

    def call_off(*args: uuid.UUID) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OperationalError("terminating connection because of crash of another server process")
        return really(*args)

    monkeypatch.setattr(jobs.reconcile, "call_off", call_off)
    elsewhere(
        lambda: queue_of_jobs.defer(CALL_OFF, queue=lane, tenant_id=str(tenant.id), campaign_id=str(run.campaign.pk))
    )
    queue = job_app.with_connector(cast(DjangoConnector, job_app.connector).get_worker_connector())
    deadline = time.monotonic() + 20
    async with queue.open_async():
        while tries < 3 and time.monotonic() < deadline:
            await queue.run_worker_async(queues=[lane], wait=False, install_signal_handlers=False)
    assert run.states() == {(State.CANCELLED, "canceled"): 3}
