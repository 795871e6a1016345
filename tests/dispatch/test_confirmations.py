"""Answers to STOP and START: once, at the sender's pace, and never again when nobody knows whether they went out."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from aiohttp import web

from dispatch.provider import Run, accepted, elsewhere, graph_error, in_turn
from tulia.audience import confirmations, consent
from tulia.audience.models import Confirmation, Customer, Message
from tulia.campaigns import lifecycle
from tulia.channels import registry, senders, standing
from tulia.channels.adapter import Connection
from tulia.core import clock
from tulia.dispatch import confirmations as sending
from tulia.dispatch import looking
from tulia.dispatch.dispatcher import KNOWN_SECONDS
from tulia.dispatch.pacing import WINDOW_SECONDS
from tulia.dispatch.wire_journal import WireJournal
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope


def stop(run: Run, count: int = 1, *, at: datetime | None = None, message_id: str | None = None) -> list[str]:
    """The first `count` people say STOP; their phones."""
    now = clock.now()

    def do() -> list[str]:
        with tenant_scope(run.tenant.id):
            phones = list(Customer.objects.order_by("phone").values_list("phone", flat=True)[:count])
            for phone in phones:
                consent.withdraw(
                    run.tenant.id, [phone], at=at or now, source="customer_initiated", actor="customer", reason="STOP"
                )
                confirmations.ask(
                    run.tenant.id, sender_id=run.sender.pk, phone=phone, kind="stopped", text="Bye",
                    message_id=message_id or f"wamid.{uuid.uuid4()}", at=at or now, now=now,
                )  # fmt: skip
        return phones

    return elsewhere(do)


def states(run: Run) -> list[str]:
    def look() -> list[str]:
        with tenant_scope(run.tenant.id):
            return list(Confirmation.objects.order_by("id").values_list("state", flat=True))

    return elsewhere(look)


def run_connection(run: Run) -> Connection:
    connection = elsewhere(lambda: registry.connection_of(run.tenant.id, run.sender.pk))
    assert connection is not None
    return connection


def dead_worker(folder: Path, *, noted: int) -> uuid.UUID:
    """A worker that was killed with this on the wire."""
    dies = (
        "import os, signal, sys, pathlib; from tulia.dispatch.wire_journal import WireJournal;"
        "journal = WireJournal(pathlib.Path(sys.argv[1])); journal.note(int(sys.argv[2]));"
        "print(journal.worker_id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run(
        [sys.executable, "-c", dies, str(folder), str(noted)], capture_output=True, text=True, check=False
    )
    return uuid.UUID(died.stdout.strip())


def pretend_campaign_is_over(run: Run) -> None:
    def do() -> None:
        with tenant_scope(run.tenant.id):
            lifecycle.pause(run.campaign, reason="test", now=clock.now())

    elsewhere(do)


async def test_replies_go_out_without_any_campaign_and_stand_in_the_conversation(tenant: Tenant) -> None:
    run = Run(tenant, people=3)
    pretend_campaign_is_over(run)
    phones = stop(run, 3)
    assert (tenant.id, run.sender.pk) in elsewhere(lambda: lifecycle.senders_with_work(now=clock.now()))
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: states(run) == ["sent"] * 3)
    assert run.provider.posts == dict.fromkeys(phones, 1)
    assert (tenant.id, run.sender.pk) not in elsewhere(lambda: lifecycle.senders_with_work(now=clock.now()))

    def said() -> set[tuple[str, str, str]]:
        with tenant_scope(tenant.id):
            return set(Message.objects.values_list("direction", "message_type", "text"))

    assert elsewhere(said) == {("outbound", "automated_transactional", "Bye")}


async def test_a_reply_that_was_being_sent_when_the_worker_died_is_unknown_and_stays_so(tenant: Tenant) -> None:
    run = Run(tenant, people=2)
    pretend_campaign_is_over(run)
    stop(run, 2)
    claimed = elsewhere(lambda: confirmations.claim(tenant.id, run.sender.pk, now=clock.now(), batch=1))
    assert len(claimed) == 1
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: sorted(states(run)) == ["sent", "unknown"])
    assert sum(run.provider.posts.values()) == 1


async def test_a_reply_counts_in_the_second_that_the_next_worker_lets_pass(tenant: Tenant, tmp_path: Path) -> None:
    run = Run(tenant, people=3)
    pretend_campaign_is_over(run)
    stop(run)
    with contextlib.closing(WireJournal(tmp_path)) as ours, contextlib.closing(WireJournal(tmp_path)) as theirs:
        async with run.provider.listening():
            async with run.dispatching(journal=ours):
                await run.until(lambda: states(run) == ["sent"])
            run.campaign = run.another()
            async with run.dispatching(journal=theirs):
                await run.until(run.is_over)
    assert run.provider.posted_at[1] - run.provider.posted_at[0] >= WINDOW_SECONDS


async def test_a_reply_whose_sender_another_worker_took_over_waits_for_that_one(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=1)
    pretend_campaign_is_over(run)
    stop(run)
    really = sending.Confirmations._claim

    def claim_and_stand_still(self, room):  # type: ignore[no-untyped-def]
        claimed = really(self, room)
        if claimed:
            standing.take_over(tenant.id, run.sender.pk, uuid.uuid4())
            time.sleep(KNOWN_SECONDS)
        return claimed

    monkeypatch.setattr(sending.Confirmations, "_claim", claim_and_stand_still)
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        async with run.provider.listening(), run.dispatching(journal=journal):
            await run.until(lambda: states(run) == ["sending"])
            await run.until(lambda: states(run) == ["waiting"])
    assert not run.provider.posts


def test_a_reply_that_is_being_sent_again_by_now_is_not_settled_by_what_was_said_before(tenant: Tenant) -> None:
    run = Run(tenant, people=1)
    stop(run)
    again = clock.now()
    for attempt in (1, 2):
        claimed = elsewhere(lambda: confirmations.claim(tenant.id, run.sender.pk, now=clock.now(), batch=1))
        assert [one.attempt for one in claimed] == [attempt]
        back = confirmations.Settled(claimed[0].id, 1, "waiting", due_at=again)
        elsewhere(lambda back=back: confirmations.settle(tenant.id, [back], now=clock.now()))  # type: ignore[misc]
    assert states(run) == ["sending"]


def test_a_reply_that_was_called_unknown_is_what_its_worker_says_if_it_lives(tenant: Tenant) -> None:
    run = Run(tenant, people=2)
    stop(run, 2)
    sent, withheld = elsewhere(lambda: confirmations.claim(tenant.id, run.sender.pk, now=clock.now(), batch=2))
    assert elsewhere(lambda: confirmations.disown(tenant.id, run.sender.pk, now=clock.now())) == 0
    assert states(run) == ["unknown", "unknown"]
    said = [
        confirmations.Settled(sent.id, 1, "sent", message_id="wamid.1"),
        confirmations.Settled(withheld.id, 1, "waiting", due_at=clock.now()),
    ]
    elsewhere(lambda: confirmations.settle(tenant.id, said, now=clock.now()))
    assert sorted(states(run)) == ["sent", "waiting"]


async def test_a_reply_whose_claim_got_lost_with_its_answer_goes_out_all_the_same(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=1)
    pretend_campaign_is_over(run)
    stop(run)
    really, lost = sending.Confirmations._claim, []

    def claim(self, room):  # type: ignore[no-untyped-def]
        claimed = really(self, room)
        if not lost:
            lost.extend(claimed)
            raise psycopg.OperationalError("the connection broke after the commit")
        return claimed

    monkeypatch.setattr(sending.Confirmations, "_claim", claim)
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        async with run.provider.listening():
            async with run.dispatching(journal=journal):  # which ends, for nothing is due
                await run.until(lambda: bool(lost) and states(run) == ["waiting"])
            async with run.dispatching(journal=journal):
                await run.until(lambda: states(run) == ["sent"])
    assert set(run.provider.posts.values()) == {1}


async def test_a_reply_whose_claim_got_lost_goes_out_by_another_worker_if_it_has_the_sender_by_then(
    tenant: Tenant, tmp_path: Path
) -> None:
    run = Run(tenant, people=2)
    pretend_campaign_is_over(run)
    stop(run, 2)
    with contextlib.closing(WireJournal(tmp_path)) as ours, contextlib.closing(WireJournal(tmp_path)) as theirs:
        left = sending.Confirmations(run_connection(run), None, None, journal=theirs)  # type: ignore[arg-type]

        def lose() -> None:
            standing.take_over(tenant.id, run.sender.pk, theirs.worker_id)
            assert len(left._claim(1)) == 1

        elsewhere(lose)
        async with run.provider.listening(), run.dispatching(journal=ours):
            await run.until(lambda: states(run) == ["sending", "sent"])
            elsewhere(lambda: looking.release(tenant.id, run.sender.pk, theirs.worker_id, theirs.on_the_wire))
            await run.until(lambda: states(run) == ["sent", "sent"])
    assert set(run.provider.posts.values()) == {1}


async def test_a_reply_of_a_worker_that_died_before_it_left_goes_out_again(tenant: Tenant, tmp_path: Path) -> None:
    run = Run(tenant, people=2)
    pretend_campaign_is_over(run)
    stop(run, 2)
    dead = dead_worker(tmp_path, noted=-1)

    def claim() -> None:
        standing.take_over(tenant.id, run.sender.pk, dead)
        confirmations.claim(tenant.id, run.sender.pk, now=clock.now(), batch=2, worker_id=dead)

    elsewhere(claim)
    with contextlib.closing(WireJournal(tmp_path)) as ours:
        async with run.provider.listening(), run.dispatching(journal=ours):
            await run.until(lambda: states(run) == ["sent", "sent"])


async def test_a_reply_that_is_on_the_wire_again_is_noted_though_its_return_was_heard_of_late(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the note a kill would have it sent once more."""
    monkeypatch.setattr(sending, "PAUSE", timedelta(seconds=0.1))
    first, may_answer, heard = iter([True]), asyncio.Event(), []

    async def hang() -> web.Response:
        await may_answer.wait()
        return accepted("wamid.again")(1)  # type: ignore[return-value]

    acceptance, refusal = accepted(), graph_error(131000, status=500)
    run = Run(
        tenant,
        people=60,
        rate=10,
        answer=lambda n: hang() if n == 2 else refusal(n) if next(first, False) else acceptance(n),
    )
    (phone,) = stop(run)
    really = confirmations.settle

    def settle(*args, **kwargs):  # type: ignore[no-untyped-def]
        really(*args, **kwargs)
        while not heard and run.provider.posts[phone] < 2:
            time.sleep(0.02)
        heard.append(args)

    monkeypatch.setattr(confirmations, "settle", settle)
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        async with run.provider.listening(), run.dispatching(journal=journal):
            await run.until(lambda: bool(heard))
            await asyncio.sleep(0.2)
            on_the_wire = journal.on_the_wire(journal.worker_id)
            may_answer.set()
            await run.until(lambda: states(run) == ["sent"])
    assert isinstance(on_the_wire, frozenset)
    assert [number for number in on_the_wire if number < 0]


async def test_a_reply_that_can_not_be_written_down_is_unknown_and_not_sent_again(
    tenant: Tenant, tmp_path: Path
) -> None:
    turn = iter(range(10**6))
    endless, acceptance = accepted("wamid." + "x" * 500), accepted()
    run = Run(tenant, people=3, answer=lambda n: (endless if next(turn) == 1 else acceptance)(n))
    pretend_campaign_is_over(run)
    stop(run, 3)
    with contextlib.closing(WireJournal(tmp_path)) as journal:
        async with run.provider.listening():
            async with run.dispatching(journal=journal):
                await run.until(lambda: sorted(states(run)) == ["sent", "sent", "unknown"])
            async with run.dispatching(journal=journal):
                await asyncio.sleep(0.5)
        assert journal.on_the_wire(journal.worker_id) == frozenset()
    assert sorted(states(run)) == ["sent", "sent", "unknown"]
    assert set(run.provider.posts.values()) == {1}


async def test_a_reply_without_an_answer_is_unknown_and_not_sent_again(tenant: Tenant) -> None:
    async def hang(_: int = 0) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    run = Run(tenant, people=1, answer=lambda _: hang())
    pretend_campaign_is_over(run)
    stop(run)
    async with run.provider.listening(), run.dispatching(timeout_seconds=0.5):
        await run.until(lambda: states(run) == ["unknown"])
        await asyncio.sleep(0.7)
    assert set(run.provider.posts.values()) == {1}


async def test_a_reply_that_certainly_did_not_go_out_is_tried_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PAUSE", timedelta(seconds=0.1))
    run = Run(tenant, people=1, answer=in_turn(graph_error(131000, status=500), accepted()))
    pretend_campaign_is_over(run)
    stop(run)
    async with run.provider.listening():
        for _ in range(2):  # a dispatcher with nothing due ends; the next round takes the sender on again
            async with run.dispatching():
                await asyncio.sleep(0.8)
    assert states(run) == ["sent"]
    assert set(run.provider.posts.values()) == {2}


async def test_replies_go_before_the_campaign_and_share_its_pace(tenant: Tenant) -> None:
    run = Run(tenant, people=60, rate=30)
    stop(run, 20)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert states(run) == ["sent"] * 20
    times = run.provider.posted_at
    assert len(times) == 60  # 20 answers and 40 who didn't stop
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[30:], strict=False))


def test_a_word_is_answered_once_a_day_unless_the_other_was_said_between(tenant: Tenant) -> None:
    from cast import add_people, add_sender

    sender, (person,) = add_sender(tenant), add_people(tenant, 1)
    now = clock.now()

    def say(kind: confirmations.Kind, at: datetime, message_id: str = "") -> int:
        act = consent.withdraw if kind == "stopped" else consent.restore
        with tenant_scope(tenant.id):
            act(tenant.id, [person.phone], at=at, source="customer_initiated", actor="customer", reason="word")
            confirmations.ask(
                tenant.id, sender_id=sender.pk, phone=person.phone, kind=kind, text="x", at=at, now=now,
                message_id=message_id or str(uuid.uuid4()),
            )  # fmt: skip
            return Confirmation.objects.count()

    hours = timedelta(hours=1)
    assert say("stopped", now - 30 * hours) == 0, "too old: the window for texts has closed"
    assert say("stopped", now - 9 * hours, "first") == 1
    assert say("stopped", now - 9 * hours, "first") == 1
    assert say("stopped", now - 8 * hours) == 1
    assert say("started", now - 7 * hours) == 2
    assert say("stopped", now - 8 * hours) == 2, "older than what was said since"
    assert say("stopped", now - 6 * hours) == 3


def test_a_paused_sender_answers_nobody_until_it_is_resumed(tenant: Tenant) -> None:
    from cast import add_people, add_sender

    sender, (person,) = add_sender(tenant), add_people(tenant, 1, consenting=False)
    now = clock.now()
    with tenant_scope(tenant.id):
        confirmations.ask(
            tenant.id,
            sender_id=sender.pk,
            phone=person.phone,
            kind="stopped",
            text="x",
            message_id="1",
            at=now,
            now=now,
        )
        senders.pause(tenant.id, sender.pk, reason="Under review")
    assert (tenant.id, sender.pk) not in lifecycle.senders_with_work(now=now)
    with tenant_scope(tenant.id):
        senders.resume(tenant.id, sender.pk)
    assert (tenant.id, sender.pk) in lifecycle.senders_with_work(now=now)
