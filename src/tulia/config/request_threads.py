"""Django behind ASGI, each request in one thread from its first middleware to the end of its answer.

Django's own handler changes between the event loop and a thread for every middleware that doesn't know of the other side,
four times for one request, in a new thread each time anew; under 200 requests a second those changes, each of which waits
for its turn in Python, were most of the time. Here the loop reads the body, hands the request to a thread that is there
already, and sends what comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from tulia.core import sql

MOST_AT_ONCE = 64
"""Requests in work at once in one process; the others wait for a thread. Whoever waits for a campaign holds one."""


class OneThreadHandler(ASGIHandler):
    """Django's handler, whose middlewares and views all run in the same thread."""

    def __init__(self) -> None:
        # Not ASGIHandler's own: it would load the middlewares for the event loop.
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="request")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            response = await self._in_thread(self._answer, scope, body)
            if response.streaming:
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    async def _in_thread(self, act: Callable[..., Any], *arguments: Any) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, act, *arguments)

    def _answer(self, scope: Any, body: IO[bytes]) -> Any:
        """The whole of a request. What is streamed afterwards brings its own thread and connection."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, error = self.create_request(scope, body)
        response: Any = error if request is None else self.get_response(request)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        response._handler_class = self.__class__
        if response.streaming:
            sql.drop_connection()
        else:
            response.close()
        return response

    async def _stream(self, response: HttpResponseBase, receive: Any, send: Any) -> None:
        """Sends block by block until the end, or until the reader has gone."""
        sending = asyncio.create_task(_finished(self.send_response(response, send)))
        leaving = asyncio.create_task(_finished(self.listen_for_disconnect(receive)))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, sending):
                if not task.done():
                    task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await sending
            finally:
                await self._in_thread(response.close)


async def _finished(act: Awaitable[None]) -> None:
    with contextlib.suppress(RequestAborted):
        await act
