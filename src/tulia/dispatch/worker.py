"""The worker process: runs the queue's jobs, and a dispatcher for each sender it can get hold of.

Any number of workers may run, on any number of machines. Four times a second each looks for senders with work and tries
their locks; whoever gets one sends for that number until there is nothing left. A worker that dies loses its locks at
that moment, and another takes over within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import cast
from uuid import UUID

import aiohttp
from django.conf import settings
from procrastinate import App
from procrastinate.contrib.django import app as job_app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status

from tulia.campaigns import lifecycle
from tulia.channels import http, registry, standing
from tulia.channels.adapter import Connection
from tulia.core import clock, logs, sql, threads
from tulia.core.threads import DatabaseThreads
from tulia.dispatch import run_jobs, scheduler, wire_journal
from tulia.dispatch import timekeeping as timekeeper
from tulia.dispatch.dispatcher import Dispatcher
from tulia.dispatch.health_port import Pulse
from tulia.dispatch.names import LONG_QUEUE, QUEUE, sender_lock
from tulia.dispatch.pacing import Crowding, Pacer
from tulia.dispatch.wire_journal import WireJournal
from tulia.tenants import workers
from tulia.tenants.scope import system_scope

_log = logs.get(__name__)
TICK_SECONDS = 0.25
AGAIN_SECONDS = 0.5
CROWDING_SECONDS = 0.05
PACER_KEPT_SECONDS = 5.0
HOUSEKEEPING_SECONDS = 5.0
MOST_FILES = 65_536
SAYING_SECONDS = 2.0
DATABASE_THREADS = 8
LEFT_TO_OTHERS = 3  # of the connections: to the deliverer of events and the background jobs
JOB_CONCURRENCY = {QUEUE: 3, LONG_QUEUE: 2, "ingest": 2}
COMPANION_PAUSE_SECONDS = 5.0
Companion = Callable[[asyncio.Event], Awaitable[None]]
"""Something else that runs in this process until the event is set, and then finishes what it began."""


class Worker:
    """One worker process."""

    def __init__(self, companions: Sequence[Companion] = (), *, pulse: Pulse) -> None:
        self._companions = companions
        self._database = DatabaseThreads(max(1, min(DATABASE_THREADS, settings.DATABASE_POOL_SIZE - LEFT_TO_OTHERS)))
        self._locks = sql.SessionLocks()
        folder = settings.DATA_DIR / "journals"
        self._journal = WireJournal(folder)
        wire_journal.discard_old(folder, now_seconds=clock.now().timestamp())
        self._dispatchers: dict[UUID, tuple[Dispatcher, asyncio.Task[None]]] = {}
        self._parted: dict[UUID, tuple[float, Pacer]] = {}
        self._crowding = Crowding()
        self._stopping = asyncio.Event()
        self._pulse = pulse
        self._said_at = 0.0

    async def run(self) -> None:
        """Works until told to stop; then finishes what is in flight."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        if queue := await self._opened_queue():
            try:
                await self._work(queue)
            finally:
                await queue.close_async()
        with contextlib.suppress(Exception):  # nobody waits for a goodbye
            await self._database.run(workers.gone, self._journal.worker_id)
        self._locks.close()
        self._database.close()
        self._journal.close()
        _log.info("worker_stopped")

    async def _opened_queue(self) -> App | None:
        """The queue of jobs, once the database is there and has told its time; None when told to stop before."""
        connector = cast(DjangoConnector, job_app.connector)
        while not self._stopping.is_set():
            queue: App = job_app.with_connector(connector.get_worker_connector())
            try:
                await self._database.run(_hear_the_time)
                await queue.open_async()
            except Exception as error:
                with contextlib.suppress(Exception):
                    await queue.close_async()
                if not sql.is_worth_repeating(error):
                    raise
                _log.warning("database_unreachable", error=type(error.__cause__ or error).__name__)
                await self._pause(AGAIN_SECONDS)
            else:
                return queue
        return None

    async def _work(self, queue: App) -> None:
        async with http.session(timeout_seconds=settings.SEND_TIMEOUT_SECONDS) as session:
            job_runners = [
                asyncio.create_task(run_jobs.until_stopped(queue, name, concurrency, self._stopping))
                for name, concurrency in JOB_CONCURRENCY.items()
            ]
            housekeeping = asyncio.create_task(self._keep_house(queue))
            watching = asyncio.create_task(self._watch_crowding())
            timekeeping = asyncio.create_task(timekeeper.until_stopped(self._database, self._stopping))
            companions = [asyncio.create_task(self._accompany(companion)) for companion in self._companions]
            _log.info("worker_started")
            try:
                await self._dispatch_until_stopped(session)
            finally:
                self._stopping.set()
                housekeeping.cancel()
                for runner in job_runners:
                    runner.cancel()
                await self._finish_dispatchers()
                await asyncio.gather(
                    housekeeping, timekeeping, watching, *companions, *job_runners, return_exceptions=True
                )

    async def _dispatch_until_stopped(self, session: aiohttp.ClientSession) -> None:
        while not self._stopping.is_set():
            try:
                await self._tick(session)
                self._pulse.beat()
            except Exception as error:
                if not sql.is_worth_repeating(error):
                    raise
                _log.warning("database_unreachable", error=type(error.__cause__ or error).__name__)
            await self._pause(TICK_SECONDS)

    async def _pause(self, seconds: float) -> None:
        """So long, or until told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _tick(self, session: aiohttp.ClientSession) -> None:
        orphaned: frozenset[tuple[UUID, UUID]] = frozenset()
        if time.monotonic() - self._said_at > SAYING_SECONDS:
            await self._say()
            orphaned = await self._database.run(standing.orphaned, self._journal.worker_id)
        with_work, are_held = await self._database.run(self._look)
        if not are_held:
            # Without the locks another worker may be sending for the same numbers: stop at once.
            _log.warning("locks_lost")
            await self._finish_dispatchers()
        for sender_id in [sender_id for sender_id, (_, task) in self._dispatchers.items() if task.done()]:
            await self._part_with(sender_id)
        for tenant_id, sender_id in with_work | orphaned:
            if sender_id not in self._dispatchers:
                await self._take_on(tenant_id, sender_id, session)

    async def _say(self) -> None:
        """Says to the others that this worker runs."""
        await self._database.run(workers.tick, self._journal.worker_id, sender_count=len(self._dispatchers))
        self._said_at = time.monotonic()

    def _look(self) -> tuple[frozenset[tuple[UUID, UUID]], bool]:
        """Who has work, and whether the locks are still ours."""
        return lifecycle.senders_with_work(now=clock.now()), self._locks.are_held()

    def _get_hold_of(self, tenant_id: UUID, sender_id: UUID) -> Connection | None:
        """The sender's lock, and how to send with it; None when another worker has it, or it is gone."""
        if not self._locks.acquire(sender_lock(sender_id)):
            return None
        connection = registry.connection_of(tenant_id, sender_id)
        if connection is None:
            self._locks.release(sender_lock(sender_id))
        return connection

    async def _take_on(self, tenant_id: UUID, sender_id: UUID, session: aiohttp.ClientSession) -> None:
        connection = await self._database.run(self._get_hold_of, tenant_id, sender_id)
        if connection is None:
            return
        dispatcher = Dispatcher(
            connection,
            registry.connect(connection, session),
            self._database,
            journal=self._journal,
            crowding=self._crowding,
            pacer=self._pacer_of(sender_id),
        )
        self._dispatchers[sender_id] = (dispatcher, asyncio.create_task(dispatcher.run()))

    def _pacer_of(self, sender_id: UUID) -> Pacer | None:
        """What is known of the last second, if this process sent for the sender a moment ago."""
        now = time.monotonic()
        self._parted = {of: one for of, one in self._parted.items() if now - one[0] < PACER_KEPT_SECONDS}
        return self._parted[sender_id][1] if sender_id in self._parted else None

    async def _watch_crowding(self) -> None:
        """Sees how late this process is with everything. One sender alone may be as late as it likes."""
        while not self._stopping.is_set():
            begun = time.monotonic()
            await asyncio.sleep(CROWDING_SECONDS)
            is_alone = len(self._dispatchers) < 2
            self._crowding.late(0.0 if is_alone else time.monotonic() - begun - CROWDING_SECONDS)

    async def _part_with(self, sender_id: UUID) -> None:
        dispatcher, task = self._dispatchers.pop(sender_id)
        self._parted[sender_id] = (time.monotonic(), dispatcher.pacer)
        if not task.cancelled() and (error := task.exception()):
            _log.error("dispatcher_crashed", sender_id=str(sender_id), exc_info=error)
        await self._database.run(self._locks.release, sender_lock(sender_id))

    async def _finish_dispatchers(self) -> None:
        for dispatcher, _ in self._dispatchers.values():
            dispatcher.stop()
        under_way = {task for _, task in self._dispatchers.values()}
        # Whoever has taken a sender over meanwhile waits for what this worker has in flight, as long as it lives.
        while under_way:
            _, under_way = await asyncio.wait(under_way, timeout=SAYING_SECONDS)
            if under_way:
                with contextlib.suppress(Exception):
                    await self._say()
        for sender_id in list(self._dispatchers):
            with contextlib.suppress(Exception):
                await self._part_with(sender_id)

    async def _accompany(self, companion: Companion) -> None:
        """Runs a companion; one that crashes begins anew a little later, and the dispatchers don't notice."""
        while not self._stopping.is_set():
            try:
                await companion(self._stopping)
            except Exception:
                _log.exception("companion_crashed")
                await self._pause(COMPANION_PAUSE_SECONDS)

    async def _keep_house(self, queue: App) -> None:
        """Gives the jobs of dead workers back to the queue, and defers what was forgotten."""
        while True:
            try:
                for job in await queue.job_manager.get_stalled_jobs(
                    seconds_since_heartbeat=run_jobs.STALLED_AFTER_SECONDS
                ):
                    await _give_back(queue, job)
                await queue.job_manager.prune_stalled_workers(60.0)
                await self._database.run(scheduler.relaunch_forgotten, now=clock.now())
            except Exception as error:
                _log.warning("housekeeping_failed", error=type(error.__cause__ or error).__name__)
            await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def _give_back(queue: App, job: Job) -> None:
    """Puts a dead worker's job back in the queue, unless its twin waits there already."""
    try:
        await queue.job_manager.retry_job(job)
    except (ConnectorException, AlreadyEnqueued):
        await queue.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


def _hear_the_time() -> None:
    """Before anything is judged to be due: opening a scope tells the database's time (see `core.clock`)."""
    with system_scope():
        pass


def run_worker(companions: Sequence[Companion] = (), *, pulse: Pulse | None = None) -> int:
    """Runs a worker, and its companions beside it, until SIGTERM or SIGINT; `pulse` tells others that it ticks."""
    logs.configure(settings.LOG_LEVEL)
    threads.hand_over_often()
    _allow_many_connections()
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(companions, pulse or Pulse()))
    else:
        uvloop.run(_run(companions, pulse or Pulse()))
    return 0


def _allow_many_connections() -> None:
    """A thousand messages under way need as many sockets, and many systems let a process have 1,024 files unless it asks."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    if now != resource.RLIM_INFINITY and now < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _run(companions: Sequence[Companion], pulse: Pulse) -> None:
    await Worker(companions, pulse=pulse).run()
