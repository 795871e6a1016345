"""What a message that ended before its first byte is: certainly not sent."""

from __future__ import annotations

import asyncio
import uuid

from dispatch.provider import Provider, accepted
from live_installation import free_port
from tulia.channels import http, registry
from tulia.channels.adapter import Connection, OnWire
from tulia.channels.types import FailureKind, OutgoingMessage, Rejected, SendOutcome, Uncertain


async def sent(provider: Provider, on_wire: OnWire, *, timeout_seconds: float) -> SendOutcome:
    connection = Connection(uuid.uuid4(), uuid.uuid4(), "whatsapp_cloud", "1", provider.url, 1, "token")
    async with http.session(timeout_seconds=timeout_seconds) as session:
        return await registry.connect(connection, session).send(
            OutgoingMessage(to="+254700000000", reference="t1:1", text="Hello"), on_wire=on_wire
        )


async def test_a_message_whose_leave_took_longer_than_an_answer_may_never_left() -> None:
    provider, given = Provider(free_port(), accepted()), []

    async def leave_late() -> None:
        await asyncio.sleep(0.6)
        given.append("leave")

    async with provider.listening():
        outcome = await sent(provider, leave_late, timeout_seconds=0.2)
        await asyncio.sleep(0.6)
    assert isinstance(outcome, Rejected)
    assert outcome.failure.kind is FailureKind.TRANSIENT
    assert (provider.posts.total(), given) == (0, [])


async def test_a_message_that_left_and_has_no_answer_is_uncertain() -> None:
    async def never(_: int = 0):  # type: ignore[no-untyped-def]
        await asyncio.sleep(30)

    async def leave() -> None: ...

    provider = Provider(free_port(), lambda _: never())
    async with provider.listening():
        assert isinstance(await sent(provider, leave, timeout_seconds=0.3), Uncertain)
    assert provider.posts.total() == 1
