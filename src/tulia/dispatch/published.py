"""Tells people how a sender's breaker stands: on the sender's row, and on the campaigns that it holds up."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from tulia.channels import standing
from tulia.core import clock
from tulia.core.threads import DatabaseThreads
from tulia.dispatch.breakers import Breaker, OutageBreaker
from tulia.dispatch.courses import Courses

OUTAGE = (
    "The provider can't be reached or doesn't answer. One message at a time tries the way, and sending goes on by itself "
    "when it is open again; nobody loses their turn."
)


class Published:
    """What is known of one sender's breaker outside of its dispatcher."""

    def __init__(self, tenant_id: UUID, sender_id: UUID, database: DatabaseThreads) -> None:
        self._tenant_id, self._sender_id = tenant_id, sender_id
        self._database = database
        self._told: tuple[Breaker, float] | None = None
        self._remarked_on: frozenset[UUID] | None = None

    @property
    def is_begun(self) -> bool:
        return self._told is not None

    def begin(self, breaker: OutageBreaker, written: str) -> None:
        """Learns what is written: if the way isn't known to be open, the first messages try it one by one."""
        if written != standing.CLOSED:
            breaker.state = Breaker.HALF_OPEN
        self._told = (Breaker(written), breaker.retry_at)

    async def tell(self, breaker: OutageBreaker, courses: Courses) -> None:
        """Writes down what changed since the last time; nothing when nothing did, or before it is known what is written."""
        if self._told is None:
            return
        state = (breaker.state, breaker.retry_at)
        if state != self._told:
            await self._write(breaker)
            self._told = state
        held_up = frozenset(course.campaign.pk for course in courses) if breaker.is_outage else frozenset()
        if held_up != self._remarked_on:
            await courses.remark(OUTAGE if breaker.is_outage else "")
            self._remarked_on = held_up

    async def _write(self, breaker: OutageBreaker) -> None:
        if breaker.state is Breaker.OPEN:
            now = clock.now()
            await self._database.insist(
                standing.opened,
                self._tenant_id,
                self._sender_id,
                reason=OUTAGE,
                code="outage",
                retry_at=now + timedelta(seconds=max(0.0, breaker.retry_at - time.monotonic())),
                now=now,
            )
        elif breaker.state is Breaker.HALF_OPEN:
            await self._database.insist(standing.half_opened, self._tenant_id, self._sender_id)
        else:
            await self._database.insist(standing.closed, self._tenant_id, self._sender_id)
