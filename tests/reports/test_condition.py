"""How the installation is doing, as `/metrics` and `tulia doctor` see it. Others' tests share the database: only what is
ours is looked at."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from api_client import ApiClient
from cast import add_campaign, add_people, add_sender, start
from tulia.api import condition_metrics
from tulia.campaigns.models import MessageCampaign
from tulia.channels import senders
from tulia.core import clock, jobs, sql
from tulia.dispatch.names import sender_lock
from tulia.ingest.models import Callback
from tulia.reports import condition
from tulia.reports.condition import SenderState
from tulia.tenants import workers
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope


def of_sender(sender_id: uuid.UUID) -> SenderState:
    return next(one for one in condition.look().senders if one.sender_id == sender_id)


def test_a_sender_with_something_to_send_and_nobody_sending_is_seen(tenant: Tenant) -> None:
    sender = add_sender(tenant, rate=50)
    add_people(tenant, 3)
    campaign = start(add_campaign(tenant), now=clock.now() - timedelta(minutes=5))
    seen = of_sender(sender.pk)
    assert (seen.rate_per_second, seen.sending_campaigns, seen.paused_reason) == (50, 1, "")
    assert not seen.is_attended
    assert seen.is_forgotten
    locks = sql.SessionLocks()
    assert locks.acquire(sender_lock(sender.pk))
    held = of_sender(sender.pk)
    assert held.is_attended
    assert not held.is_forgotten
    locks.close()
    with tenant_scope(tenant.id):
        senders.pause(tenant.id, sender.pk, reason="The token is invalid.")
    assert of_sender(sender.pk).paused_reason == "The token is invalid."
    assert not of_sender(sender.pk).is_forgotten
    with tenant_scope(tenant.id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status="canceled")


def test_people_of_open_campaigns_are_counted_by_their_state(tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 4)
    before = dict(condition.look().campaigns.get("sending", condition.OpenCampaigns()).people).get("waiting", 0)
    campaign = start(add_campaign(tenant))
    after = dict(condition.look().campaigns["sending"].people)["waiting"]
    assert after - before == 4
    with tenant_scope(tenant.id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status="canceled")


def test_a_callback_that_nobody_applies_is_seen_with_its_age(tenant: Tenant) -> None:
    sender = add_sender(tenant)
    with tenant_scope(tenant.id):
        old = clock.now() - timedelta(hours=30)
        stored = Callback.objects.create(tenant=tenant, sender=sender, body=b"{}", received_at=old)
        Callback.objects.create(tenant=tenant, sender=sender, body=b"{}")
    seen = condition.look().callbacks
    assert seen.waiting >= 2
    assert seen.oldest_seconds >= 30 * 3_600
    with tenant_scope(tenant.id):
        Callback.objects.filter(pk__gte=stored.pk, tenant=tenant).update(applied_at=clock.now())
    assert condition.look().callbacks.oldest_seconds < 30 * 3_600


def test_a_job_that_waits_is_seen(tenant: Tenant) -> None:
    before = condition.look().jobs.waiting
    jobs.defer("tulia.dispatch.call_off", queue="nowhere", tenant_id=str(tenant.id), campaign_id=str(uuid.uuid4()))
    seen = condition.look().jobs
    assert seen.waiting == before + 1
    assert seen.oldest_seconds >= 0
    sql.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'nowhere'")


def test_a_worker_is_seen_until_it_says_goodbye_or_says_nothing_for_half_a_minute() -> None:
    mine, lost = uuid.uuid4(), uuid.uuid4()
    workers.tick(mine, sender_count=0)
    workers.tick(mine, sender_count=3)
    workers.tick(lost, sender_count=7)
    sql.execute(
        "UPDATE running_workers SET ticked_at = now() - interval '31 seconds' WHERE worker_id = %(id)s", {"id": lost}
    )
    seen = [worker.sender_count for worker in condition.look().workers]
    assert 3 in seen
    assert 7 not in seen
    workers.gone(mine)
    workers.gone(lost)
    assert 3 not in [worker.sender_count for worker in condition.look().workers]


def test_the_metrics_tell_each_figure_and_no_name(tenant: Tenant) -> None:
    sender = add_sender(tenant)
    add_people(tenant, 2, name="Zuhura Kiprotich")
    campaign = start(add_campaign(tenant))
    workers.tick(identity := uuid.uuid4(), sender_count=1)
    text = ApiClient(None)("GET", "/metrics").content.decode()
    for line in (
        "tulia_database_up 1.0", f'tulia_sender_rate_limit{{sender_id="{sender.pk}"}} 80.0', "tulia_jobs_oldest_seconds ",
        f'tulia_sender_breaker{{sender_id="{sender.pk}"}} 0.0',
        "tulia_callbacks_oldest_seconds ", 'tulia_campaigns{status="sending"} ', 'tulia_recipients{state="waiting"} ',
        'tulia_workers{version="', "tulia_database_connections_allowed ", "tulia_senders_forgotten ",
    ):  # fmt: skip
        assert line in text, line
    assert tenant.slug not in text
    assert "Zuhura" not in text
    workers.gone(identity)
    with tenant_scope(tenant.id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status="canceled")


def test_without_a_database_the_metrics_say_so_and_nothing_else_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "_PATIENCE", "SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(1)")
    text = condition_metrics.text().decode()
    assert "tulia_database_up 0.0" in text
    assert "tulia_look_seconds" not in text
    assert "python_info" in text


def test_looking_costs_little() -> None:
    condition.look()
    assert min(condition.look().seconds for _ in range(5)) < 0.2  # 5 ms on an idle machine
