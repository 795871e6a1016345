"""The worker's one HTTP session towards all providers."""

from __future__ import annotations

import aiohttp

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
