"""Taking a sender over: what is remembered of the last second counts only if nobody else has sent since."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import types
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from dispatch.provider import Run, elsewhere
from tulia.channels import standing
from tulia.channels.standing import Predecessor
from tulia.core import clock
from tulia.dispatch import courses, looking
from tulia.dispatch.composing import Composer
from tulia.dispatch.dispatcher import KNOWN_SECONDS
from tulia.dispatch.pacing import WINDOW_SECONDS
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger.claim import claim
from tulia.ledger.status import State
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

TRIES = 3  # a busy machine takes a second for itself now and then; who lets a second pass does so each time


async def _send_another(run: Run, journal: WireJournal, **options: object) -> tuple[float, object]:
    """One more campaign by this worker; seconds from the last message before it to its first, and the pacer after it."""
    before = len(run.provider.posted_at)
    run.campaign = run.another()
    async with run.dispatching(journal=journal, **options) as dispatcher:  # type: ignore[arg-type]
        await run.until(run.is_over)
    return run.provider.posted_at[before] - run.provider.posted_at[before - 1], dispatcher.pacer


async def test_who_sent_last_goes_on_at_once_and_whoever_did_not_lets_a_second_pass(
    tenant: Tenant, tmp_path: Path
) -> None:
    run = Run(tenant, people=6, rate=200)
    with contextlib.closing(WireJournal(tmp_path)) as ours, contextlib.closing(WireJournal(tmp_path)) as theirs:
        async with run.provider.listening():
            async with run.dispatching(journal=ours) as dispatcher:
                await run.until(run.is_over)
            gaps, pacer = [], dispatcher.pacer
            while not gaps or (min(gaps) >= WINDOW_SECONDS and len(gaps) < TRIES):
                gap, pacer = await _send_another(run, ours, pacer=pacer)
                gaps.append(gap)
            assert min(gaps) < WINDOW_SECONDS
            gap, _ = await _send_another(run, theirs)
            assert gap >= 1.0
            gap, _ = await _send_another(run, ours, pacer=pacer)
            assert gap >= 1.0
    assert run.provider.posts.total() == 6 * (3 + len(gaps))


async def test_a_second_passes_too_when_what_left_last_had_been_claimed_long_before(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the database was away after a claim: the messages go out once it is back and the sender is still ours."""
    run = Run(tenant, people=3, rate=200)
    really = Composer.compose
    stands_still = iter([standing.JUST_NOW.total_seconds() + 0.5])

    def compose_late(*args, **kwargs):  # type: ignore[no-untyped-def]
        time.sleep(next(stands_still, 0))
        return really(*args, **kwargs)

    monkeypatch.setattr(Composer, "compose", compose_late)
    with contextlib.closing(WireJournal(tmp_path)) as ours, contextlib.closing(WireJournal(tmp_path)) as theirs:
        async with run.provider.listening():
            async with run.dispatching(journal=ours):
                await run.until(run.is_over)
            gap, _ = await _send_another(run, theirs)
            assert gap >= WINDOW_SECONDS


async def test_whoever_takes_a_sender_over_leaves_time_for_the_last_message_of_who_has_not_heard_of_it(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=3, rate=200)
    taken_over_at: list[float] = []
    really = standing.take_over

    def take_over(*args, **kwargs):  # type: ignore[no-untyped-def]
        before = really(*args, **kwargs)
        taken_over_at.append(time.monotonic())
        return before

    monkeypatch.setattr(standing, "take_over", take_over)
    with contextlib.closing(WireJournal(tmp_path)) as ours, contextlib.closing(WireJournal(tmp_path)) as theirs:
        async with run.provider.listening():
            async with run.dispatching(journal=ours):
                await run.until(run.is_over)
            await _send_another(run, theirs)
    assert run.provider.posted_at[3] - taken_over_at[1] >= WINDOW_SECONDS + KNOWN_SECONDS


async def test_a_taking_over_that_is_repeated_does_not_mistake_itself_for_who_sent_last(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=3, rate=200)
    really = looking.take_over
    answers_lost = iter([True])

    def take_over(*args, **kwargs):  # type: ignore[no-untyped-def]
        legacy = really(*args, **kwargs)
        if next(answers_lost, False):
            raise psycopg.OperationalError("the connection broke after the commit")
        return legacy

    with contextlib.closing(WireJournal(tmp_path)) as ours, contextlib.closing(WireJournal(tmp_path)) as theirs:
        async with run.provider.listening():
            async with run.dispatching(journal=ours) as dispatcher:
                await run.until(run.is_over)
            await _send_another(run, theirs)
            monkeypatch.setattr(looking, "take_over", take_over)
            gap, _ = await _send_another(run, ours, pacer=dispatcher.pacer)
            assert gap >= WINDOW_SECONDS


async def test_an_answer_that_took_too_long_is_not_gone_by(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was true when it was given; since then somebody else may have taken the sender over."""
    run = Run(tenant, people=1, rate=200)
    really_keep, really_compose = standing.keep, Composer.compose
    asked: list[bool] = []

    def keep(*args):  # type: ignore[no-untyped-def]
        asked.append(really_keep(*args))
        if len(asked) == 1:
            standing.take_over(tenant.id, run.sender.pk, uuid4())
            time.sleep(KNOWN_SECONDS)
        return asked[-1]

    def compose_slowly(*args, **kwargs):  # type: ignore[no-untyped-def]
        time.sleep(KNOWN_SECONDS)  # the last question is asked after that, right before the first byte
        return really_compose(*args, **kwargs)

    monkeypatch.setattr(courses.ledger_claim, "standing", types.SimpleNamespace(keep=really_keep))
    monkeypatch.setattr(standing, "keep", keep)
    monkeypatch.setattr(Composer, "compose", compose_slowly)
    with contextlib.closing(WireJournal(tmp_path)) as ours:
        async with run.provider.listening(), run.dispatching(journal=ours):
            await run.until(lambda: asked and run.states() == {(State.WAITING, ""): 1})
    assert asked in ([True, False], [True])  # the name may be seen with the next look at the sender, too
    assert not run.provider.posts


async def test_who_does_not_know_yet_that_another_has_the_sender_claims_nobody_any_more_and_leaves(
    tenant: Tenant, tmp_path: Path
) -> None:
    """A process that stood still while the database died has lost its locks, and hears of it some time later.

    Or the other has only its name there: it had lost the lock and repeated its taking over all the same. Then whoever
    leaves, and has the lock, takes the sender anew.
    """
    run = Run(tenant, people=300, rate=100)
    other = uuid4()
    with contextlib.closing(WireJournal(tmp_path)) as ours:
        async with run.provider.listening(), run.dispatching(journal=ours) as dispatcher:
            await run.until(lambda: run.provider.posts.total() > 20)
            assert elsewhere(lambda: standing.take_over(tenant.id, run.sender.pk, other)).worker_id == ours.worker_id
            await asyncio.sleep(0.2)  # what was claimed before
            posted = run.provider.posts.total()
            await asyncio.sleep(0.5)
            assert run.provider.posts.total() == posted < 300
            await run.until(lambda: dispatcher._is_stopping)
            assert {state for state, _ in run.states()} == {State.ACCEPTED, State.WAITING}


async def test_a_database_that_always_answers_late_does_not_stop_the_sending(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=3, rate=200)
    really_keep, really_claim = standing.keep, courses.ledger_claim.claim

    def late(act):  # type: ignore[no-untyped-def]
        def do(*args, **kwargs):  # type: ignore[no-untyped-def]
            answer = act(*args, **kwargs)
            time.sleep(KNOWN_SECONDS + 0.1)
            return answer

        return do

    monkeypatch.setattr(standing, "keep", late(really_keep))
    monkeypatch.setattr(courses.ledger_claim, "claim", late(really_claim))
    with contextlib.closing(WireJournal(tmp_path)) as ours:
        async with run.provider.listening(), run.dispatching(journal=ours):
            await run.until(run.is_over, within=15)
    assert run.states() == {(State.ACCEPTED, ""): 3}


async def test_a_claim_that_is_repeated_goes_by_the_time_of_each_try(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may have been away for hours since the first, and it is night by now."""
    run = Run(tenant, people=3, rate=200)
    really, times = courses.ledger_claim.claim, []

    def claim_at_the_second_try(*args, now, **kwargs):  # type: ignore[no-untyped-def]
        times.append(now)
        if len(times) == 1:
            raise psycopg.OperationalError("the database is away")
        return really(*args, now=now, **kwargs)

    monkeypatch.setattr(courses.ledger_claim, "claim", claim_at_the_second_try)
    async with run.provider.listening(), run.dispatching():
        await run.until(run.is_over)
    assert times[1] > times[0]


async def test_whoever_takes_a_sender_over_waits_for_a_claim_that_has_begun(tenant: Tenant) -> None:
    run = Run(tenant, people=3, rate=10)
    first, second = uuid4(), uuid4()
    elsewhere(lambda: standing.take_over(tenant.id, run.sender.pk, first))
    begun, may_end = threading.Event(), threading.Event()

    def claim_slowly() -> int:
        with tenant_scope(tenant.id):
            claimed = claim(tenant.id, run.campaign.pk, now=clock.now(), batch=1, worker_id=first)
            begun.set()
            assert may_end.wait(10)
        return len(claimed.people)

    claiming = asyncio.create_task(asyncio.to_thread(elsewhere, claim_slowly))
    await asyncio.to_thread(begun.wait, 10)
    taking_over = asyncio.create_task(
        asyncio.to_thread(elsewhere, lambda: standing.take_over(tenant.id, run.sender.pk, second))
    )
    await asyncio.sleep(0.3)
    assert not taking_over.done()
    may_end.set()
    assert await claiming == 1
    assert await taking_over == Predecessor(first, was_sending_just_now=True)
    late = elsewhere(lambda: claim(tenant.id, run.campaign.pk, now=clock.now(), batch=1, worker_id=first))
    assert late.is_empty
    assert (
        len(elsewhere(lambda: claim(tenant.id, run.campaign.pk, now=clock.now(), batch=5, worker_id=second)).people)
        == 2
    )


async def everybody_waits_again_unsent(run: Run, folder: Path) -> None:
    """Ten people are claimed, and all put back without anything having gone out or a try having been lost."""
    with contextlib.closing(WireJournal(folder)) as ours:
        async with run.provider.listening(), run.dispatching(journal=ours):
            await run.until(lambda: (State.SENDING, "") in run.states())
            await run.until(lambda: run.states() == {(State.WAITING, ""): 10})
    assert not run.provider.posts
    assert {row.attempts for row in run.rows()} == {0}


async def test_who_stood_still_after_a_claim_and_has_lost_the_sender_meanwhile_sends_to_nobody(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=10, rate=100)
    really = courses.ledger_claim.claim

    def claim_and_stand_still(*args, **kwargs):  # type: ignore[no-untyped-def]
        claimed = really(*args, **kwargs)
        if claimed.people:
            standing.take_over(tenant.id, run.sender.pk, uuid4())
            time.sleep(WINDOW_SECONDS)
        return claimed

    monkeypatch.setattr(courses.ledger_claim, "claim", claim_and_stand_still)
    await everybody_waits_again_unsent(run, tmp_path)


async def test_who_stands_still_on_the_way_to_the_wire_and_loses_the_sender_meanwhile_sends_nothing(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tenant, people=10, rate=100)
    really = Composer.compose

    def compose_and_stand_still(*args, **kwargs):  # type: ignore[no-untyped-def]
        elsewhere(lambda: standing.take_over(tenant.id, run.sender.pk, uuid4()))
        time.sleep(WINDOW_SECONDS)
        return really(*args, **kwargs)

    monkeypatch.setattr(Composer, "compose", compose_and_stand_still)
    await everybody_waits_again_unsent(run, tmp_path)
