"""Refuses a body that is too large while it arrives, before it fills a disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ANSWER = b'{"error":{"code":"too_large","message":"The body is too large."}}'


def limited(app: App, *, limit_for: Callable[[str], int]) -> App:
    """`app`, behind a limit in bytes that depends on the path; beyond it the answer is 413 and the rest is not read."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        limit = limit_for(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(send)
            return
        received = 0
        is_answered = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return {"type": "http.disconnect"} if received > limit else message

        async def noted(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        await app(scope, counted, noted)
        if received > limit and not is_answered:
            await _refuse(send)

    return guard


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})
