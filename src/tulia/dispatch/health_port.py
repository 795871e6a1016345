"""What a worker answers to whoever watches it, when it is given a port: does it tick, and what has it done."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import prometheus_client
from aiohttp import web

DEAD_AFTER_SECONDS = 30.0


class Pulse:
    """When the worker last came around. It doesn't while the database is away."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()

    def beat(self) -> None:
        self._beat_at = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        return time.monotonic() - self._beat_at


def serving(listener: socket.socket, pulse: Pulse) -> Callable[[asyncio.Event], Awaitable[None]]:
    """A companion for a worker that answers /healthz and /metrics on this socket."""

    async def healthz(_: web.Request) -> web.Response:
        seconds = pulse.silent_seconds
        is_well = seconds < DEAD_AFTER_SECONDS
        body = {"status": "ok" if is_well else "stuck", "last_tick_seconds_ago": round(seconds, 1)}
        return web.json_response(body, status=200 if is_well else 503)

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
        return web.Response(body=prometheus_client.generate_latest(), headers=headers)

    async def serve(stopping: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_get("/healthz", healthz)
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            await stopping.wait()
        finally:
            await runner.cleanup()

    return serve
