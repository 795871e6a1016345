"""Delivers events, in the worker process: claims what is due, posts it, writes down what became of it.

The other place, beside the dispatcher, where the synchronous database and the asynchronous network meet. Each
subscription with something due has a lane of its own: an endpoint that is slow or dead holds up nobody else. Any number
of workers may deliver for the same subscription; a claim is theirs for a short time.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import time
from datetime import timedelta
from uuid import UUID

import aiohttp
from django.conf import settings

from tulia.core import clock, logs, sql
from tulia.core.threads import DatabaseThreads
from tulia.webhooks import claim, forget, post, tries
from tulia.webhooks.claim import Batch, ClaimedDelivery, Tried
from tulia.webhooks.tries import Answer

_log = logs.get(__name__)
LOOK_SECONDS = 0.5
BATCH = 20
"""Posts to one endpoint at a time; all of a batch end within the longest try."""
MOST_LANES = 200
DATABASE_THREADS = 2
FORGET_EVERY_SECONDS = 3_600.0


class Deliverer:
    """A worker's deliverer."""

    def __init__(self) -> None:
        self._database = DatabaseThreads(DATABASE_THREADS if settings.DATABASE_POOL_SIZE >= 16 else 1)
        self._lanes: dict[UUID, asyncio.Task[None]] = {}
        self._failures: dict[UUID, int] = {}
        self._resting_until: dict[UUID, float] = {}
        self._is_stopping = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Delivers until told to stop; then finishes the tries that were begun."""
        async with post.session(may_be_local=settings.WEBHOOKS_MAY_BE_LOCAL) as http:
            forgetting = asyncio.create_task(self._forget())
            try:
                while not stopping.is_set():
                    await self._look(http)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
            finally:
                self._is_stopping = True
                forgetting.cancel()
                await asyncio.gather(forgetting, *self._lanes.values(), return_exceptions=True)
                self._database.close()

    async def _look(self, http: aiohttp.ClientSession) -> None:
        """Opens a lane for each subscription that has something due, none yet, and needs no rest."""
        try:
            due = await self._database.run(claim.due, now=clock.now())
        except Exception as error:
            if not sql.is_worth_repeating(error):
                raise
            _log.warning("database_unreachable", error=type(error.__cause__ or error).__name__)
            return
        now = time.monotonic()
        waiting = [
            (tenant_id, id_)
            for tenant_id, id_ in due
            if id_ not in self._lanes and self._resting_until.get(id_, 0.0) <= now
        ]
        random.shuffle(waiting)
        for tenant_id, subscription_id in waiting[: MOST_LANES - len(self._lanes)]:
            lane = asyncio.create_task(self._deliver(http, tenant_id, subscription_id))
            self._lanes[subscription_id] = lane
            lane.add_done_callback(functools.partial(self._close, subscription_id))

    def _close(self, subscription_id: UUID, lane: asyncio.Task[None]) -> None:
        del self._lanes[subscription_id]
        if not lane.cancelled() and (error := lane.exception()):
            self._rest(subscription_id, is_success=False)
            _log.error("delivery_crashed", subscription_id=str(subscription_id), exc_info=error)

    async def _deliver(self, http: aiohttp.ClientSession, tenant_id: UUID, subscription_id: UUID) -> None:
        """Batch after batch, until nothing is due, the endpoint needs a rest, or the worker stops."""
        while not self._is_stopping:
            size = 1 if self._failures.get(subscription_id, 0) >= tries.REST_AFTER else BATCH
            batch = await self._database.run(claim.claim, tenant_id, subscription_id, now=clock.now(), batch=size)
            if batch is None:
                return
            tried = await asyncio.gather(*(self._try(http, batch, one) for one in batch.deliveries))
            switched_off = await self._database.insist(claim.finish, batch, tried, now=clock.now())
            is_success = any(one.answer.is_success for one in tried)
            self._rest(subscription_id, is_success=is_success)
            if switched_off or not is_success:
                return

    async def _try(self, http: aiohttp.ClientSession, batch: Batch, delivery: ClaimedDelivery) -> Tried:
        at = clock.now()
        try:
            answer = await post.post(http, batch.endpoint, delivery.message, now=at)
        except Exception:  # a bug of ours, isolated to one event
            _log.exception("post_crashed", delivery_id=str(delivery.delivery_id))
            answer = Answer(None, "Something went wrong here.", 0)
        pause = tries.pause_after(answer, tries=delivery.tries + 1, chance=random.random())  # noqa: S311 - jitter
        again = not answer.is_success and pause is not None
        return Tried(delivery, at, answer, clock.now() + timedelta(seconds=pause or 0.0) if again else None)

    def _rest(self, subscription_id: UUID, *, is_success: bool) -> None:
        """An endpoint that fails is tried with one event at a time, less and less often, until it answers again."""
        if is_success:
            self._failures.pop(subscription_id, None)
            self._resting_until.pop(subscription_id, None)
            return
        failures = self._failures[subscription_id] = self._failures.get(subscription_id, 0) + 1
        self._resting_until[subscription_id] = time.monotonic() + tries.rest_seconds(failures)

    async def _forget(self) -> None:
        """Now and then deletes what is too old to be kept."""
        while True:
            try:
                await self._database.run(forget.forget_old, now=clock.now())
            except Exception as error:
                _log.warning("forgetting_failed", error=type(error.__cause__ or error).__name__)
            await asyncio.sleep(FORGET_EVERY_SECONDS * (0.5 + random.random()))  # noqa: S311 - jitter


async def deliver(stopping: asyncio.Event) -> None:
    """What a worker runs beside its dispatchers."""
    await Deliverer().run(stopping)
