"""A provider of a few lines on loopback, which answers whatever a test says, and a dispatcher that sends to it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from aiohttp import web

from cast import add_campaign, add_people, add_sender, own_connection, recipients, reloaded, start
from live_installation import free_port
from tulia.account_service import AccountService
from tulia.campaigns.models import MessageCampaign
from tulia.channels import http, registry, senders
from tulia.channels.models import Sender
from tulia.core import clock
from tulia.core.threads import DatabaseThreads
from tulia.dispatch.dispatcher import Dispatcher
from tulia.dispatch.pacing import Pacer
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger.models import Recipient
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

T = TypeVar("T")
THREADS = 4
Answer = Callable[[int], web.Response | Awaitable[web.Response]]
"""What to answer the n-th time (from 1) that a person is written to."""


def accepted(message_id: str | None = None) -> Answer:
    def answer(_: int) -> web.Response:
        answer.count += 1  # type: ignore[attr-defined]
        made = message_id or f"wamid.{answer.count}"  # type: ignore[attr-defined]
        return web.Response(body=orjson.dumps({"messages": [{"id": made}]}), content_type="application/json")

    answer.count = 0  # type: ignore[attr-defined]
    return answer


def graph_error(code: int, *, status: int = 400, **headers: str) -> Answer:
    body = orjson.dumps({"error": {"code": code, "message": "m"}})
    return lambda _: web.Response(status=status, body=body, content_type="application/json", headers=headers)


def page(status: int, **headers: str) -> Answer:
    return lambda _: web.Response(status=status, text="<html>", content_type="text/html", headers=headers)


def in_turn(*answers: Answer) -> Answer:
    """One after the other for each person; the last one from then on."""
    return lambda turn: answers[min(turn, len(answers)) - 1](turn)


@dataclass
class Provider:
    port: int
    answer: Answer
    posts: Counter[str] = field(default_factory=Counter)
    posted_at: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.posts[body["to"]] += 1
        self.posted_at.append(asyncio.get_running_loop().time())
        given = self.answer(self.posts[body["to"]])
        return given if isinstance(given, web.Response) else await given

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Provider]:
        app = web.Application()
        app.router.add_post("/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()


class Run:
    """A campaign on its way: its sender's dispatcher runs in the test's own event loop."""

    def __init__(
        self,
        tenant: Tenant,
        *,
        people: int,
        rate: int = 500,
        answer: Answer | None = None,
        account: str = "",
        **fields: Any,
    ) -> None:
        self.tenant = tenant
        self.provider = Provider(free_port(), answer or accepted())
        self.sender = elsewhere(lambda: add_sender(tenant, base_url=self.provider.url, rate=rate, account=account))
        elsewhere(lambda: add_people(tenant, people))
        self.campaign = self.another(**fields)

    def another(self, **fields: Any) -> MessageCampaign:
        """One more campaign of this sender, started."""
        given = {"sender_id": str(self.sender.pk)} | fields
        return elsewhere(lambda: start(add_campaign(self.tenant, **given), now=clock.now()))

    @contextlib.asynccontextmanager
    async def dispatching(
        self,
        *,
        timeout_seconds: float = 10.0,
        beside: Dispatcher | None = None,
        journal: WireJournal | None = None,
        pacer: Pacer | None = None,
    ) -> AsyncIterator[Dispatcher]:
        """The dispatcher, begun; at the end it is stopped and has finished. `beside` another it shares its threads.

        `pacer` is the one that this process kept of an earlier dispatcher of the sender.
        """
        database = DatabaseThreads(THREADS) if beside is None else beside._database
        try:
            async with http.session(timeout_seconds=timeout_seconds) as session:
                connection = await database.run(registry.connection_of, self.tenant.id, self.sender.id)
                assert connection is not None
                dispatcher = Dispatcher(
                    connection, registry.connect(connection, session), database, journal=journal, pacer=pacer
                )
                running = asyncio.create_task(dispatcher.run())
                try:
                    yield dispatcher
                finally:
                    dispatcher.stop()
                    await asyncio.wait_for(running, 20)
        finally:
            if beside is None:
                every_thread = threading.Barrier(THREADS)
                await asyncio.gather(*(database.run(_close_connection, every_thread) for _ in range(THREADS)))
                database.close()

    async def until(self, is_so: Callable[[], bool], *, within: float = 20.0) -> None:
        deadline = asyncio.get_running_loop().time() + within
        while not await asyncio.to_thread(is_so):
            assert asyncio.get_running_loop().time() < deadline, self.states()
            await asyncio.sleep(0.05)

    def rows(self) -> Sequence[Recipient]:
        return elsewhere(lambda: recipients(self.campaign))

    def states(self) -> Counter[tuple[int, str]]:
        return Counter((row.state, row.reason) for row in self.rows())

    def sender_now(self) -> Sender:
        def look() -> Sender:
            with tenant_scope(self.tenant.id):
                return senders.get(self.tenant.id, self.sender.pk)

        return elsewhere(look)

    def change_sender(self, **fields: Any) -> None:
        """As a person does it through the API, while everything runs."""
        elsewhere(lambda: AccountService(api_keys.operator(self.tenant.id)).change_sender(self.sender.pk, **fields))

    def now(self) -> MessageCampaign:
        return elsewhere(lambda: reloaded(self.campaign))

    def is_over(self) -> bool:
        return self.now().status != "sending"


def elsewhere(act: Callable[[], T]) -> T:
    """What the act returns, done in a thread of its own: Django keeps the database out of event loops."""

    def do() -> T:
        with own_connection():
            return act()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(do).result()


def _close_connection(together: threading.Barrier) -> None:
    with own_connection():
        together.wait(10)
