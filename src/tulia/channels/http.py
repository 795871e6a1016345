"""The worker's one HTTP session towards all providers."""

from __future__ import annotations

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from tulia.channels.adapter import OnWire, Withheld
from tulia.core import failpoints


class NotedBody(aiohttp.BytesPayload):
    """A request body that calls `on_wire` right before it is written.

    aiohttp holds the headers back until the body comes, so nothing of the request has left before. What it makes of
    an exception here is a broken connection: `is_withheld` tells the two apart.
    """

    def __init__(self, body: bytes, on_wire: OnWire) -> None:
        super().__init__(body, content_type="application/json")
        self._on_wire = on_wire
        self.is_withheld = False
        self.has_left = False
        """Whether bytes may have been written; without that the provider can't have taken anything."""

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self._note()
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await self._note()
        await super().write_with_length(writer, content_length)

    async def _note(self) -> None:
        try:
            await self._on_wire()
        except Withheld:
            self.is_withheld = True
            raise
        self.has_left = True
        failpoints.reached("noted")


USER_AGENT = "tulia-campaigns/1"
CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 10.0


def session(*, timeout_seconds: float) -> aiohttp.ClientSession:
    """A session without a limit of connections: how much is in flight is the dispatcher's business.

    Idle connections are closed after ten seconds, before providers close them: a message written into a connection
    that is being closed has an unknown outcome.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=KEEP_ALIVE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        auto_decompress=True,
    )
