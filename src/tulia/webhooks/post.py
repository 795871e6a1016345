"""Posting one signed event to an endpoint that somebody else chose."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tulia.webhooks import addresses, signing, tries
from tulia.webhooks.claim import Endpoint, Message
from tulia.webhooks.tries import Answer

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
EXCERPT_CHARACTERS = 500
NAME_THREADS = 32
_USER_AGENT = "tulia-campaigns-webhooks/1"


class NotPublic(OSError):
    """The endpoint's name leads to an address inside our own network."""


class _Names(AbstractResolver):
    """Looks names up in threads of its own: name servers that don't answer hold up neither sending nor one another."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        look = functools.partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._pool, look)
        return [
            ResolveResult(
                hostname=host, host=str(place[0]), port=int(place[1]), family=kind, proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, place in found
        ]  # fmt: skip

    async def close(self) -> None:
        self._pool.shutdown(wait=False)


@contextlib.asynccontextmanager
async def session(*, may_be_local: bool) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that connects to the public internet only, unless it `may_be_local`.

    The address is judged when the socket is made for it: a name that led elsewhere a moment ago, and a number in the
    URL, come past here like everything else.
    """

    def make_socket(address: Any) -> socket.socket:
        family, kind, protocol, _, place = address
        if not may_be_local and not addresses.is_public(place[0]):
            raise NotPublic("the address is not on the public internet")
        return socket.socket(family=family, type=kind, proto=protocol)

    names = _Names()
    connector = aiohttp.TCPConnector(
        limit=0, ttl_dns_cache=60, keepalive_timeout=10.0, socket_factory=make_socket, resolver=names
    )
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
            auto_decompress=False,
        ) as http:
            yield http
    finally:
        await names.close()


async def post(http: aiohttp.ClientSession, endpoint: Endpoint, message: Message, *, now: datetime) -> Answer:
    """One try; never raises for anything that the endpoint or the way to it does. Redirects are not followed."""
    headers = signing.headers(endpoint.secrets, message_id=message.id, at=now, body=message.body)
    began = time.monotonic()
    try:
        async with http.post(
            endpoint.url,
            data=message.body,
            headers=headers | {"Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:
            excerpt = await _beginning(response)
            status = response.status
            retry_after = response.headers.get("Retry-After", "")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return Answer(None, _said(error), _milliseconds(began))
    is_success = 200 <= status < 300
    return Answer(
        status,
        "" if is_success else _complaint(status),
        _milliseconds(began),
        excerpt,
        retry_after_seconds=tries.asked_pause(retry_after, now=now) if retry_after and not is_success else None,
    )


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The first characters of an answer's body, whatever it is; the rest is not read."""
    try:
        content = await response.content.read(4 * EXCERPT_CHARACTERS)
    except (aiohttp.ClientError, OSError):
        return ""
    return content.decode(errors="replace").replace("\x00", "")[:EXCERPT_CHARACTERS]


def _complaint(status: int) -> str:
    if 300 <= status < 400:
        return f"The endpoint answered {status}: redirects are not followed."
    return f"The endpoint answered {status}."


def _said(error: BaseException) -> str:
    """What went wrong, in words for the endpoint's owner; nothing of where in our network it went wrong."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    if any(isinstance(one, NotPublic) for one in causes) or "not on the public internet" in str(error):
        return "The endpoint's name does not lead to the public internet."
    if isinstance(error, TimeoutError):
        return f"No answer within {TIMEOUT_SECONDS:.0f} seconds."
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "The endpoint's certificate is not valid."
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "No secure connection could be made."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "The endpoint's name is not known."
    if isinstance(error, aiohttp.ClientConnectorError):
        return "The endpoint could not be connected to."
    return "The connection broke before there was an answer."


def _milliseconds(began: float) -> int:
    return int((time.monotonic() - began) * 1_000)
