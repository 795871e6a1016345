"""A worker that lost a sender and lives settles its own people; whoever took the sender over sees to it that it does."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from dispatch.provider import Run, elsewhere
from tulia.campaigns import lifecycle
from tulia.channels import standing
from tulia.core import clock, trace
from tulia.dispatch import courses
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger import record
from tulia.ledger.claim import Claim, PutBack, claim, put_back
from tulia.ledger.reconcile import disown
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import State
from tulia.tenants import workers
from tulia.tenants.models import Tenant

SENT = (State.ACCEPTED, "")
BEING_SENT_TO = (State.SENDING, "")
_LIVES = """
import sys
from pathlib import Path
from tulia.dispatch.wire_journal import WireJournal
journal = WireJournal(Path(sys.argv[1]))
print(journal.worker_id, flush=True)
journal.note(int(sys.stdin.readline()))
print("noted", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[WireJournal]:
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        yield journal


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[WireJournal]:
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        yield journal


def claimed_by(run: Run, worker_id: UUID) -> Claim:
    """Three people, by a worker that has the sender."""

    def do() -> Claim:
        standing.take_over(run.tenant.id, run.sender.pk, worker_id)
        return claim(run.tenant.id, run.campaign.pk, now=clock.now(), batch=3, worker_id=worker_id)

    return elsewhere(do)


async def test_who_lives_records_who_was_sent_to_and_puts_back_the_others(
    tenant: Tenant, ours: WireJournal, theirs: WireJournal
) -> None:
    run = Run(tenant, people=10)
    answered, *unsent = claimed_by(run, theirs.worker_id).people
    async with run.provider.listening(), run.dispatching(journal=ours):
        await run.until(lambda: run.states() == {SENT: 7, BEING_SENT_TO: 3})
        assert not run.is_over()
        accepted = [Evidence(answered.recipient_id, Kind.ACCEPTED, clock.now())]
        back = [PutBack(one.recipient_id, one.claimed_at, clock.now(), "", counts=False) for one in unsent]
        elsewhere(lambda: record.record(tenant.id, run.sender.pk, accepted))
        elsewhere(lambda: put_back(tenant.id, back))
        await run.until(run.is_over)
    assert run.states() == {SENT: 10}
    assert set(run.provider.posts.values()) == {1}
    assert answered.phone not in run.provider.posts


async def test_who_dies_over_it_leaves_a_journal(tenant: Tenant, tmp_path: Path, ours: WireJournal) -> None:
    run = Run(tenant, people=10)
    other = subprocess.Popen(
        [sys.executable, "-c", _LIVES, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdin
        assert other.stdout
        on_the_wire, *unsent = claimed_by(run, UUID(other.stdout.readline().strip())).people
        other.stdin.write(f"{on_the_wire.recipient_id}\n")
        other.stdin.flush()
        assert other.stdout.readline() == "noted\n"
        async with run.provider.listening(), run.dispatching(journal=ours):
            await run.until(lambda: run.states() == {SENT: 7, BEING_SENT_TO: 3})
            other.kill()
            await run.until(run.is_over)
    finally:
        other.kill()
        other.communicate()
    assert run.states() == {SENT: 9, (State.UNKNOWN, "interrupted"): 1}
    assert on_the_wire.phone not in run.provider.posts
    assert {run.provider.posts[one.phone] for one in unsent} == {1}


async def test_who_lives_and_does_not_get_to_it_for_a_minute_is_not_waited_for(
    tenant: Tenant, ours: WireJournal, theirs: WireJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "LEFT_AFTER_ANSWER", timedelta(seconds=3 - settings.SEND_TIMEOUT_SECONDS))
    run = Run(tenant, people=5)
    claimed_by(run, theirs.worker_id)
    async with run.provider.listening(), run.dispatching(journal=ours):
        await run.until(lambda: run.states() == {SENT: 2, BEING_SENT_TO: 3})
        await run.until(run.is_over)
    assert run.states() == {SENT: 2, (State.UNKNOWN, "interrupted"): 3}


async def test_who_lives_on_another_machine_says_so_in_the_database(
    tenant: Tenant, ours: WireJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "LEFT_TO_LOST", timedelta())
    run = Run(tenant, people=5)
    other = uuid4()
    elsewhere(lambda: workers.tick(other, sender_count=1))
    claimed_by(run, other)
    async with run.provider.listening(), run.dispatching(journal=ours):
        await run.until(lambda: run.states() == {SENT: 2, BEING_SENT_TO: 3})
        elsewhere(lambda: workers.gone(other))
        await run.until(run.is_over)
    assert run.states() == {SENT: 2, (State.UNKNOWN, "interrupted"): 3}


async def test_who_may_live_on_another_machine_has_time_to_say_so(
    tenant: Tenant, ours: WireJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that crashed, or is another after a failover, has forgotten who runs."""
    monkeypatch.setattr(trace, "LEFT_TO_LOST", timedelta(seconds=3))
    run = Run(tenant, people=5)
    claimed_by(run, uuid4())
    async with run.provider.listening(), run.dispatching(journal=ours):
        await run.until(lambda: run.states() == {SENT: 2, BEING_SENT_TO: 3})
        await run.until(run.is_over)
    assert run.states() == {SENT: 2, (State.UNKNOWN, "interrupted"): 3}


async def test_people_of_a_paused_campaign_whose_worker_died_are_settled_too(
    tenant: Tenant, ours: WireJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "LEFT_TO_LOST", timedelta())
    run = Run(tenant, people=5)
    sender, dead = (tenant.id, run.sender.pk), uuid4()
    elsewhere(lambda: workers.tick(dead, sender_count=1))
    claimed_by(run, dead)
    elsewhere(lambda: lifecycle.pause_by_id(tenant.id, run.campaign.pk, reason="by hand", now=clock.now()))
    assert sender not in elsewhere(lambda: lifecycle.senders_with_work(now=clock.now()) | standing.orphaned(uuid4()))
    elsewhere(lambda: workers.gone(dead))
    assert sender in elsewhere(lambda: standing.orphaned(uuid4()))
    elsewhere(lambda: workers.tick(ours.worker_id, sender_count=0))
    elsewhere(lambda: standing.take_over(tenant.id, run.sender.pk, ours.worker_id))
    assert sender in elsewhere(lambda: standing.orphaned(ours.worker_id)), "who took it over sees to it, however often"
    assert sender not in elsewhere(lambda: standing.orphaned(uuid4()))
    async with run.dispatching(journal=ours):
        await run.until(lambda: sender not in elsewhere(lambda: standing.orphaned(ours.worker_id)))
    assert run.states() == {(State.UNKNOWN, "interrupted"): 3, (State.WAITING, ""): 2}


async def test_people_of_a_paused_sender_are_settled_while_it_is_paused(
    tenant: Tenant, ours: WireJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "LEFT_TO_LOST", timedelta(seconds=3))
    run = Run(tenant, people=5)
    claimed_by(run, uuid4())
    run.change_sender(is_paused=True, paused_reason="by hand")
    elsewhere(lambda: standing.opened(tenant.id, run.sender.pk, reason="r", code="c", retry_at=None, now=clock.now()))
    async with run.provider.listening(), run.dispatching(journal=ours) as dispatcher:
        await run.until(lambda: run.states() == {(State.UNKNOWN, "interrupted"): 3, (State.WAITING, ""): 2})
        await run.until(lambda: dispatcher._is_stopping)
    assert not run.provider.posts
    assert run.now().status_reason == "The sender is paused: by hand"
    assert run.sender_now().breaker_state == standing.OPEN, "no message has got through"


async def test_who_is_put_back_while_their_campaign_is_being_completed_does_not_wait_in_it_for_ever(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=3)
    claimed = claimed_by(run, uuid4())
    elsewhere(lambda: disown(tenant.id, run.sender.pk, now=clock.now() + timedelta(hours=1), since=clock.now()))
    really, begun, may_end = lifecycle.complete, threading.Event(), threading.Event()

    def complete_slowly(*args, **kwargs):  # type: ignore[no-untyped-def]
        begun.set()
        assert may_end.wait(10)
        return really(*args, **kwargs)

    monkeypatch.setattr(courses.lifecycle, "complete", complete_slowly)
    back = [PutBack(one.recipient_id, one.claimed_at, clock.now(), "", counts=False) for one in claimed.people]

    def complete() -> bool:
        return courses._complete_if_over(tenant.id, run.sender.pk, run.campaign.pk)

    completing = asyncio.create_task(asyncio.to_thread(elsewhere, complete))
    await asyncio.to_thread(begun.wait, 10)
    putting_back = asyncio.create_task(asyncio.to_thread(elsewhere, lambda: put_back(tenant.id, back)))
    await asyncio.sleep(0.3)
    may_end.set()
    await putting_back
    assert await completing
    assert run.now().status == "completed"
    assert run.states() == {(State.UNKNOWN, "interrupted"): 3}
