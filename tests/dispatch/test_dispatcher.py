"""The dispatcher against a real HTTP provider that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from django.conf import settings
from django.test import Client

from cast import add_campaign, add_template, reloaded, start
from dispatch.provider import Run, accepted, elsewhere, graph_error, in_turn, page
from tulia.audience.models import Customer
from tulia.campaign_service import CampaignService
from tulia.campaigns import edit, lifecycle
from tulia.campaigns.models import MessageCampaign
from tulia.core import clock
from tulia.dispatch import breakers, composing, settling
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger.claim import Claim, claim
from tulia.ledger.status import State
from tulia.reports.verify import verify
from tulia.tenants import api_keys, tenant_settings
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

SENT = (State.ACCEPTED, "")


def change(campaign: MessageCampaign, act: Callable[..., None], **how: object) -> None:
    """An act on a campaign, in its tenant's scope."""

    def do() -> None:
        with tenant_scope(campaign.tenant_id):
            act(campaign, now=clock.now(), **how)

    elsewhere(do)


async def test_everyone_is_sent_to_once_and_the_campaign_is_completed(tenant: Tenant) -> None:
    run = Run(tenant, people=40)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert set(run.provider.posts.values()) == {1}
    assert run.states() == {SENT: 40}
    assert (run.now().status, run.now().delivery_count) == ("completed", 40)
    assert elsewhere(lambda: verify([tenant.id])).differences == ()


async def test_a_429_is_waited_out_as_long_as_it_asks_and_burns_nobody(tenant: Tenant) -> None:
    run = Run(tenant, people=1, answer=in_turn(graph_error(130429, status=429, **{"Retry-After": "1"}), accepted()))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    first, second = run.provider.posted_at
    assert 1.0 <= second - first < 5.0
    assert run.states() == {SENT: 1}
    assert run.rows()[0].attempts == 1, "being too fast is no try"


async def test_a_provider_that_stumbles_is_tried_again(tenant: Tenant) -> None:
    run = Run(tenant, people=3, answer=in_turn(graph_error(131000, status=500), page(503), accepted()))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert set(run.provider.posts.values()) == {3}
    assert run.states() == {SENT: 3}


async def test_who_is_refused_six_times_failed_while_others_get_through(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling.random, "random", lambda: 0.01)
    run = Run(tenant, people=2, answer=graph_error(131000, status=500))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert set(run.provider.posts.values()) == {6}
    assert [(row.state, row.failure_code, row.accepted_at) for row in run.rows()] == [
        (State.FAILED, "131000", None)
    ] * 2
    assert (run.now().failed_count, run.now().delivery_count) == (2, 0)


async def test_a_gateways_page_after_the_message_was_handed_over_is_never_answered_with_another(tenant: Tenant) -> None:
    run = Run(tenant, people=5, answer=page(502))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
        await asyncio.sleep(0.3)
    assert set(run.provider.posts.values()) == {1}
    assert run.states() == {(State.UNKNOWN, "no_answer"): 5}
    assert run.now().failed_count == 0


async def test_a_provider_that_hangs_leaves_an_unknown_after_the_timeout(tenant: Tenant) -> None:
    async def hang() -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    run = Run(tenant, people=2, answer=lambda _: hang())
    async with run.provider.listening(), run.dispatching(timeout_seconds=0.5):
        await run.until(run.is_over)
    assert set(run.provider.posts.values()) == {1}
    assert run.states() == {(State.UNKNOWN, "no_answer"): 2}


async def test_a_connection_that_breaks_off_leaves_an_unknown(tenant: Tenant) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reader.read(100)
        writer.close()

    run = Run(tenant, people=2)
    server = await asyncio.start_server(serve, "127.0.0.1", run.provider.port)
    async with server, run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {(State.UNKNOWN, "no_answer"): 2}


@pytest.mark.parametrize("people", [2, 60])
async def test_while_nobody_answers_the_door_nobody_is_burnt(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, people: int
) -> None:
    monkeypatch.setattr(breakers, "OUTAGE_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(settling.random, "random", lambda: 0.01)
    run = Run(tenant, people=people, rate=200)
    tries = 0

    async with run.dispatching() as working:
        adapter_send = working._adapter.send

        async def counted(message, **further):  # type: ignore[no-untyped-def]
            nonlocal tries
            tries += 1
            return await adapter_send(message, **further)

        working._adapter.send = counted  # type: ignore[method-assign]
        await run.until(lambda: tries > 10 * min(people, 4))
        assert run.now().status == "sending"
        assert all(row.attempts <= 1 and row.state < State.SKIPPED for row in run.rows())
        async with run.provider.listening():
            await run.until(run.is_over)
    assert run.states() == {SENT: people}
    assert set(run.provider.posts.values()) == {1}


async def test_while_answers_get_lost_only_a_few_at_a_time_become_unknown(tenant: Tenant) -> None:
    run = Run(tenant, people=400, rate=400, answer=page(502))
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.states()[State.UNKNOWN, "no_answer"] >= breakers.OUTAGE_AFTER)
        await asyncio.sleep(1.5)
        lost = run.provider.posts.total()
        run.provider.answer = accepted()
    assert breakers.OUTAGE_AFTER <= lost <= 100
    assert run.now().status == "sending"


async def test_a_message_that_is_refused_ten_times_in_a_row_pauses_the_campaign_and_says_why(tenant: Tenant) -> None:
    run = Run(tenant, people=200, rate=100, answer=graph_error(132000))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    paused = run.now()
    assert paused.status == "paused"
    assert "10 messages in a row" in paused.status_reason
    assert "number of values" in paused.status_reason
    states = run.states()
    assert 10 <= paused.failed_count <= 60
    assert states[State.FAILED, ""] == paused.failed_count
    assert states[State.SENDING, ""] == 0
    assert sum(states.values()) == 200


@pytest.mark.parametrize("code", [132001, 132015, 132016])
async def test_a_template_that_can_not_be_sent_pauses_the_campaign_at_once_and_fails_nobody(
    tenant: Tenant, code: int
) -> None:
    run = Run(tenant, people=60, rate=50, answer=graph_error(code))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    paused = run.now()
    assert (paused.status, paused.failed_count) == ("paused", 0)
    assert "template" in paused.status_reason.lower()
    assert {state for state, _ in run.states()} <= {State.WAITING, State.DEFERRED}
    assert all(row.attempts == 0 for row in run.rows())


async def test_people_who_can_not_be_reached_fail_and_the_rest_go_on(tenant: Tenant) -> None:
    turn = iter(range(10**6))
    refusal, acceptance = graph_error(131026), accepted()
    run = Run(tenant, people=60, answer=lambda n: (acceptance if next(turn) % 30 == 29 else refusal)(n))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {(State.FAILED, ""): 58, SENT: 2}
    assert set(run.provider.posts.values()) == {1}


async def test_an_account_that_may_not_send_pauses_every_campaign_and_fails_nobody(tenant: Tenant) -> None:
    run = Run(tenant, people=30, rate=50, answer=graph_error(190, status=401))
    second = elsewhere(lambda: start(add_campaign(tenant, sender_id=str(run.sender.id)), now=clock.now()))
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.is_over() and elsewhere(lambda: reloaded(second)).status != "sending")
    for campaign in (run.now(), elsewhere(lambda: reloaded(second))):
        assert (campaign.status, campaign.failed_count) == ("paused", 0)
        assert "access token" in campaign.status_reason
    assert {state for state, _ in run.states()} <= {State.WAITING, State.DEFERRED}
    assert all(row.attempts == 0 for row in run.rows())
    assert run.provider.posts.total() < 30


async def test_a_stop_finishes_what_is_in_flight_and_claims_nothing_more(tenant: Tenant) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    acceptance = accepted()

    async def slow(turn: int) -> web.Response:
        arrived.set()
        await go_on.wait()
        return acceptance(turn)  # type: ignore[return-value]

    run = Run(tenant, people=100, rate=100, answer=slow)
    async with run.provider.listening(), run.dispatching() as working:
        await asyncio.wait_for(arrived.wait(), 10)
        working.stop()
        await asyncio.sleep(0.5)
        begun = run.provider.posts.total()
        go_on.set()
    assert run.provider.posts.total() == begun < 100
    assert run.states() == {SENT: begun, (State.WAITING, ""): 100 - begun}
    assert run.now().status == "sending"


async def test_a_pause_stops_the_rest_and_a_resume_sends_to_them(tenant: Tenant) -> None:
    run = Run(tenant, people=60, rate=40)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.provider.posts.total() > 10)
        change(run.now(), lifecycle.pause, reason="lunch")
        await asyncio.sleep(0.5)
        before = run.provider.posts.total()
        await asyncio.sleep(0.5)
        assert run.provider.posts.total() == before < 60
    change(run.now(), lifecycle.resume)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert set(run.provider.posts.values()) == {1}
    assert run.states() == {SENT: 60}


async def test_at_the_end_of_its_budget_a_campaign_pauses_and_goes_on_with_more(tenant: Tenant) -> None:
    template = elsewhere(lambda: add_template(tenant, body="Mangoes!"))
    price = 22_500
    run = Run(tenant, people=30, template_id=str(template.pk), budget_micros=20 * price + 1)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.now().status == "paused")
        await run.until(lambda: run.states() == {SENT: 20, (State.WAITING, ""): 10})
    assert "budget" in run.now().status_reason
    assert run.now().cost_micros == 20 * price
    with pytest.raises(lifecycle.BudgetUsedUp):
        change(with_budget(run.now(), 20 * price), lifecycle.resume)
    change(with_budget(run.now(), 30 * price), lifecycle.resume)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {SENT: 30}
    assert set(run.provider.posts.values()) == {1}
    assert elsewhere(lambda: verify([tenant.id])).differences == ()


def with_budget(campaign: MessageCampaign, micros: int) -> MessageCampaign:
    def do() -> MessageCampaign:
        with tenant_scope(campaign.tenant_id):
            return edit.update(campaign, {"budget_micros": micros}, now=clock.now())

    return elsewhere(do)


async def test_whoever_has_to_wait_is_sent_to_when_the_time_has_come(tenant: Tenant) -> None:
    run = Run(tenant, people=5)

    def write_yesterday() -> None:
        tenant_settings.change(tenant.id, {"frequency_cap": {"max_messages": 1, "days": 1}})
        yesterday = clock.now() - timedelta(days=1) + timedelta(seconds=4)
        earlier = start(add_campaign(tenant, sender_id=str(run.sender.pk)), now=yesterday)
        assert len(claim(tenant.id, earlier.pk, now=yesterday, batch=10).people) == 5
        change(earlier, lifecycle.cancel)

    elsewhere(write_yesterday)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.states() == {(State.DEFERRED, "frequency_cap"): 5})
        assert not run.provider.posts
        await run.until(run.is_over)
    assert run.states() == {SENT: 5}


async def test_who_follows_a_link_of_the_message_has_clicked_and_is_led_on(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://tulia.example")
    said: list[str] = []
    text = 'Sale! {{ "https://shop.example/sale?x=1" | track }} or {{ "https://shop.example/more" | track }}'
    run = Run(tenant, people=2, message_content=text, primary_metric="clicked")
    really = composing.message.compose

    def compose(*args, **kwargs):  # type: ignore[no-untyped-def]
        made = really(*args, **kwargs)
        said.append(made.text)
        return made

    monkeypatch.setattr(composing.message, "compose", compose)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    first, second = re.findall(r"https://tulia.example(/l/[\w-]{43})", said[0])

    def visit(path: str, agent: str = "Mozilla/5.0", method: str = "get") -> tuple[int, str]:
        seen = getattr(Client(), method)(path, headers={"user-agent": agent})
        return seen.status_code, seen.headers.get("Location", "")

    def visit_all() -> None:
        assert visit(first, "WhatsApp/2.24") == visit(first, method="head") == (302, "https://shop.example/sale?x=1")
        assert not [row for row in run.rows() if row.clicked_at]
        assert visit(second) == (302, "https://shop.example/more")
        assert visit(first) == visit(first)
        assert visit(first[:-3] + "xyz")[0] == visit("/l/x")[0] == 404
        row = next(one for one in run.rows() if one.clicked_at)
        assert (row.state, row.read_at) == (State.DELIVERED, None)
        assert CampaignService(api_keys.operator(tenant.id)).generate_report(run.campaign.pk).arms[0].clicked == 1
        assert verify([tenant.id]).differences == ()

    elsewhere(visit_all)


async def test_a_message_that_can_not_be_made_is_skipped_with_its_reason(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=4, message_content="Hello {{ customer.name }}")
    nameless, broken_id = (row.customer_id for row in run.rows()[:2])

    def prepare() -> str:
        with tenant_scope(tenant.id):
            Customer.objects.filter(pk=nameless).update(name="")
            return Customer.objects.get(pk=broken_id).phone

    broken = elsewhere(prepare)
    really = composing.message.compose

    def compose(*args, to, **kwargs):  # type: ignore[no-untyped-def]
        if to == broken:
            raise ZeroDivisionError
        return really(*args, to=to, **kwargs)

    monkeypatch.setattr(composing.message, "compose", compose)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {(State.SKIPPED, "render_failed"): 2, SENT: 2}
    assert run.now().status == "completed"


async def test_an_answer_that_can_not_be_written_down_takes_no_other_along(tenant: Tenant) -> None:
    turn = iter(range(10**6))
    endless, acceptance = accepted("wamid." + "x" * 500), accepted()
    run = Run(tenant, people=30, answer=lambda n: (endless if next(turn) == 7 else acceptance)(n))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {SENT: 29, (State.UNKNOWN, "no_answer"): 1}
    assert set(run.provider.posts.values()) == {1}


async def test_who_was_in_flight_when_the_last_dispatcher_died_is_unknown_and_not_sent_to_again(tenant: Tenant) -> None:
    run = Run(tenant, people=10)
    elsewhere(lambda: claim(tenant.id, run.campaign.pk, now=clock.now(), batch=3))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {(State.UNKNOWN, "interrupted"): 3, SENT: 7}
    assert run.provider.posts.total() == 7


async def test_who_was_claimed_while_the_answer_got_lost_is_sent_to_all_the_same(
    tenant: Tenant, tmp_path: Path
) -> None:
    run = Run(tenant, people=20, rate=10)
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        lost = await claimed_behind_its_back(run, journal)
    assert len(lost.people) == 3
    assert run.states() == {SENT: 20}
    assert set(run.provider.posts.values()) == {1}


async def claimed_behind_its_back(run: Run, journal: WireJournal) -> Claim:
    """What became of the answer, once the campaign is over."""
    async with run.provider.listening(), run.dispatching(journal=journal):
        await run.until(lambda: run.sender_now().dispatched_by == journal.worker_id)
        # As when a connection breaks after the commit: the ledger has the claim, and the dispatcher asks again.
        lost = elsewhere(
            lambda: claim(run.tenant.id, run.campaign.pk, now=clock.now(), batch=3, worker_id=journal.worker_id)
        )
        await run.until(run.is_over)
    return lost
