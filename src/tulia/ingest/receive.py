"""The provider's callbacks, received: signature checked on the raw body, stored raw, answered 200. Nothing else.

A plain ASGI application beside Django, because callbacks come three times as often as messages go out. Bodies that
arrive together are stored in one transaction (the slower the disk, the more share it), and each is answered only when
it is committed. What has to work before the answer is done in that transaction too: an opt-out that was acknowledged
holds from then on.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

from tulia.channels import registry, senders
from tulia.channels.senders import SenderRouting
from tulia.channels.types import CallbackInvalid
from tulia.core import failpoints, logs, sql
from tulia.ingest import inbound, jobs
from tulia.tenants.scope import tenant_scope

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logs.get(__name__)
LARGEST_BODY = 4 * 1024 * 1024  # a thousand updates are about 600 KB
LARGEST_STORE = 200
WAKE_SECONDS = 0.2  # each time a job is made, taken up and ended: transactions of its own
PREFIX = "/v1/webhooks/whatsapp/"
_WHATSAPP = registry.CALLBACKS["whatsapp_cloud"]


class _Arrived(NamedTuple):
    routing: SenderRouting
    body: bytes


class Inbox:
    """Stores callbacks in shared transactions; `store` returns when the callback is committed."""

    def __init__(self) -> None:
        self._waiting: list[tuple[_Arrived, asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None
        self._to_wake: set[UUID] = set()
        self._waking: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")

    async def store(self, arrived: _Arrived) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrived, future))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_waiting())
        await future

    async def _store_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_STORE], self._waiting[LARGEST_STORE:]
            try:
                await loop.run_in_executor(self._thread, _store_all, [arrived for arrived, _ in batch])
            except Exception as error:
                _log.warning("callbacks_not_stored", count=len(batch), error=type(error.__cause__ or error).__name__)
                for _, future in batch:
                    if not future.done():
                        future.set_exception(ConnectionError("not stored"))
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)
                self._to_wake |= {arrived.routing.tenant_id for arrived, _ in batch}
                if self._waking is None or self._waking.done():
                    self._waking = asyncio.create_task(self._wake_appliers())

    async def _wake_appliers(self) -> None:
        """Defers the applying: at once for the first callback, then five times a second at most, however many come.

        If this process dies before, the callbacks are stored all the same, and the queue's own round finds them.
        """
        while self._to_wake:
            tenants, self._to_wake = self._to_wake, set()
            await asyncio.get_running_loop().run_in_executor(self._thread, _wake_all, tenants)
            await asyncio.sleep(WAKE_SECONDS)

    async def route(self, sender_id: UUID) -> SenderRouting | None:
        known = senders.routing_if_known(sender_id)
        if known is not None:
            return known
        return await asyncio.get_running_loop().run_in_executor(self._thread, senders.routing, sender_id)


def _store_all(arrived: Sequence[_Arrived]) -> None:
    by_tenant: dict[UUID, list[_Arrived]] = defaultdict(list)
    for one in arrived:
        by_tenant[one.routing.tenant_id].append(one)
    try:
        for tenant_id, mine in by_tenant.items():
            with tenant_scope(tenant_id):
                sql.execute(
                    sql.load("ingest", "store"),
                    {
                        "tenant_id": tenant_id,
                        "sender_ids": [one.routing.sender_id for one in mine],
                        "bodies": [one.body for one in mine],
                    },
                )
                failpoints.reached("callback_stored")
                _obey_at_once(tenant_id, mine)
                failpoints.reached("callback_obeyed")
    except Exception:
        sql.drop_connection()
        raise


def _wake_all(tenants: Iterable[UUID]) -> None:
    for tenant_id in tenants:
        try:
            jobs.defer_apply(tenant_id)
        except Exception as error:
            sql.drop_connection()
            _log.warning("applier_not_woken", error=type(error.__cause__ or error).__name__)


def _obey_at_once(tenant_id: UUID, arrived: Sequence[_Arrived]) -> None:
    """Opt-outs in these bodies take effect with their storage; anything unreadable is left to the applier."""
    for one in arrived:
        if b'"from' not in one.body and b"user_preferences" not in one.body:
            continue
        try:
            content = _WHATSAPP.parse(one.body, phone_number_id=one.routing.external_id)
        except CallbackInvalid:
            continue
        inbound.obey(tenant_id, one.routing.sender_id, content.messages, content.preferences)


_inbox: Inbox | None = None


async def receive(scope: Scope, receive_part: Receive, send: Send) -> None:
    """GET verifies the address, POST takes a callback; everything else is refused."""
    global _inbox
    if _inbox is None:
        _inbox = Inbox()
    status, body = await _answer(_inbox, scope, receive_part)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _answer(inbox: Inbox, scope: Scope, receive_part: Receive) -> tuple[int, bytes]:
    try:
        sender_id = UUID(str(scope["path"])[len(PREFIX) :])
    except ValueError:
        return 404, b"no such sender"
    try:
        routing = await inbox.route(sender_id)
    except Exception as error:
        _log.warning("callback_not_routed", error=type(error.__cause__ or error).__name__)
        return 503, b"try again"
    if routing is None:
        return 404, b"no such sender"
    if scope["method"] == "GET":
        return _verify(routing, scope["query_string"])
    if scope["method"] != "POST":
        return 405, b"only GET and POST"
    body = await _read(receive_part)
    if body is None:
        return 413, b"too large"
    headers = {name.lower(): value for name, value in scope["headers"]}
    signature = headers.get(b"x-hub-signature-256")
    if not _WHATSAPP.verify_signature(
        body, signature.decode("latin-1") if signature else None, app_secret=routing.app_secret
    ):
        _log.warning("callback_with_bad_signature", sender_id=str(sender_id))
        return 401, b"bad signature"
    try:
        await inbox.store(_Arrived(routing, body))
    except ConnectionError:
        return 503, b"try again"
    failpoints.reached("callback_committed")
    return 200, b"ok"


def _verify(routing: SenderRouting, query: bytes) -> tuple[int, bytes]:
    """The provider's check of a new callback address: the challenge comes back when the token is right."""
    asked = parse_qs(query.decode("latin-1"))
    token = asked.get("hub.verify_token", [""])[0]
    is_right = hmac.compare_digest(token.encode(), routing.verify_token.encode())
    if asked.get("hub.mode") == ["subscribe"] and is_right:
        return 200, asked.get("hub.challenge", [""])[0].encode()
    return 403, b"wrong verify token"


async def _read(receive_part: Receive) -> bytes | None:
    parts = []
    size = 0
    while True:
        part = await receive_part()
        if part["type"] == "http.disconnect":
            return b""
        parts.append(part.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            return None
        if not part.get("more_body"):
            return b"".join(parts)
