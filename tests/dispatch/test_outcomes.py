"""What a kill leaves behind that the ledger doesn't know of."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import psycopg
import pytest
from aiohttp import web

from dispatch.provider import Run, accepted, graph_error, in_turn
from tulia.dispatch import outcomes
from tulia.dispatch.pacing import FEWEST_UNSETTLED
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger.status import State
from tulia.tenants.models import Tenant

SENT = (State.ACCEPTED, "")


async def test_however_slow_the_ledger_is_a_kill_would_leave_no_more_than_512_in_it_as_being_sent(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = outcomes.record.record

    def record(*args, **kwargs):  # type: ignore[no-untyped-def]
        time.sleep(0.4)
        return really(*args, **kwargs)

    monkeypatch.setattr(outcomes.record, "record", record)
    # At twice the rate a machine that reads answers late would be right to have more of them in flight.
    run = Run(tenant, people=2_000, rate=1_000)
    most = 0

    def looked() -> bool:
        nonlocal most
        states = run.states()
        most = max(most, sum(count for (state, _), count in states.items() if state == State.SENDING))
        return states == {SENT: 2_000}

    async with run.provider.listening(), run.dispatching():
        await run.until(looked, within=40)
    assert 300 < most <= FEWEST_UNSETTLED


async def test_who_is_on_the_wire_again_is_not_forgotten_when_their_return_is_said_a_second_time(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer got lost with the database. Without the note a kill would have them sent to once more."""
    may_answer = asyncio.Event()

    async def hang(_: int = 0) -> web.Response:
        await may_answer.wait()
        return accepted()(1)  # type: ignore[return-value]

    run = Run(tenant, people=1, answer=in_turn(graph_error(131000, status=500), lambda _: hang()))
    really, said = outcomes.claim.put_back, []

    def put_back(*args, **kwargs):  # type: ignore[no-untyped-def]
        said.append(args)
        if len(said) == 2:
            while run.provider.posts.total() < 2:
                time.sleep(0.02)
        really(*args, **kwargs)
        if len(said) == 1:
            raise psycopg.OperationalError("the connection broke after the commit")
        said.append("done")

    monkeypatch.setattr(outcomes.claim, "put_back", put_back)
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        async with run.provider.listening(), run.dispatching(journal=journal):
            await run.until(lambda: "done" in said)
            await asyncio.sleep(0.2)
            assert journal.on_the_wire(journal.worker_id) == {run.rows()[0].pk}
            may_answer.set()
            await run.until(run.is_over)
    assert run.states() == {SENT: 1}
    assert set(run.provider.posts.values()) == {2}


async def test_whose_answer_can_not_be_written_down_is_noted_until_they_are_unknown(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=1, answer=accepted("wamid." + "x" * 500))
    really, noted = outcomes.record.mark_unknown, []
    with contextlib.closing(WireJournal(tmp_path)) as journal:

        def mark_unknown(*args):  # type: ignore[no-untyped-def]
            noted.append(journal.on_the_wire(journal.worker_id))
            return really(*args)

        monkeypatch.setattr(outcomes.record, "mark_unknown", mark_unknown)
        async with run.provider.listening(), run.dispatching(journal=journal):
            await run.until(run.is_over)
        assert noted == [{run.rows()[0].pk}]
        assert journal.on_the_wire(journal.worker_id) == frozenset()
