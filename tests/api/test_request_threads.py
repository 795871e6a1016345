"""Django in threads of its own behind ASGI: a request is answered in one thread, and gives its connection back."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from tulia.api.streaming import StreamedFile
from tulia.config.request_threads import OneThreadHandler
from tulia.core import sql
from tulia.tenants import access, api_keys
from tulia.tenants.models import Tenant


class Handler(OneThreadHandler):
    """The product's handler with a view of the test's."""

    def __init__(self, view: Any) -> None:
        super().__init__()
        self._middleware_chain = view


def asked(view: Any, *, leaves_after: int | None = None) -> list[dict[str, Any]]:
    """What the server sends; the reader may leave after so many messages."""
    return answered(Handler(view), leaves_after=leaves_after)


def answered(
    handler: OneThreadHandler, path: str = "/", *, key: str = "", leaves_after: int | None = None
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        gone, given = asyncio.Event(), False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": b""}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if leaves_after is not None and len(sent) >= leaves_after:
                gone.set()

        headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "headers": headers,
            "query_string": b"",
            "root_path": "",
        }
        await handler(scope, receive, send)

    asyncio.run(ask())
    return sent


def test_a_view_runs_in_one_thread_and_its_connection_is_given_back() -> None:
    seen: list[Any] = []

    def view(request: HttpRequest) -> HttpResponseBase:
        sql.fetch_one("SELECT 1")
        seen.extend((threading.current_thread().name, connections["default"]))
        return HttpResponse(b"here")

    sent = asked(view)
    assert [message.get("status") or message["body"] for message in sent] == [200, b"here"]
    assert seen[0].startswith("request")
    assert seen[1].connection is None


def test_a_file_is_streamed_to_its_end() -> None:
    sent = asked(lambda _: StreamedFile("a.csv", iter([b"one", b"two"])))
    assert b"".join(message.get("body", b"") for message in sent) == b"onetwo"


def test_a_reader_who_leaves_ends_the_file() -> None:
    ended = threading.Event()

    def blocks() -> Iterator[bytes]:
        try:
            while True:
                yield b"more"
        finally:
            ended.set()

    asked(lambda _: StreamedFile("a.csv", blocks()), leaves_after=5)
    assert ended.wait(5)


def test_nothing_of_an_answered_request_waits_for_the_search_for_garbage(tenant: Tenant) -> None:
    """That search stops every request of the process, for the longer the more there is to find."""
    key, handler = api_keys.create(tenant.id, name="test", scopes=access.SCOPES), OneThreadHandler()
    answered(handler, "/v1/campaigns", key=key)
    gc.collect()
    gc.disable()
    try:
        before = kept_requests()
        assert answered(handler, "/v1/campaigns", key=key)[0]["status"] == 200
        assert kept_requests() <= before
    finally:
        gc.enable()


def kept_requests() -> set[int]:
    return {id(one) for one in gc.get_objects() if issubclass(type(one), (HttpRequest, Request, APIView))}
