"""Carrying callbacks: gathered for each number, signed, posted, retried for a virtual week, then laid to rest."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from whatsapp_simulator.callbacks import Update, assemble, signature
from whatsapp_simulator.clock import VirtualClock
from whatsapp_simulator.config import Config
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.senders import Sender
from whatsapp_simulator.timeline import Timeline


@dataclass(slots=True)
class Batch:
    """Updates that travel together; `since` is the virtual moment of the first try."""

    number_id: str
    updates: list[Update]
    since: float
    generation: int
    attempt: int = 0
    problem: str = ""


@dataclass(slots=True)
class Tally:
    """What was carried so far."""

    updates: int = 0
    posts: int = 0
    acknowledged: int = 0
    refused: int = 0
    retries: int = 0
    dead: int = 0
    nowhere: int = 0


class Delivering:
    """All callbacks on their way."""

    def __init__(
        self,
        clock: VirtualClock,
        timeline: Timeline,
        config: Callable[[], Config],
        seed: Callable[[], int],
        sender: Callable[[str], Sender | None],
        acknowledged: Callable[[str, list[Update]], None] = lambda _number, _updates: None,
    ) -> None:
        self._clock = clock
        self._timeline = timeline
        self._config = config
        self._seed = seed
        self._sender = sender
        self._acknowledged = acknowledged
        self._queues: dict[str, deque[Update]] = {}
        self._again: deque[Batch] = deque()
        self._posting: set[asyncio.Task[None]] = set()
        self._flush_armed: asyncio.TimerHandle | None = None
        self._session: aiohttp.ClientSession | None = None
        self._generation = 0
        self.hurry = False
        """Ignore burst pauses: somebody is draining."""
        self.tally = Tally()
        self.dead: deque[dict[str, Any]] = deque()

    async def start(self) -> None:
        """Open the HTTP client."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=0), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Stop at once; what is on its way is dropped."""
        if self._flush_armed is not None:
            self._flush_armed.cancel()
        posting = list(self._posting)
        for task in posting:
            task.cancel()
        await asyncio.gather(*posting, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client that callbacks are posted with."""
        assert self._session is not None
        return self._session

    @property
    def backlog(self) -> int:
        """Updates that wait for their first POST."""
        return sum(len(queue) for queue in self._queues.values())

    @property
    def in_flight(self) -> int:
        """POSTs without an answer so far."""
        return len(self._posting)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is on its way (retries of the future are on the timeline)."""
        return not self._posting and not self._again and not any(self._queues.values())

    def forget(self) -> None:
        """Drop everything that waits, and the records."""
        self._generation += 1
        self._queues.clear()
        self._again.clear()
        self.dead.clear()
        self.tally = Tally()

    def enqueue(self, sender: Sender, update: Update) -> None:
        """Take an update along with the next POST of this number."""
        if not sender.callback_url:
            self.tally.nowhere += 1
            return
        queue = self._queues.get(sender.number_id)
        if queue is None:
            queue = self._queues[sender.number_id] = deque()
        queue.append(update)
        self.tally.updates += 1
        if self._flush_armed is None:
            self._arm(self._config().webhooks.flush_ms / 1000.0)

    def flush(self) -> None:
        """Post what waits, as far as there is room."""
        settings = self._config().webhooks
        while self._again and len(self._posting) < settings.in_flight_max:
            self._start(self._again.popleft())
        pause = 0.0 if self.hurry else self._pause()
        if pause > 0.0:
            # Not longer than a moment: the virtual clock may be moved or scaled meanwhile.
            self._arm(min(pause, 0.1))
            return
        for number_id, queue in self._queues.items():
            sender = self._sender(number_id)
            if sender is None or (settings.require_verification and not sender.verified):
                continue
            size = max(settings.batch_usual, math.ceil(len(queue) / settings.posts_per_flush))
            while queue and len(self._posting) < settings.in_flight_max:
                batch = cut(queue, min(size, settings.batch_max))
                self._start(Batch(number_id, batch, self._clock.now(), self._generation))

    def _arm(self, wait: float) -> None:
        if self._flush_armed is None:
            self._flush_armed = asyncio.get_running_loop().call_later(wait, self._flush_on_time)

    def _flush_on_time(self) -> None:
        self._flush_armed = None
        self.flush()

    def _pause(self) -> float:
        """Real seconds until a burst pause ends; 0 outside of one."""
        noise, scale = self._config().noise, self._clock.scale
        if noise.burst_pause_s <= 0.0 or scale <= 0.0:
            return 0.0
        into = self._clock.now() % max(noise.burst_every_s, noise.burst_pause_s + 1.0)
        return max(0.0, noise.burst_pause_s - into) / scale

    def _start(self, batch: Batch) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(batch))
        self._posting.add(task)
        task.add_done_callback(self._arrived)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        if task.cancelled():
            return
        task.result()
        if self._again or any(self._queues.values()):
            self._arm(self._config().webhooks.flush_ms / 1000.0)

    async def _carry(self, batch: Batch) -> None:
        sender = self._sender(batch.number_id)
        if sender is None or not sender.callback_url or batch.generation != self._generation:
            return
        body = assemble(
            sender.waba_id,
            sender.display,
            sender.number_id,
            batch.updates,
            self._clock.stamp(self._clock.now(), self._config().timestamps),
        )
        secret = sender.app_secret
        draws = Draws(self._seed(), "post", batch.updates[0].key, str(batch.attempt))
        if draws.happens("bad signature", self._config().noise.bad_signature_rate):
            secret += " but not quite"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": signature(secret, body),
        }
        self.tally.posts += 1
        timeout = aiohttp.ClientTimeout(total=self._config().webhooks.timeout_real_s)
        try:
            async with self.session.post(
                sender.callback_url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                batch.problem = "" if answer.status == 200 else f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            batch.problem = f"{type(error).__name__}: {error}"
        if batch.generation != self._generation:
            return
        if batch.problem:
            self._failed(batch)
        else:
            self.tally.acknowledged += len(batch.updates)
            self._acknowledged(batch.number_id, batch.updates)

    def _failed(self, batch: Batch) -> None:
        self.tally.refused += 1
        settings = self._config().webhooks
        now = self._clock.now()
        batch.attempt += 1
        # The first retry comes at once, the others after 2, 4, 8… virtual seconds.
        wait = 0.0 if batch.attempt == 1 else min(2.0 ** (batch.attempt - 1), settings.retry_cap_s)
        if now + wait - batch.since > settings.give_up_s:
            self._bury(batch, settings.dead_kept)
            return
        self.tally.retries += 1
        for part in _regrouped(batch):
            self._timeline.at(now + wait, self._retry, part)

    def _retry(self, batch: Batch) -> None:
        if batch.generation == self._generation:
            self._again.append(batch)
            self.flush()

    def _bury(self, batch: Batch, kept: int) -> None:
        self.tally.dead += len(batch.updates)
        self.dead.append(
            {
                "phone_number_id": batch.number_id,
                "attempts": batch.attempt,
                "problem": batch.problem,
                "updates": [{"kind": update.lot, "key": update.key, "item": update.item} for update in batch.updates],
            }
        )
        while len(self.dead) > kept:
            self.dead.popleft()


def cut(queue: deque[Update], size: int) -> list[Update]:
    """Take up to `size` updates from the front; a copy never travels with its original but waits for the next POST."""
    batch: list[Update] = []
    keys: set[str] = set()
    waiting: list[Update] = []
    while queue and len(batch) < size:
        update = queue.popleft()
        if update.key in keys:
            waiting.append(update)
            continue
        keys.add(update.key)
        batch.append(update)
    queue.extendleft(reversed(waiting))
    return batch


def _regrouped(batch: Batch) -> list[Batch]:
    """From the second retry on the updates come in other groups than before: halves."""
    if batch.attempt < 2 or len(batch.updates) < 2:
        return [batch]
    middle = len(batch.updates) // 2
    return [
        Batch(batch.number_id, part, batch.since, batch.generation, batch.attempt, batch.problem)
        for part in (batch.updates[:middle], batch.updates[middle:])
    ]
