"""A provider that asks for less gets less, and nobody loses anything by it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import pairwise

from aiohttp import web

from cast import recipients, reloaded
from dispatch.provider import Run, accepted, elsewhere, graph_error, in_turn, page
from dispatch.test_pacing import most_in_a_second
from tulia.ledger.status import State
from tulia.tenants.models import Tenant

SENT = (State.ACCEPTED, "")


async def test_in_no_second_does_the_provider_get_more_than_the_limit(tenant: Tenant) -> None:
    """Connections that are made slowly at first, answers that take their time, a process that stalls now and then."""
    acceptance, chance = accepted(), iter(range(10**6))

    async def answer(turn: int) -> web.Response:
        await asyncio.sleep(0.3 if next(chance) % 7 == 0 else 0.01)
        return acceptance(turn)  # type: ignore[return-value]

    run = Run(tenant, people=500, rate=150, answer=answer)

    async def stall() -> None:
        while True:
            await asyncio.sleep(0.4)
            time.sleep(0.15)

    async with run.provider.listening(), run.dispatching():
        stalling = asyncio.create_task(stall())
        await run.until(run.is_over)
        stalling.cancel()
    assert run.states() == {SENT: 500}
    assert most_in_a_second(run.provider.posted_at) <= 150


async def test_while_the_provider_names_a_time_the_whole_sender_waits(tenant: Tenant) -> None:
    refused_at: list[float] = []
    acceptance = accepted()

    def answer(turn: int) -> web.Response:
        now = time.monotonic()
        if not refused_at and run.provider.posts.total() == 10:
            refused_at.append(now)
            return page(429, **{"Retry-After": "2"})(turn)  # type: ignore[return-value]
        return acceptance(turn)  # type: ignore[return-value]

    run = Run(tenant, people=60, rate=40, answer=answer)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    since = [at - refused_at[0] for at in run.provider.posted_at]
    assert not [at for at in since if 0.2 < at < 2.0], "what was leaving at that moment may still come, nothing else"
    assert run.states() == {SENT: 60}
    assert {row.attempts for row in run.rows()} == {1}


async def test_however_often_the_sender_is_too_fast_nobody_fails_for_it(tenant: Tenant) -> None:
    run = Run(tenant, people=3, rate=100, answer=graph_error(130429, status=429))
    async with run.provider.listening(), run.dispatching() as working:
        slowly = working.pacer
        await run.until(lambda: run.provider.posts.total() >= 12)
        assert slowly.is_slowed
        assert run.now().status == "sending"
        run.provider.answer = accepted()
        await run.until(run.is_over, within=40)
    assert run.states() == {SENT: 3}
    assert {row.attempts for row in run.rows()} == {1}
    assert run.now().failed_count == 0


async def test_who_got_too_much_waits_with_the_messages_of_all_campaigns_and_nobody_else_does(tenant: Tenant) -> None:
    first: list[str] = []
    acceptance, refusal = accepted(), graph_error(131056)
    at: dict[str, list[float]] = {}

    async def handle(request: web.Request) -> web.Response:
        import orjson

        person = orjson.loads(await request.read())["to"]
        first[:] = first or [person]
        at.setdefault(person, []).append(time.monotonic())
        run.provider.posts[person] += 1
        given = refusal if person == first[0] and len(at[person]) <= 2 else acceptance
        return given(1)  # type: ignore[return-value]

    run = Run(tenant, people=30, rate=60)
    run.provider.handle = handle  # type: ignore[method-assign]
    other = run.another()
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.is_over() and elsewhere(lambda: reloaded(other)).status != "sending", within=30)
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(at[first[0]])]
    assert len(at[first[0]]) == 4, "refused, refused, and then a message of each campaign"
    assert pauses[0] >= 1.0
    assert pauses[1] >= 4.0
    others = [moment for person, moments in at.items() if person != first[0] for moment in moments]
    assert max(others) - min(others) < 4.0
    assert run.states() == {SENT: 30}
    assert Counter((row.state, row.reason) for row in elsewhere(lambda: recipients(other))) == {SENT: 30}
    assert {row.attempts for row in run.rows()} == {1}


async def test_another_rate_is_taken_over_while_it_sends(tenant: Tenant) -> None:
    run = Run(tenant, people=400, rate=5)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.provider.posts.total() >= 3)
        run.change_sender(rate_per_second=200)
        await run.until(lambda: run.provider.posts.total() >= 150, within=3.5)
        run.change_sender(rate_per_second=2)
        await asyncio.sleep(2.0)
        before = run.provider.posts.total()
        await asyncio.sleep(2.0)
        assert run.provider.posts.total() - before <= 5
        run.change_sender(rate_per_second=500)
        await run.until(run.is_over)
    assert set(run.provider.posts.values()) == {1}
    assert run.states() == {SENT: 400}


async def test_a_503_that_names_a_time_is_waited_out_by_all(tenant: Tenant) -> None:
    run = Run(tenant, people=5, rate=10, answer=in_turn(page(503, **{"Retry-After": "1"}), accepted()))
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert run.states() == {SENT: 5}


async def test_who_takes_over_from_another_process_lets_its_last_second_pass(tenant: Tenant) -> None:
    run = Run(tenant, people=300, rate=50)
    async with run.provider.listening():
        async with run.dispatching():
            await run.until(lambda: run.provider.posts.total() > 60)
        async with run.dispatching():
            await run.until(lambda: run.provider.posts.total() > 150)
    assert most_in_a_second(run.provider.posted_at) <= 50
    assert set(run.provider.posts.values()) == {1}
