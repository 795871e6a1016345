"""What stops a sender, an account or a template, who can see it, and how it goes on."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from cast import add_campaign, add_sender, add_template, reloaded, start
from dispatch.provider import Run, accepted, elsewhere, graph_error, page
from tulia.campaigns import lifecycle
from tulia.campaigns.models import MessageCampaign
from tulia.channels import standing
from tulia.channels.models import Sender
from tulia.core import clock
from tulia.dispatch import breakers
from tulia.ledger.status import State
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

SENT = (State.ACCEPTED, "")


def elsewhere_started(run: Run, sender: Sender, **fields: object) -> MessageCampaign:
    """A campaign of another sender, going on."""
    given = {"sender_id": str(sender.pk)} | fields
    return elsewhere(lambda: start(add_campaign(run.tenant, **given), now=clock.now()))


def status(campaign: MessageCampaign) -> str:
    return elsewhere(lambda: reloaded(campaign)).status


def resume(campaign: MessageCampaign) -> None:
    def do() -> None:
        with tenant_scope(campaign.tenant_id):
            lifecycle.resume(reloaded(campaign), now=clock.now())

    elsewhere(do)


async def test_an_outage_is_told_on_the_sender_and_its_campaigns_and_passes_by_itself(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breakers, "OUTAGE_PAUSE_SECONDS", 0.8)
    run = Run(tenant, people=200, rate=100, answer=page(502))
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.sender_now().breaker_state == "open")
        await run.until(lambda: bool(run.now().status_reason))
        sender = run.sender_now()
        assert "can't be reached" in sender.breaker_reason
        assert sender.breaker_retry_at is not None
        assert (sender.breaker_code, sender.breaker_scope) == ("outage", "sender")
        assert "goes on by itself" in run.now().status_reason
        assert run.now().status == "sending"
        mine = [one for one in elsewhere(standing.all_open) if one.sender_id == run.sender.pk]
        assert [(one.scope, one.tenant_id) for one in mine] == [("sender", tenant.id)]
        run.provider.answer = accepted()
        await run.until(run.is_over)
    assert run.sender_now().breaker_state == "closed"
    assert run.sender_now().breaker_since is None
    assert run.now().status_reason == ""
    unknown = run.states()[State.UNKNOWN, "no_answer"]
    assert breakers.OUTAGE_AFTER <= unknown <= 60
    assert run.states()[SENT] == 200 - unknown
    assert set(run.provider.posts.values()) == {1}


@pytest.mark.parametrize(("rate", "most"), [(80, 33), (1_000, 180)])
async def test_of_a_provider_that_falls_silent_only_few_do_not_know(tenant: Tenant, rate: int, most: int) -> None:
    silent, acceptance = asyncio.Event(), accepted()

    async def answer(turn: int) -> web.Response:
        if silent.is_set():
            await asyncio.sleep(30)
        await asyncio.sleep(0.02)
        return acceptance(turn)  # type: ignore[return-value]

    run = Run(tenant, people=1_500, rate=rate, answer=answer)
    async with run.provider.listening(), run.dispatching(timeout_seconds=2.0):
        await run.until(lambda: run.provider.posts.total() > 60)
        silent.set()
        await asyncio.sleep(4.0)
    unknown = run.states()[State.UNKNOWN, "no_answer"]
    assert 0 < unknown <= most


async def test_an_account_that_is_locked_stops_all_its_senders_and_no_others(tenant: Tenant) -> None:
    run = Run(tenant, people=40, rate=50, answer=graph_error(131042), account="waba-1")
    same = elsewhere(lambda: add_sender(tenant, base_url=run.provider.url, account="waba-1"))
    foreign = elsewhere(lambda: add_sender(tenant, base_url=run.provider.url, account="waba-2"))
    beside = elsewhere_started(run, same)
    apart = elsewhere_started(run, foreign)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.is_over() and status(beside) == "paused")
    assert status(apart) == "sending"
    assert "payment method" in run.now().status_reason
    assert "payment method" in elsewhere(lambda: reloaded(beside)).status_reason
    assert {state for state, _ in run.states()} <= {State.WAITING, State.DEFERRED}
    assert all(row.attempts == 0 for row in run.rows())
    opened = {one.sender_id: one for one in elsewhere(standing.all_open) if one.tenant_id == tenant.id}
    assert set(opened) == {run.sender.pk, same.pk}
    assert {(one.state, one.scope, one.code, one.retry_at) for one in opened.values()} == {
        ("open", "account", "131042", None)
    }
    run.provider.answer = accepted()
    resume(run.campaign)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {SENT: 40}
    assert not [one for one in elsewhere(standing.all_open) if one.tenant_id == tenant.id], "mended for all of them"


async def test_after_a_refusal_one_message_tries_the_way_before_the_others_follow(tenant: Tenant) -> None:
    run = Run(tenant, people=50, rate=200, answer=graph_error(190, status=401))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    resume(run.campaign)
    before = run.provider.posts.total()
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.provider.posts.total() == before + 1
    assert run.sender_now().breaker_state == "open"
    run.change_sender(access_token="fresh")
    assert run.sender_now().breaker_state == "half_open"


async def test_a_template_that_is_paused_stops_every_campaign_of_the_account_that_sends_it(tenant: Tenant) -> None:
    paused, fine = (elsewhere(lambda: add_template(tenant, body="Mangoes!")) for _ in range(2))
    run = Run(tenant, people=20, rate=40, account="waba-1", template_id=str(paused.pk))
    same_sender = run.another(template_id=str(paused.pk))
    other_template = run.another(template_id=str(fine.pk))
    same = elsewhere(lambda: add_sender(tenant, base_url=run.provider.url, account="waba-1"))
    same_account = elsewhere_started(run, same, template_id=str(paused.pk))
    refusal, acceptance = graph_error(132015), accepted()

    async def handle(request: web.Request) -> web.Response:
        is_paused = paused.name.encode() in await request.read()
        return (refusal if is_paused else acceptance)(1)  # type: ignore[return-value]

    run.provider.handle = handle  # type: ignore[method-assign]
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: status(other_template) == "completed")
    for campaign in (run.campaign, same_sender, same_account):
        now = elsewhere(lambda campaign=campaign: reloaded(campaign))
        assert (now.status, now.failed_count) == ("paused", 0)
        assert "paused because of low quality" in now.status_reason
    assert run.sender_now().breaker_state == "closed"


async def test_a_sender_that_a_person_pauses_sends_no_more_and_its_campaigns_say_why(tenant: Tenant) -> None:
    run = Run(tenant, people=300, rate=100)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.provider.posts.total() > 10)
        run.change_sender(is_paused=True, paused_reason="Under review.")
        await asyncio.sleep(1.5)
        before = run.provider.posts.total()
        await asyncio.sleep(0.5)
        assert run.provider.posts.total() == before < 300
    assert run.now().status == "sending"
    assert run.now().status_reason == "The sender is paused: Under review."
    work = elsewhere(lambda: lifecycle.senders_with_work(now=clock.now()))
    assert (tenant.id, run.sender.pk) not in work
    run.change_sender(is_paused=False)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {SENT: 300}
    assert run.now().status_reason == ""


async def test_with_a_new_token_another_dispatcher_begins(tenant: Tenant) -> None:
    run = Run(tenant, people=300, rate=50)
    async with run.provider.listening(), run.dispatching() as working:
        await run.until(lambda: run.provider.posts.total() > 5)
        run.change_sender(access_token="fresh")
        await asyncio.sleep(1.2)
        assert working._is_stopping
    async with run.provider.listening(), run.dispatching() as next_one:
        await run.until(lambda: run.provider.posts.total() > 100)
        assert next_one.connection.access_token == "fresh"
    assert set(run.provider.posts.values()) == {1}
