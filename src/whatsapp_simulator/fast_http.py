"""Answering HTTP/1.1 fast: a lean server on httptools, for many small JSON requests over kept-alive connections.

Requests of one connection are answered one after the other; bodies may be chunked. The simulator also needs endings
that a framework doesn't offer: to hang, to reset the connection, to trickle, to close before the body is read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

import httptools

from whatsapp_simulator.exchange import Reply, Request, answer
from whatsapp_simulator.timeline import Timeline

Handler = Callable[[Request], "Reply | Awaitable[Reply]"]
Door = Callable[[str], bool]
_BODY_MAX = 16 * 1024 * 1024
_HEAD_MAX = 64 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Where Linux's struct tcp_info says how many milliseconds ago the last data came in.
_TCP_INFO_SIZE, _LAST_DATA_CAME = 192, 52


class FastServer:
    """A listening server. `handler` answers requests; `refuses` decides by the path whether to close at once.

    `notes_arrivals` says whether requests are to carry when they came; it is asked of each, as settings may change.
    """

    def __init__(self, handler: Handler, refuses: Door, notes_arrivals: Callable[[], bool] = lambda: False) -> None:
        self.handler = handler
        self.refuses = refuses
        self.notes_arrivals = notes_arrivals
        self.connections: set[_Connection] = set()
        self.later = Timeline(time.monotonic, lambda: 1.0, grain=0.001)
        self.acting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port that it became. OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port, backlog=2048)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        self.later.clear()
        for connection in list(self.connections):
            connection.abort()
        acting = list(self.acting)
        for task in acting:
            task.cancel()
        await asyncio.gather(*acting, return_exceptions=True)
        # Transports report their end on the next turns of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One client connection."""

    __slots__ = ("_authorization", "_body", "_busy", "_head_size", "_length", "_local", "_parser", "_path", "_server",
                 "_transport", "_url", "_waiting")  # fmt: skip

    def __init__(self, server: FastServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._local = False
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._authorization = ""
        self._body: list[bytes] = []
        self._length = 0
        self._head_size = 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        self._local = _is_loopback(transport.get_extra_info("peername"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._server.connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request was answered as if it had not asked for another protocol; the connection ends after that.
            return
        except httptools.HttpParserError:
            if self._transport is not None and not self._transport.is_closing():
                self._give_up(400, "this is not HTTP/1.1")

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._measure_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure_head(len(name) + len(value))
        lower = name.lower()
        if lower == b"authorization":
            self._authorization = value.decode("latin-1")
        elif lower == b"expect" and value.lower() == b"100-continue" and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_headers_complete(self) -> None:
        path = self._url.split(b"?", 1)[0].decode("latin-1")
        if self._server.refuses(path):
            self.abort()

    def on_body(self, body: bytes) -> None:
        self._length += len(body)
        if self._length > _BODY_MAX:
            self._give_up(413, "the body is too large")
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        scheme, _, credentials = self._authorization.partition(" ")
        request = Request(
            self._parser.get_method().decode(),
            path,
            query,
            credentials.strip() if scheme.lower() == "bearer" else "",
            self._body[0] if len(self._body) == 1 else b"".join(self._body),
            self._local,
            _came_at(self._transport) if self._server.notes_arrivals() else 0.0,
        )
        self._waiting.append((request, self._parser.should_keep_alive() and not self._parser.should_upgrade()))
        if not self._busy:
            self._next()

    # Answering.

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _measure_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _HEAD_MAX:
            self._give_up(431, "the head of the request is too large")

    def _give_up(self, status: int, why: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_render(answer({"error": why}, status), keep=False))
            self._transport.close()

    def _next(self) -> None:
        while self._waiting and not self._busy:
            request, keep = self._waiting.popleft()
            self._busy = True
            try:
                outcome = self._server.handler(request)
            except Exception as error:
                self._report(error)
                outcome = answer({"error": "the simulator failed to answer"}, 500)
            if isinstance(outcome, Reply):
                self._conclude(outcome, keep)
            else:
                task = asyncio.get_running_loop().create_task(self._await(outcome, keep))
                self._server.acting.add(task)
                task.add_done_callback(self._server.acting.discard)

    def _report(self, error: Exception) -> None:
        # A fault of the simulator's own: the loop's handler prints the traceback, the client gets a plain 500.
        context = {"message": "the simulator failed to answer a request", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)

    async def _await(self, outcome: Awaitable[Reply], keep: bool) -> None:
        try:
            reply = await outcome
        except Exception as error:
            self._report(error)
            reply = answer({"error": "the simulator failed to answer"}, 500)
        self._conclude(reply, keep)
        self._next()

    def _conclude(self, reply: Reply, keep: bool) -> None:
        if reply.ending == "hang":
            asyncio.get_running_loop().call_later(reply.hang_s, self.abort)
        elif reply.ending == "reset":
            self._reset()
        elif reply.wait_s > 0.0:
            self._server.later.at(time.monotonic() + reply.wait_s, self._write_later, reply, keep)
        else:
            self._write(reply, keep)

    def _write_later(self, reply: Reply, keep: bool) -> None:
        self._write(reply, keep)
        self._next()

    def _write(self, reply: Reply, keep: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        data = _render(reply, keep=keep)
        if reply.trickle_s > 0.0:
            self._trickle(data, 0, reply.trickle_s, keep)
            return
        transport.write(data)
        self._written(keep)

    def _written(self, keep: bool) -> None:
        self._busy = False
        if not keep and self._transport is not None:
            self._transport.close()

    def _trickle(self, data: bytes, start: int, pause: float, keep: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data[start : start + 1])
        if start + 1 < len(data):
            self._server.later.at(time.monotonic() + pause, self._trickle, data, start + 1, pause, keep)
        else:
            self._written(keep)
            self._next()

    def _reset(self) -> None:
        """Close with RST: lingering for no time at all throws the connection away."""
        if self._transport is None:
            return
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _render(reply: Reply, *, keep: bool) -> bytes:
    reason = _REASONS.get(reply.status, "Unknown")
    head = f"HTTP/1.1 {reply.status} {reason}\r\nContent-Type: {reply.content_type}\r\n"
    head += f"Content-Length: {len(reply.body)}\r\n"
    for name, value in reply.headers.items():
        head += f"{name}: {value}\r\n"
    if not keep:
        head += "Connection: close\r\n"
    return (head + "\r\n").encode("latin-1", "replace") + reply.body


def _came_at(transport: asyncio.Transport) -> float:
    """When the last data of a connection was in our socket (epoch seconds, to a few milliseconds: a tick of the kernel),
    however long this process didn't get round to reading it. Where the kernel doesn't say, now.

    A client that waits for its answer has sent nothing after the request, so that the last data is the request's end.
    """
    now = time.time()
    raw: socket.socket | None = transport.get_extra_info("socket")
    if sys.platform != "linux" or raw is None:
        return now
    try:
        told = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        (milliseconds,) = struct.unpack_from("=I", told, _LAST_DATA_CAME)
    except (OSError, struct.error):
        return now
    return now - float(milliseconds) / 1_000


def _is_loopback(peer: object) -> bool:
    """Whether a peer address (``(host, port, …)``) is of this machine."""
    if not isinstance(peer, tuple) or not peer:
        return False
    try:
        address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
